"""Registration (W12, W13) and password reset (W14, W15)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from tenants.models import AuthSession, CodePurpose, OneTimePassword, User
from tests import factories
from tests.api.core.conftest import golden
from tests.outbox import Message, Outbox

pytestmark = pytest.mark.django_db
BASE = "/core/v1/auth/"
REGISTER, VERIFY = BASE + "register", BASE + "register/verify"
RESET, CONFIRM = BASE + "resetPassword", BASE + "resetPassword/confirm"
LOGIN, REFRESH = BASE + "login", BASE + "token/refresh"
PHONE, NOBODY = "+4790000001", "+4790000002"
FRESH = "Another-h0rse"
WRONG = {
    "success": False,
    "message": "The code is not valid or has expired.",
    "errors": {"code": ["The code is not valid or has expired."]},
}
Drain = Callable[[], int]


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


def register(client: Client, phone: str = PHONE, **extra: Any) -> Any:
    return post(client, REGISTER, phone=phone, password=factories.PASSWORD, **extra)


@pytest.fixture(autouse=True)
def unhurried(db: None) -> None:
    """No counter of an earlier test."""
    cache.clear()


# --- the story ---


def test_register_verify_and_log_in(client: Client, outbox: list[Message], drain: Drain) -> None:
    response = register(client, "47 900 00 001", firstName="Sam", lastName="Stone", email="sam@example.com")
    assert (response.status_code, response.json()) == (200, golden("registered"))
    assert not User.objects.exists()
    assert drain() == 1
    (message,) = outbox
    assert message.to == PHONE
    assert post(client, LOGIN, username=PHONE, password=factories.PASSWORD).status_code == 401
    response = post(client, VERIFY, username=PHONE, code=f" {message.code.lower()} ")
    assert (response.status_code, response.json()) == (200, golden("verified"))
    user = User.objects.get()
    assert (user.phone, user.first_name, user.last_name, user.email) == (PHONE, "Sam", "Stone", "sam@example.com")
    assert user.confirmed_at
    assert not user.email_verified_at
    assert not user.is_staff
    assert post(client, LOGIN, username=PHONE, password=factories.PASSWORD).status_code == 200


def test_a_forgotten_password_is_replaced(
    client: Client, ours: factories.House, outbox: list[Message], drain: Drain
) -> None:
    phone = ours.staff.phone
    tokens = post(client, LOGIN, username=phone, password=factories.PASSWORD).json()["data"]
    response = post(client, RESET, username=f"00{phone[1:]}")
    assert (response.status_code, response.json()) == (200, golden("reset"))
    drain()
    response = post(client, CONFIRM, username=phone, code=outbox[0].code, password=FRESH)
    assert (response.status_code, response.json()) == (200, golden("reset"))
    assert post(client, LOGIN, username=phone, password=factories.PASSWORD).status_code == 401
    assert post(client, LOGIN, username=phone, password=FRESH).status_code == 200
    assert post(client, REFRESH, username=phone, refreshToken=tokens["refreshToken"]).status_code == 401
    sessions = AuthSession.objects.all_tenants("a test looks").filter(user=ours.staff)
    assert [session.revoked_at is not None for session in sessions.order_by("created_at")] == [True, False]
    record = ours.staff.history.first()
    assert (record.history_user, record.history_change_reason) == (ours.staff, "chose a new password with a code")


def test_by_verified_address(client: Client, ours: factories.House, outbox: list[Message], drain: Drain) -> None:
    User.objects.filter(pk=ours.staff.pk).update(email="Sam@example.com")
    post(client, RESET, username="sam@Example.com")
    drain()
    assert (outbox, mail.outbox) == ([], [])
    User.objects.filter(pk=ours.staff.pk).update(email_verified_at=timezone.now())
    post(client, RESET, username="SAM@Example.com")
    drain()
    assert outbox == []
    (sent,) = mail.outbox
    assert sent.to == ["Sam@example.com"]
    code = Message(sent.to[0], str(sent.subject), str(sent.body)).code
    assert post(client, CONFIRM, username="sam@example.com", code=code, password=FRESH).status_code == 200


def test_forgiven_after_a_lock_out(
    client: Client, ours: factories.House, outbox: list[Message], drain: Drain, settings: Settings
) -> None:
    settings.LOGIN_RATE_PER_NAME = 0
    for _ in range(settings.AXES_FAILURE_LIMIT):
        post(client, LOGIN, username=ours.staff.phone, password="wrong")
    assert post(client, LOGIN, username=ours.staff.phone, password=factories.PASSWORD).status_code == 429
    post(client, RESET, username=ours.staff.phone)
    drain()
    post(client, CONFIRM, username=ours.staff.phone, code=outbox[0].code, password=FRESH)
    assert post(client, LOGIN, username=ours.staff.phone, password=FRESH).status_code == 200


# --- nobody learns who exists ---


def answers(client: Client, path: str, **body: Any) -> tuple[int, Any, list[str]]:
    """The status, the body and the kinds of queries."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = post(client, path, **body)
    return response.status_code, response.json(), [row["sql"].split()[0] for row in queries.captured_queries]


