"""Throttles: shared by all processes, exact under a race."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from inspection_platform.api.throttles import SlotThrottle
from tests import factories

LOGIN = "/core/v1/auth/login"


class Five(SlotThrottle):
    """Five requests for anybody."""

    scope = "test"

    def limit(self) -> int:
        return 5

    def identity(self, request: Request) -> str:
        return "everybody"


def ask() -> bool:
    return Five().allow_request(Request(APIRequestFactory().get("/")), APIView())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time as throttles see it, a few seconds into a window."""
    cache.clear()
    now = [60 * 30_000_000.0 + 5]
    monkeypatch.setattr("inspection_platform.api.throttles.time.time", lambda: now[0])
    return now


@pytest.mark.django_db
def test_windows_begin_on_the_clock(clock: list[float]) -> None:
    assert [ask() for _ in range(7)] == [True] * 5 + [False] * 2
    throttle = Five()
    throttle.allow_request(Request(APIRequestFactory().get("/")), APIView())
    assert throttle.wait() == 55
    clock[0] += 55
    assert [ask() for _ in range(6)] == [True] * 5 + [False]


@pytest.mark.django_db(transaction=True)
def test_racing_requests_cannot_overrun(clock: list[float]) -> None:
    allowed: list[bool] = []
    start = threading.Barrier(8)

    def client() -> None:
        start.wait()
        try:
            allowed.extend(ask() for _ in range(3))
        finally:
            connection.close()

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(allowed) == 24
    assert sum(allowed) == 5


def login(client: Client, username: str, **extra: Any) -> Any:
    body = {"username": username, "password": "wrong"}
    return client.post(LOGIN, body, content_type="application/json", **extra)


def test_logins_with_one_name_from_anywhere(
    client: Client, ours: factories.House, settings: Any, clock: list[float]
) -> None:
    settings.LOGIN_RATE_PER_NAME = 2
    digits = ours.staff.phone.removeprefix("+")
    statuses = [
        login(client, spelling, REMOTE_ADDR=f"192.0.2.{number}").status_code
        for number, spelling in enumerate([ours.staff.phone, f" 00{digits}", digits, ours.staff.phone])
    ]
    assert statuses == [401, 401, 429, 429]
    assert login(client, ours.reviewer.phone).status_code == 401
    refused = login(client, ours.staff.phone)
    assert refused.headers["Retry-After"] == "55"
    assert refused.json()["success"] is False
    clock[0] += 60
    body = {"username": ours.staff.phone, "password": factories.PASSWORD}
    assert client.post(LOGIN, body, content_type="application/json").status_code == 200


def test_logins_from_one_address_with_any_name(
    client: Client, ours: factories.House, settings: Any, clock: list[float]
) -> None:
    settings.LOGIN_RATE_PER_ADDRESS = 2
    statuses = [login(client, f"+479{number:07d}").status_code for number in range(4)]
    assert statuses == [401, 401, 429, 429]
    # A header that nobody vouches for does not make it another address.
    assert login(client, "+4791111111", headers={"x-forwarded-for": "192.0.2.9"}).status_code == 429
    assert login(client, "+4791111111", REMOTE_ADDR="192.0.2.9").status_code == 401


def test_a_limit_of_nought_is_none(client: Client, ours: factories.House, settings: Any, clock: list[float]) -> None:
    settings.LOGIN_RATE_PER_NAME = settings.LOGIN_RATE_PER_ADDRESS = 0
    settings.AXES_ENABLED = False
    assert {login(client, ours.staff.phone).status_code for _ in range(12)} == {401}


def test_guessing_is_locked_out_whether_the_name_exists_or_not(
    client: Client, ours: factories.House, settings: Any, clock: list[float]
) -> None:
    settings.LOGIN_RATE_PER_NAME = settings.LOGIN_RATE_PER_ADDRESS = 0
    answers = []
    for username in (ours.staff.phone, "+4799999999"):
        for _ in range(settings.AXES_FAILURE_LIMIT):
            login(client, username)
        body = {"username": username, "password": factories.PASSWORD}
        answers.append(client.post(LOGIN, body, content_type="application/json"))
    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (429, {"success": False, "message": "Too many requests."})
    ] * 2
