"""An upload (I1) beside its files: fields, sessions, quota, window, and what else may go wrong."""

from __future__ import annotations

import datetime as dt
from typing import Any
from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from assets.models import ImageSet, Upload
from tenants.models import Family, Service, UsageCounter, Webhook
from tenants.services.quotas import quota_set
from tests import media
from tests.api.inspektlabs.conftest import Caller, part, photo, stored_files
from tests.api.inspektlabs.uploading import nothing_happened, refusal
from tests.factories import House


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"type": None}, ["type"]),
        ({"session": None}, ["session"]),
        ({"session": ""}, ["session"]),
        ({"case_id": None}, ["case_id"]),
        ({"session": None, "case_id": " "}, ["session", "case_id"]),
    ],
)
def test_missing_fields_are_named(ours: House, caller: Caller, fields: dict[str, Any], missing: list[str]) -> None:
    response = caller.files(photo(1), **fields)
    assert refusal(response) == (400, "Missing a required field")
    assert response.json()["fields"] == missing
    assert nothing_happened(ours)


def test_no_file_at_all_is_a_missing_field(ours: House, caller: Caller) -> None:
    assert caller.files().json()["fields"] == ["files"]
    other_field = caller.http.post(
        "/inspektlabs/api/upload",
        {"type": "file", "session": caller.session, "case_id": "1", "photos": photo(1)},
        headers=caller.headers,
    )
    assert other_field.json()["fields"] == ["files"]
    assert nothing_happened(ours)


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "urls"},
        {"type": "FILE"},
        {"session": "../../etc/passwd"},
        {"session": "a b"},
        {"session": "x" * 101},
        {"case_id": "x" * 201},
        {"email_id": "no address"},
        {"email_id": "x" * 250 + "@example.com"},
        {"callback_url": "ftp://client.example/"},
        {"callback_url": "http://127.0.0.1/"},
        {"callback_url": "http://169.254.169.254/latest"},
        {"callback_url": "http://[::1]:8000/"},
        {"callback_url": "http://user:password@client.example/"},
        {"callback_url": "https://client.example/" + "x" * 2000},
        {"agent_id": "x" * 201},
    ],
)
def test_impossible_values_are_refused(ours: House, caller: Caller, fields: dict[str, Any]) -> None:
    status, message = refusal(caller.files(photo(1), **fields))
    assert status == 400
    assert message.startswith(f"Invalid data: {next(iter(fields))}: ")
    assert nothing_happened(ours)


def test_empty_optional_fields_are_absent_ones(ours: House, caller: Caller) -> None:
    assert caller.files(photo(1), email_id="", agent_id="", agent_name="").status_code == 200
    submission = ImageSet.objects.of(ours.tenant.pk).get().submission
    assert submission is not None
    assert (submission.email, submission.agent_id) == ("", "")


@pytest.mark.parametrize("callback_url", [None, ""])
def test_a_result_needs_a_receiver(ours: House, caller: Caller, callback_url: str | None) -> None:
    response = caller.files(photo(1), callback_url=callback_url)
    assert refusal(response) == (400, "please provide callback_url")
    assert nothing_happened(ours)
    hook = Webhook(tenant=ours.tenant, family=Family.INSPEKTLABS, url="https://client.example/hook", is_active=False)
    hook.save()
    assert refusal(caller.files(photo(1), callback_url=callback_url)) == (400, "please provide callback_url")
    hook.is_active = True
    hook.save()
    assert caller.files(photo(1), callback_url=callback_url).status_code == 200


def test_a_webhook_of_another_family_or_tenant_is_no_receiver(ours: House, outsider: House, caller: Caller) -> None:
    Webhook(tenant=ours.tenant, family=Family.CORE, url="https://client.example/hook").save()
    Webhook(tenant=outsider.tenant, family=Family.INSPEKTLABS, url="https://client.example/hook").save()
    assert refusal(caller.files(photo(1), callback_url=None)) == (400, "please provide callback_url")


def test_a_session_takes_one_upload(ours: House, caller: Caller) -> None:
    assert caller.files(photo(1)).status_code == 200
    response = caller.files(photo(2))
    assert refusal(response) == (400, "please generate new token and session")
    assert response.json()["id"] == caller.session
    assert ImageSet.objects.of(ours.tenant.pk).count() == 1
    assert UsageCounter.objects.of(ours.tenant.pk).get().used == 1


def test_a_session_lost_in_a_race_gives_the_call_back(ours: House, caller: Caller) -> None:
    assert caller.files(photo(1)).status_code == 200
    kept = stored_files()
    with mock.patch("inspection_platform.api.inspektlabs.rules.submission_is_used", return_value=False):
        response = caller.files(photo(2))
    assert refusal(response) == (400, "please generate new token and session")
    assert UsageCounter.objects.of(ours.tenant.pk).get().used == 1
    assert stored_files() == kept


