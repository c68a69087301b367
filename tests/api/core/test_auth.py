"""Login (W5) and refresh (W26)."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from django.test import Client
from django.utils import timezone

from tenants.models import AuthSession, Tenant, User
from tenants.services.people import membership_remove, membership_set
from tenants.services.sessions import session_close
from tests import factories
from tests.api.core.conftest import golden

pytestmark = pytest.mark.django_db
LOGIN, REFRESH, LIST = "/core/v1/auth/login", "/core/v1/auth/token/refresh", "/core/v1/imageSets"


def post(client: Client, path: str, body: Any, **extra: Any) -> Any:
    return client.post(path, body, content_type="application/json", **extra)


def login(client: Client, user: User, password: str = factories.PASSWORD, **extra: Any) -> Any:
    return post(client, LOGIN, {"username": user.phone, "password": password}, **extra)


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def masked(answer: dict[str, Any]) -> dict[str, Any]:
    tokens = {name: "(token)" for name in ("idToken", "refreshToken") if answer["data"].get(name)}
    return answer | {"data": answer["data"] | tokens}


def test_login_is_the_golden_json(client: Client, ours: factories.House) -> None:
    response = login(client, ours.staff)
    assert response.status_code == 200
    assert masked(response.json()) == golden("login")
    assert response.headers["Cache-Control"] == "no-store"


def test_id_token_lives_an_hour_and_carries_user_and_tenant(client: Client, ours: factories.House) -> None:
    found = claims(login(client, ours.staff).json()["data"]["idToken"])
    assert found["exp"] - found["iat"] == 3600
    assert (found["sub"], found["tenant"], found["aud"]) == (str(ours.staff.pk), str(ours.tenant.pk), "core")


def test_id_token_opens_the_family_and_the_other_tokens_do_not(client: Client, ours: factories.House) -> None:
    data = login(client, ours.staff).json()["data"]
    statuses = {
        name: client.get(LIST, headers={"authorization": f"Bearer {data[name]}"}).status_code
        for name in ("idToken", "accessToken", "refreshToken")
    }
    assert statuses == {"idToken": 200, "accessToken": 401, "refreshToken": 401}


@pytest.mark.parametrize("spelling", ["{0}", " {0} ", "00{1}", "{1}", "+{2} {3}"])
def test_phone_may_be_spelt_in_many_ways(client: Client, ours: factories.House, spelling: str) -> None:
    digits = ours.staff.phone.removeprefix("+")
    typed = spelling.format(ours.staff.phone, digits, digits[:2], digits[2:])
    assert post(client, LOGIN, {"username": typed, "password": factories.PASSWORD}).status_code == 200


def test_email_only_once_it_is_verified(client: Client, ours: factories.House) -> None:
    User.objects.filter(pk=ours.staff.pk).update(email="sam@example.com")
    body = {"username": "Sam@example.com", "password": factories.PASSWORD}
    assert post(client, LOGIN, body).status_code == 401
    User.objects.filter(pk=ours.staff.pk).update(email_verified_at=timezone.now())
    assert post(client, LOGIN, body).status_code == 200


def test_refusals_do_not_tell_whether_somebody_exists(client: Client, ours: factories.House) -> None:
    User.objects.filter(pk=ours.reviewer.pk).update(is_active=False)
    answers = [
        login(client, ours.staff, "wrong"),
        login(client, ours.reviewer),
        post(client, LOGIN, {"username": "+4799999999", "password": factories.PASSWORD}),
        post(client, LOGIN, {"username": "nobody@example.com", "password": factories.PASSWORD}),
        post(client, LOGIN, {"username": "not a number", "password": factories.PASSWORD}),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.content for answer in answers} == {b'{"success":false,"message":"Wrong user name or password."}'}
    assert AuthSession.objects.all_tenants("nothing was opened").count() == 0


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["username", "password"]),
        ({"username": "+4712345678"}, ["password"]),
        ({"username": "", "password": "x"}, ["username"]),
        ({"username": {"a": 1}, "password": "x"}, ["username"]),
        ({"username": None, "password": ["x"]}, ["username", "password"]),
        ({"username": "+4712345678", "password": "x" * 1001}, ["password"]),
        ({"username": "\x00", "password": "x"}, ["username"]),
    ],
)
def test_missing_and_odd_credentials_are_named(client: Client, db: None, body: Any, fields: list[str]) -> None:
    response = post(client, LOGIN, body)
    assert (response.status_code, list(response.json()["errors"])) == (400, fields)


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '"text"', "[" * 5000, "NaN", '{"username": "\\ud800"}', "\x00"]
)
def test_bodies_that_are_no_object_are_refused(client: Client, db: None, body: str) -> None:
    response = post(client, LOGIN, body)
    assert (response.status_code, response.json()["success"]) == (400, False)


def test_bytes_that_are_no_text_are_refused(client: Client, db: None) -> None:
    assert post(client, LOGIN, b'{"username": "\xff\xfe"}').status_code == 400


def test_bodies_without_end_are_refused(client: Client, db: None, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = post(client, LOGIN, {"username": "x" * 2000, "password": "x"})
    assert response.json() == {"success": False, "message": "The body is too large."}
    assert response.status_code == 400


def test_forms_are_no_json(client: Client, db: None) -> None:
    response = client.post(LOGIN, {"username": "+4712345678", "password": "x"})
    assert response.status_code == 400
    assert response.json() == {"success": False, "message": "This content type is not supported."}


def test_current_tenant_is_carried_if_one_still_belongs_to_it(
    client: Client, ours: factories.House, outsider: factories.House
) -> None:
    user = ours.staff
    membership_set(user=user, tenant=outsider.tenant, role="USER")

    def tenant_of_login() -> str:
        return str(claims(login(client, user).json()["data"]["idToken"])["tenant"])

    assert tenant_of_login() == str(ours.tenant.pk)
    User.objects.filter(pk=user.pk).update(current_tenant=outsider.tenant)
    assert tenant_of_login() == str(outsider.tenant.pk)
    membership_remove(user=User.objects.get(pk=user.pk), tenant=outsider.tenant)
    User.objects.filter(pk=user.pk).update(current_tenant=outsider.tenant)
    assert tenant_of_login() == str(ours.tenant.pk)
    Tenant.objects.filter(pk=ours.tenant.pk).update(is_active=False)
    assert tenant_of_login() == ""


def test_a_person_without_tenant_reaches_nothing(client: Client, ours: factories.House) -> None:
    factories.image_set(ours.tenant, photos=0)
    membership_remove(user=ours.staff, tenant=ours.tenant)
    token = login(client, ours.staff).json()["data"]["idToken"]
    answer = client.get(LIST, headers={"authorization": f"Bearer {token}"}).json()
    assert answer["data"] == {"items": []}


# --- refresh ---------------------------------------------------------------------------------------------------------


def refresh(client: Client, token: str, username: str) -> Any:
    return post(client, REFRESH, {"refreshToken": token, "username": username})


def test_refresh_is_the_golden_json_and_gives_no_new_refresh_token(client: Client, ours: factories.House) -> None:
    token = login(client, ours.staff).json()["data"]["refreshToken"]
    for _ in range(2):
        response = refresh(client, token, ours.staff.phone)
        assert response.status_code == 200
        assert masked(response.json()) == golden("refresh")
        headers = {"authorization": f"Bearer {response.json()['data']['idToken']}"}
        assert client.get(LIST, headers=headers).status_code == 200


def test_refresh_by_the_name_of_the_login(client: Client, ours: factories.House) -> None:
    User.objects.filter(pk=ours.staff.pk).update(email="sam@example.com", email_verified_at=timezone.now())
    token = login(client, ours.staff).json()["data"]["refreshToken"]
    assert refresh(client, token, "SAM@example.com").status_code == 200
    assert refresh(client, token, ours.staff.phone.removeprefix("+")).status_code == 200


@pytest.mark.parametrize("name", ["+4799999999", "other@example.com", "@", "nonsense"])
def test_somebody_elses_refresh_token_opens_nothing(client: Client, ours: factories.House, name: str) -> None:
    token = login(client, ours.staff).json()["data"]["refreshToken"]
    response = refresh(client, token, name)
    assert (response.status_code, response.json()["message"]) == (401, "The refresh token is not valid.")


@pytest.mark.parametrize("token", ["x", "a.b", "{id}.x", "\u00e6\u00f8\u00e5", "eyJhbGciOiJub25lIn0.e30."])
def test_made_up_refresh_tokens_open_nothing(client: Client, ours: factories.House, token: str) -> None:
    login(client, ours.staff)
    session = AuthSession.objects.all_tenants("a test guesses at a token").get()
    assert refresh(client, token.format(id=session.pk.hex), ours.staff.phone).status_code == 401


def test_refresh_token_dies_with_logout_password_and_time(client: Client, ours: factories.House) -> None:
    def token() -> str:
        return str(login(client, ours.staff).json()["data"]["refreshToken"])

    closed, old, overdue = token(), token(), token()
    sessions = AuthSession.objects.all_tenants("a test ends sessions").order_by("created_at")
    session_close(session=sessions[0])
    sessions.filter(pk=sessions[2].pk).update(expires_at=timezone.now())
    assert refresh(client, closed, ours.staff.phone).status_code == 401
    assert refresh(client, overdue, ours.staff.phone).status_code == 401
    assert refresh(client, old, ours.staff.phone).status_code == 200
    ours.staff.set_password("An0ther-horse!")
    ours.staff.save()
    assert refresh(client, old, ours.staff.phone).status_code == 401


def test_refresh_leaves_a_tenant_one_was_removed_from(
    client: Client, ours: factories.House, outsider: factories.House
) -> None:
    membership_set(user=ours.staff, tenant=outsider.tenant, role="USER")
    token = login(client, ours.staff).json()["data"]["refreshToken"]
    membership_remove(user=ours.staff, tenant=ours.tenant)
    data = refresh(client, token, ours.staff.phone).json()["data"]
    assert claims(data["idToken"])["tenant"] == str(outsider.tenant.pk)