def test_a_number_that_is_taken_is_registered_like_any_other(
    client: Client, ours: factories.House, outbox: list[Message], drain: Drain
) -> None:
    body = {"password": FRESH, "firstName": "Eve"}
    assert answers(client, REGISTER, phone=ours.staff.phone, **body) == answers(client, REGISTER, phone=PHONE, **body)
    drain()
    assert [message.to for message in outbox] == [PHONE]
    rows = OneTimePassword.objects.filter(username__in=[ours.staff.phone, PHONE])
    assert all(row.digest for row in rows)
    wrong = {"code": "AAAAAA"}
    assert answers(client, VERIFY, username=ours.staff.phone, **wrong) == answers(
        client, VERIFY, username=PHONE, **wrong
    )
    ours.staff.refresh_from_db()
    assert ours.staff.first_name == "Sam"
    assert ours.staff.check_password(factories.PASSWORD)


def test_a_reset_is_answered_alike_for_everybody(
    client: Client, ours: factories.House, outbox: list[Message], drain: Drain
) -> None:
    User.objects.filter(pk=ours.reviewer.pk).update(is_active=False)
    User.objects.filter(pk=ours.annotator.pk).update(deleted_at=timezone.now())
    names = [ours.staff.phone, NOBODY, ours.reviewer.phone, ours.annotator.phone, "nobody@example.com"]
    found = [answers(client, RESET, username=name) for name in names]
    assert found == [found[0]] * len(names)
    assert found[0][:2] == (200, golden("reset"))
    drain()
    assert [message.to for message in outbox] == [ours.staff.phone]
    tried = [answers(client, CONFIRM, username=name, code="AAAAAA", password=FRESH) for name in names]
    assert tried == [tried[0]] * len(names)
    assert tried[0][:2] == (400, WRONG)


def test_a_weak_password_is_told_before_the_code_and_alike(client: Client, ours: factories.House) -> None:
    # Only the holder of the code is told that a password resembles its person.
    body = {"code": "AAAAAA", "password": "Sam1"}
    assert answers(client, CONFIRM, username=ours.staff.phone, **body) == answers(
        client, CONFIRM, username=NOBODY, **body
    )
    known = answers(client, CONFIRM, username=ours.staff.phone, code="AAAAAA", password=f"Ab{ours.staff.phone}")
    assert known[:2] == (400, WRONG)


# --- what is refused ---


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("nocapital1", "At least one capital letter is needed."),
        ("NOSMALL1", "At least one small letter is needed."),
        ("NoDigitHere", "At least one digit is needed."),
        ("Xq7zkwv", "This password is too short. It must contain at least 8 characters."),
        ("Password123", "This password is too common."),
    ],
)
def test_password_policy(client: Client, password: str, reason: str) -> None:
    for path, extra in ((REGISTER, {"phone": PHONE}), (CONFIRM, {"username": PHONE, "code": "AAAAAA"})):
        response = post(client, path, password=password, **extra)
        assert response.status_code == 400
        assert response.json() == {
            "success": False,
            "message": f"password: {reason}",
            "errors": {"password": [reason]},
        }
    assert not OneTimePassword.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"phone": "12"}, "phone"),
        ({"phone": "someone@example.com"}, "phone"),
        ({"email": "not an address"}, "email"),
        ({"firstName": "x" * 151}, "firstName"),
        ({"password": f"Ab{PHONE}"}, "password"),
        ({"password": "Stonestone1", "lastName": "Stonestone"}, "password"),
        ({"phone": "\ud800"}, "phone"),
        ({"phone": None}, "phone"),
    ],
)
def test_what_cannot_be_registered(client: Client, body: dict[str, Any], field: str) -> None:
    response = post(client, REGISTER, **({"phone": PHONE, "password": factories.PASSWORD} | body))
    assert response.status_code == 400
    assert response.json()["errors"].keys() == {field}
    assert not OneTimePassword.objects.exists()