def test_clients_may_bring_their_own_session_once_per_tenant(ours: House, caller: Caller, stranger: Caller) -> None:
    assert caller.files(photo(1), session="ins123").json()["id"] == "ins123"
    assert refusal(caller.files(photo(2), session="ins123")) == (400, "please generate new token and session")
    assert stranger.files(photo(3), session="ins123").status_code == 200


def test_another_tenants_session_is_only_a_name_here(ours: House, caller: Caller, stranger: Caller) -> None:
    assert stranger.files(photo(1), session=caller.session).status_code == 200
    assert caller.files(photo(1)).status_code == 200
    assert ImageSet.objects.of(ours.tenant.pk).count() == 1


def test_the_quota_counts_accepted_uploads_only(ours: House, caller: Caller) -> None:
    quota_set(tenant=ours.tenant, service=Service.INSPEKTLABS, limit=1)
    assert caller.files(part("bad.jpg", b"")).status_code == 400
    assert caller.files(photo(1)).status_code == 200
    caller.authenticate()
    response = caller.files(photo(2))
    assert refusal(response) == (429, "API call limit exceeded")
    quota_set(tenant=ours.tenant, service=Service.INSPEKTLABS, limit=2)
    assert caller.files(photo(2)).status_code == 200


def test_outside_the_window_nothing_is_read(ours: House, caller: Caller) -> None:
    ours.tenant.settings.inspektlabs_window_open = False
    ours.tenant.settings.save()
    response = caller.raw(b"not read at all", "multipart/form-data; boundary=x")
    assert refusal(response) == (503, "ML servers are not available currently.")
    assert nothing_happened(ours)


def test_the_unexpected_is_404_something_went_worng_and_leaves_nothing(ours: House, caller: Caller) -> None:
    before = stored_files()
    with mock.patch("assets.services.submissions._rows_add", side_effect=RuntimeError("a bug")):
        response = caller.files(photo(1))
    assert (response.status_code, response.json()) == (404, {"status": "error", "message": "Something Went Worng"})
    assert nothing_happened(ours)
    assert stored_files() == before
    assert caller.files(photo(1)).status_code == 200


@pytest.mark.parametrize("debug", [True, False])
def test_crashes_wear_the_envelope_with_debug_too(caller: Caller, settings: Any, debug: bool) -> None:
    settings.DEBUG = debug
    with mock.patch("inspection_platform.api.inspektlabs.views.upload_check", side_effect=RuntimeError("a bug")):
        response = caller.files(photo(1))
    assert (response.status_code, response.json()) == (404, {"status": "error", "message": "Something Went Worng"})


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_other_methods_are_405(caller: Caller, method: str) -> None:
    response = getattr(caller.http, method)("/inspektlabs/api/upload", headers=caller.headers)
    assert refusal(response) == (405, "method not allowed")


def test_names_of_files_are_only_names(ours: House, caller: Caller) -> None:
    long = "x" * 300 + ".jpg"
    names = ["../../../etc/passwd.jpg", "C:\\photos\\a.jpg", "<script>.jpg", "ünïcode é.jpg", long]
    response = caller.files(*(part(name, media.jpeg(64, 64, seed=n)) for n, name in enumerate(names)))
    assert response.status_code == 200
    stored = list(Upload.objects.of(ours.tenant.pk).values_list("name", flat=True))
    assert stored[:4] == ["passwd.jpg", "a.jpg", "<script>.jpg", "ünïcode é.jpg"]
    assert stored[4].endswith(".jpg")
    assert len(stored[4]) <= 255


def test_the_token_is_asked_for_before_the_body_is_read(db: None) -> None:
    class Unread:
        def read(self, *_args: object) -> bytes:
            raise AssertionError("the body was read")

        readline = read

    environ: dict[str, Any] = {"wsgi.input": Unread(), "CONTENT_LENGTH": "100000000"}
    response = Client().generic(
        "POST", "/inspektlabs/api/upload", b"", content_type="multipart/form-data; boundary=x", **environ
    )
    assert refusal(response) == (401, "token invalid")


def test_times_are_those_of_the_request(ours: House, caller: Caller) -> None:
    before = dt.datetime.now(dt.UTC)
    caller.files(photo(1))
    image_set = ImageSet.objects.of(ours.tenant.pk).get()
    assert image_set.submitted_at is not None
    assert before <= image_set.submitted_at <= dt.datetime.now(dt.UTC)


def test_files_of_other_fields_are_not_kept(ours: House, caller: Caller) -> None:
    extra = SimpleUploadedFile("other.jpg", media.jpeg(64, 64), content_type="image/jpeg")
    assert caller.files(photo(1), avatar=extra).status_code == 200
    assert Upload.objects.of(ours.tenant.pk).count() == 1
