"""Idempotency-Key on the upload, in both forms: carried out once, answered alike ever after."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test import Client

from assets.models import ImageSet
from inspection_platform import workflow
from tenants.models import IdempotencyRecord, Service, UsageCounter
from tenants.services.idempotency import AT_WORK, OTHER_REQUEST
from tenants.services.quotas import quota_set
from tests.api.inspektlabs.conftest import CALLBACK, Answer, Caller, incoming_files, photo, stored_files
from tests.factories import House

URLS = ["https://example.com/a.jpg", "https://example.com/b.jpg"]


class Repeater(Caller):
    """A caller whose requests carry a key."""

    idempotency_key: str = "k-1"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Idempotency-Key": self.idempotency_key}


@pytest.fixture
def repeater(ours: House) -> Repeater:
    made = Repeater(Client(raise_request_exception=False), ours.keys["inspektlabs"])
    made.authenticate()
    return made


def replayed(response: Answer) -> bool:
    return bool(response.headers.get("Idempotency-Replayed") == "true")


def message(response: Any) -> tuple[int, str]:
    assert response.json()["status"] == "error"
    return response.status_code, response.json()["message"]


def send(repeater: Repeater, form: str, **fields: Any) -> Answer:
    """The same request each time, in one of the two forms."""
    return repeater.files(photo(1), photo(2), **fields) if form == "files" else repeater.urls(urls=URLS, **fields)


def records() -> int:
    return IdempotencyRecord.objects.all_tenants("test").count()


@pytest.mark.parametrize("form", ["files", "urls"])
def test_a_repetition_gets_the_first_answer(ours: House, repeater: Repeater, form: str) -> None:
    first = send(repeater, form)
    assert (first.status_code, replayed(first)) == (200, False)
    stored = stored_files()
    for _ in range(2):
        again = send(repeater, form)
        assert (again.status_code, again.content, replayed(again)) == (200, first.content, True)
        assert again.headers["Content-Type"] == first.headers["Content-Type"]
        assert again.headers["Cache-Control"] == "no-store"
    assert ImageSet.objects.of(ours.tenant.pk).count() == 1
    assert UsageCounter.objects.of(ours.tenant.pk).get(service=Service.INSPEKTLABS).used == 1
    assert (stored_files(), incoming_files()) == (stored, [])


def test_the_path_with_a_slash_is_the_same_path(repeater: Repeater) -> None:
    body = {"type": "urls", "session": repeater.session, "case_id": "1", "callback_url": CALLBACK, "urls": URLS}
    answers = [
        repeater.http.post(path, body, content_type="application/json", headers=repeater.headers)
        for path in ("/inspektlabs/api/upload", "/inspektlabs/api/upload/")
    ]
    assert [replayed(answer) for answer in answers] == [False, True]


def test_the_order_of_json_keys_does_not_matter_that_of_lists_does(repeater: Repeater) -> None:
    body = {"type": "urls", "session": repeater.session, "case_id": "1", "callback_url": CALLBACK, "urls": URLS}
    assert repeater.json(body).status_code == 200
    assert replayed(repeater.json(dict(reversed(body.items()))))
    assert message(repeater.json(body | {"urls": URLS[::-1]})) == (409, OTHER_REQUEST)


def test_another_request_under_the_key_is_refused(ours: House, repeater: Repeater) -> None:
    assert repeater.files(photo(1)).status_code == 200
    other = [
        repeater.files(photo(2, "photo-1.jpg")),
        repeater.files(photo(1, "other.jpg")),
        repeater.files(photo(1), photo(2)),
        repeater.files(photo(1), case_id="another"),
        repeater.files(photo(1), agent_id="1"),
        repeater.urls(urls=URLS),
    ]
    assert {message(response) for response in other} == {(409, OTHER_REQUEST)}
    assert replayed(repeater.files(photo(1)))
    assert ImageSet.objects.of(ours.tenant.pk).count() == 1
    assert incoming_files() == []


def test_refusals_are_answers_too(repeater: Repeater) -> None:
    first = repeater.files(photo(1, "a.gif"))
    again = repeater.files(photo(1, "a.gif"))
    assert (first.status_code, replayed(first), replayed(again)) == (400, False, True)
    assert again.json() == first.json()
    assert again.json()["id"] == repeater.session
    assert message(repeater.files(photo(1))) == (409, OTHER_REQUEST)


def test_a_quota_refusal_is_worth_trying_again(ours: House, repeater: Repeater) -> None:
    quota_set(tenant=ours.tenant, service=Service.INSPEKTLABS, limit=0)
    assert send(repeater, "urls").status_code == 429
    assert records() == 0
    quota_set(tenant=ours.tenant, service=Service.INSPEKTLABS, limit=1)
    second = send(repeater, "urls")
    assert (second.status_code, replayed(second)) == (200, False)


def test_a_closed_window_is_worth_trying_again(ours: House, repeater: Repeater) -> None:
    ours.tenant.settings.inspektlabs_window_open = False
    ours.tenant.settings.save()
    assert send(repeater, "files").status_code == 503
    assert records() == 0


def test_a_crash_is_not_kept(ours: House, repeater: Repeater) -> None:
    with mock.patch.object(workflow, "submit", side_effect=RuntimeError("boom")):
        assert message(send(repeater, "files")) == (404, "Something Went Worng")
    assert records() == 0
    assert send(repeater, "files").status_code == 200


def test_a_body_that_cannot_be_read_is_not_kept(repeater: Repeater) -> None:
    assert repeater.raw(b"{", "application/json").status_code == 400
    assert repeater.raw(b"[" * 100_000, "application/json").status_code == 400
    assert repeater.raw(b"x", "text/plain").status_code == 415
    assert records() == 0


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "nøkkel", "\x7f"])
def test_impossible_keys_are_refused(repeater: Repeater, key: str) -> None:
    repeater.idempotency_key = key
    status, text = message(send(repeater, "urls"))
    assert status == 400
    assert "Idempotency-Key" in text
    assert records() == 0


@pytest.mark.parametrize("key", ["x" * 255, '"8e03978e-40d5-43e8-bc93-6894a57f9324"', " ~!", "0"])
def test_possible_keys_are_heeded(repeater: Repeater, key: str) -> None:
    repeater.idempotency_key = key
    send(repeater, "urls")
    assert replayed(send(repeater, "urls"))


def test_without_a_key_nothing_is_kept(caller: Caller) -> None:
    assert caller.urls(urls=URLS).status_code == 200
    assert message(caller.urls(urls=URLS)) == (400, "please generate new token and session")
    assert records() == 0


def test_another_client_may_use_the_same_key(outsider: House, repeater: Repeater) -> None:
    assert send(repeater, "urls").status_code == 200
    stranger = Repeater(Client(), outsider.keys["inspektlabs"])
    stranger.authenticate()
    stranger.session = repeater.session
    answer = send(stranger, "urls")
    assert (answer.status_code, replayed(answer)) == (200, False)


def test_who_is_not_let_in_learns_nothing(repeater: Repeater) -> None:
    assert send(repeater, "urls").status_code == 200
    repeater.token = "nobody"
    answer = send(repeater, "urls")
    assert (answer.status_code, replayed(answer)) == (401, False)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", ["files", "urls"])
def test_eight_at_once_make_one_inspection(ours: House, repeater: Repeater, form: str) -> None:
    together = threading.Barrier(8)

    def ask(_: int) -> tuple[int, str]:
        mine = Repeater(Client(raise_request_exception=False), repeater.key, repeater.token, repeater.session)
        together.wait(10)
        try:
            answer = send(mine, form)
            return answer.status_code, answer.json()["message"]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(ask, range(8)))
    assert set(outcomes) <= {(200, ""), (409, AT_WORK)}
    assert (200, "") in outcomes
    assert ImageSet.objects.of(ours.tenant.pk).count() == 1
    assert UsageCounter.objects.of(ours.tenant.pk).get(service=Service.INSPEKTLABS).used == 1
    assert replayed(send(repeater, form))


def test_the_reference_tells_of_it(client: Client, db: None) -> None:
    operation = client.get("/api/schema/?format=json").json()["paths"]["/inspektlabs/api/upload"]["post"]
    header = next(item for item in operation["parameters"] if item["name"] == "Idempotency-Key")
    assert (header["in"], header.get("required", False)) == ("header", False)
    assert "Idempotency-Replayed" in operation["responses"]["200"]["headers"]
    assert "409" in operation["responses"]