@pytest.mark.parametrize("path", [REGISTER, VERIFY, RESET, CONFIRM])
def test_what_is_missing_is_named(client: Client, path: str) -> None:
    response = post(client, path)
    assert response.status_code == 400
    needed = {
        REGISTER: {"phone", "password"}, VERIFY: {"username", "code"}, RESET: {"username"},
        CONFIRM: {"username", "code", "password"},
    }  # fmt: skip
    assert response.json()["errors"].keys() == needed[path]


def test_an_address_is_needed_where_phones_are_not_reached(
    client: Client, outbox: list[Message], settings: Settings, drain: Drain
) -> None:
    settings.CODE_BACKEND = "tests.outbox.MailOutbox"
    assert register(client).json()["errors"].keys() == {"email"}
    register(client, email="sam@example.com")
    drain()
    assert [message.to for message in outbox] == ["sam@example.com"]
    post(client, VERIFY, username=PHONE, code=outbox[0].code)
    user = User.objects.get()
    assert user.email_verified_at
    assert not user.confirmed_at


# --- abuse ---


@pytest.fixture
def code(client: Client, ours: factories.House, outbox: list[Message], drain: Drain) -> str:
    """The code that our staff asked for."""
    post(client, RESET, username=ours.staff.phone)
    drain()
    return outbox[0].code


def confirm(client: Client, username: str, code: str) -> Any:
    return post(client, CONFIRM, username=username, code=code, password=FRESH)


def test_a_code_opens_once(client: Client, ours: factories.House, code: str) -> None:
    assert confirm(client, ours.staff.phone, code).status_code == 200
    again = confirm(client, ours.staff.phone, code)
    assert (again.status_code, again.json()) == (400, WRONG)


def test_the_sixth_try_fails_with_the_right_code(client: Client, ours: factories.House, code: str) -> None:
    wrong = "AAAAAA" if code != "AAAAAA" else "BBBBBB"
    assert [confirm(client, ours.staff.phone, wrong).status_code for _ in range(5)] == [400] * 5
    assert confirm(client, ours.staff.phone, code).json() == WRONG
    assert OneTimePassword.objects.get().tries == 5


def test_somebody_elses_code(client: Client, ours: factories.House, code: str, drain: Drain) -> None:
    post(client, RESET, username=ours.reviewer.phone)
    drain()
    assert confirm(client, ours.reviewer.phone, code).json() == WRONG
    assert confirm(client, NOBODY, code).json() == WRONG
    assert ours.reviewer.check_password(factories.PASSWORD)


@pytest.mark.parametrize("change", [lambda code: code[:5], lambda code: code + "A", lambda code: code[::-1] + "!"])
def test_a_tampered_code(client: Client, ours: factories.House, code: str, change: Callable[[str], str]) -> None:
    assert confirm(client, ours.staff.phone, change(code)).json() == WRONG


def test_an_expired_code(client: Client, ours: factories.House, code: str) -> None:
    OneTimePassword.objects.update(expires_at=timezone.now())
    assert confirm(client, ours.staff.phone, code).json() == WRONG


def test_a_code_of_the_other_purpose(client: Client, ours: factories.House, code: str) -> None:
    assert post(client, VERIFY, username=ours.staff.phone, code=code).json() == WRONG
    OneTimePassword.objects.update(purpose=CodePurpose.REGISTER)
    assert confirm(client, ours.staff.phone, code).json() == WRONG


