"""The pages for people who forgot their password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tenants.models import OneTimePassword
from tests import factories
from tests.outbox import Message

pytestmark = pytest.mark.django_db
LOGIN, ASK, CHOOSE = "/admin/login/", "/admin/forgotten-password/", "/admin/forgotten-password/choose/"
FRESH = "Another-h0rse"
WRONG = "The code is not valid or has expired."


@pytest.fixture
def code(client: Client, ours: factories.House, outbox: list[Message], drain: Callable[[], int]) -> str:
    """The code that Sam asked for on the first page."""
    assert client.post(ASK, {"username": ours.staff.phone}).headers["Location"] == CHOOSE
    drain()
    return outbox[0].code


def choose(client: Client, username: str, code: str, password: str = FRESH, again: str = "") -> Any:
    return client.post(CHOOSE, {"username": username, "code": code, "password": password, "again": again or password})


def test_from_the_log_in_page_and_back_to_it(client: Client, ours: factories.House, code: str) -> None:
    assert f'href="{ASK}"' in client.get(LOGIN).content.decode()
    assert client.get(ASK).status_code == 200
    assert f'value="{ours.staff.phone}"' in client.get(CHOOSE).content.decode()
    response = choose(client, ours.staff.phone, code)
    assert (response.status_code, response.headers["Location"]) == (302, LOGIN)
    assert "Your new password is set." in client.get(LOGIN).content.decode()
    logged_in = client.post(LOGIN, {"username": ours.staff.phone, "password": FRESH, "next": "/admin/"})
    assert logged_in.headers["Location"] == "/admin/"
    assert ours.staff.phone not in client.get(CHOOSE).content.decode()


def test_everybody_gets_the_same_page_for_the_same_work(client: Client, ours: factories.House) -> None:
    def asked(username: str) -> tuple[Any, ...]:
        with CaptureQueriesContext(connection) as queries:
            response = Client().post(ASK, {"username": username})
        return response.status_code, response.headers["Location"], len(queries)

    assert asked(ours.staff.phone) == asked("+4790000002") == asked("nobody@example.com")
    assert OneTimePassword.objects.count() == 3


def test_a_wrong_code_is_told_alike(client: Client, ours: factories.House, code: str) -> None:
    pages = [choose(Client(), username, "------") for username in (ours.staff.phone, "+4790000002")]
    for page in pages:
        assert page.status_code == 200
        assert WRONG in page.content.decode()
        assert FRESH not in page.content.decode()
    assert choose(client, ours.staff.phone, code).status_code == 302


def test_passwords_that_differ_or_are_weak_cost_no_try(client: Client, ours: factories.House, code: str) -> None:
    assert "The two passwords differ." in choose(client, ours.staff.phone, code, again="Other-h0rse").content.decode()
    assert "At least one digit is needed." in choose(client, ours.staff.phone, code, "NoDigitHere").content.decode()
    assert OneTimePassword.objects.get().tries == 0


def test_limits_are_those_of_the_api(
    client: Client, ours: factories.House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    monkeypatch.setattr("inspection_platform.api.throttles.time.time", lambda: 600 * 3_000_000.0 + 100)
    settings.CODE_RATE_PER_NAME = 2
    phone = ours.staff.phone
    api = client.post("/core/v1/auth/resetPassword", {"username": phone}, content_type="application/json")
    assert api.status_code == 200
    assert client.post(ASK, {"username": f"00{phone[1:]}"}).status_code == 302
    refused = client.post(ASK, {"username": phone})
    assert refused.status_code == 429
    assert "Try again in 9 minutes." in refused.content.decode()
    settings.CODE_TRY_RATE_PER_NAME = 1
    assert [choose(client, phone, "------").status_code for _ in range(2)] == [200, 429]


def test_pages_are_not_cached_and_need_the_form_of_this_site(ours: factories.House) -> None:
    client = Client(enforce_csrf_checks=True)
    assert "no-store" in client.get(CHOOSE).headers["Cache-Control"]
    assert client.post(ASK, {"username": ours.staff.phone}).status_code == 403
    assert client.put(ASK).status_code == 403
    assert not OneTimePassword.objects.exists()