def test_only_the_newest_code_counts(
    client: Client, ours: factories.House, code: str, outbox: list[Message], drain: Drain
) -> None:
    post(client, RESET, username=ours.staff.phone)
    drain()
    assert confirm(client, ours.staff.phone, code).json() == WRONG
    assert confirm(client, ours.staff.phone, outbox[1].code).status_code == 200


def test_who_was_shut_out_meanwhile_stays_out(client: Client, ours: factories.House, code: str) -> None:
    User.objects.filter(pk=ours.staff.pk).update(is_active=False)
    assert confirm(client, ours.staff.phone, code).json() == WRONG


def test_a_code_to_a_number_that_was_changed_meanwhile(client: Client, ours: factories.House, code: str) -> None:
    User.objects.filter(pk=ours.staff.pk).update(phone=PHONE)
    assert confirm(client, ours.staff.phone, code).json() == WRONG


def test_a_number_taken_meanwhile_looks_like_a_wrong_code(
    client: Client, ours: factories.House, outbox: list[Message], drain: Drain
) -> None:
    register(client)
    drain()
    taken = factories.user(ours.tenant)
    User.objects.filter(pk=taken.pk).update(phone=PHONE)
    assert post(client, VERIFY, username=PHONE, code=outbox[0].code).json() == WRONG
    assert User.objects.get(phone=PHONE) == taken


# --- limits ---


@pytest.mark.parametrize(
    ("setting", "path", "body"),
    [
        ("CODE_RATE_PER_NAME", RESET, {"username": PHONE}),
        ("CODE_RATE_PER_NAME", REGISTER, {"phone": PHONE, "password": factories.PASSWORD}),
        ("CODE_TRY_RATE_PER_NAME", VERIFY, {"username": PHONE, "code": "AAAAAA"}),
        ("CODE_TRY_RATE_PER_NAME", CONFIRM, {"username": PHONE, "code": "AAAAAA", "password": factories.PASSWORD}),
        ("CODE_RATE_PER_ADDRESS", RESET, {"username": PHONE}),
        ("CODE_RATE_PER_ADDRESS", REGISTER, {"phone": PHONE, "password": factories.PASSWORD}),
        ("CODE_RATE_PER_ADDRESS", VERIFY, {"username": PHONE, "code": "AAAAAA"}),
        ("CODE_RATE_PER_ADDRESS", CONFIRM, {"username": PHONE, "code": "AAAAAA", "password": factories.PASSWORD}),
    ],
)
def test_limits(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch, setting: str, path: str, body: dict[str, str]
) -> None:
    monkeypatch.setattr("inspection_platform.api.throttles.time.time", lambda: 600 * 3_000_000.0 + 100)
    setattr(settings, setting, 2)
    statuses = [post(client, path, **body).status_code for _ in range(3)]
    assert statuses[2] == 429
    assert 429 not in statuses[:2]
    refused = post(client, path, **body)
    assert refused.headers["Retry-After"] == "500"
    assert refused.json() == {"success": False, "message": "Request was throttled. Expected available in 500 seconds."}


def test_both_ways_of_asking_share_a_limit_and_refused_passwords_do_not_count(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspection_platform.api.throttles.time.time", lambda: 600 * 3_000_000.0)
    settings.CODE_RATE_PER_NAME = 2
    for _ in range(3):
        assert post(client, REGISTER, phone=PHONE, password="weak").status_code == 400
    assert register(client).status_code == 200
    assert post(client, RESET, username=f"00{PHONE[1:]}").status_code == 200
    assert register(client).status_code == 429
    assert post(client, RESET, username=PHONE).status_code == 429
    assert register(client, NOBODY).status_code == 200


def test_a_backend_that_fails_shows_in_the_row_alone(client: Client, outbox: list[Message], drain: Drain) -> None:
    Outbox.errors[:] = [RuntimeError("with a secret 123ABC")]
    assert register(client).json() == golden("registered")
    drain()
    row = OneTimePassword.objects.get()
    assert (outbox, row.sent_at, row.failure) == ([], None, "The backend failed (RuntimeError).")
