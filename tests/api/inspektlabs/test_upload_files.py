"""Uploads by files (I1): what is accepted, and every refusal letter by letter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from assets.models import ImageSet, ImageSetState, Submission, SubmissionState, Upload
from imaging.models import JobRun, PipelineRun
from tenants.models import Family, Service, UsageCounter, Webhook
from tenants.services.quotas import quota_set
from tests import media
from tests.api.inspektlabs.conftest import CALLBACK, Caller, incoming_files, part, photo, stored_files
from tests.factories import House

MB = 1_000_000
INVALID_TYPE = "Invalid file type, only image or video allowed"


@lru_cache(maxsize=8)
def film(container: str, at_least: int = MB + 1) -> bytes:
    """A real video of more than 1 MB."""
    size = (320, 240) if at_least <= MB + 1 else (640, 480)
    return media.video(1.0, size, container, min_bytes=at_least)


def refusal(response: Any) -> tuple[int, str]:
    body = response.json()
    assert body["status"] == "error"
    return response.status_code, body["message"]


def faults(response: Any) -> list[str]:
    return [fault["name"] for fault in response.json()["files"]]


def nothing_happened(house: House) -> bool:
    """No set, no file, no use counted, and the session is still good."""
    states = Submission.objects.of(house.tenant.pk).values_list("state", flat=True)
    used = UsageCounter.objects.of(house.tenant.pk).filter(used__gt=0)
    sets = ImageSet.objects.of(house.tenant.pk)
    return not (sets.exists() or used.exists() or incoming_files()) and set(states) == {SubmissionState.ISSUED}


def test_photos_are_accepted_and_on_their_way(ours: House, caller: Caller) -> None:
    response = caller.files(photo(1), photo(2), email_id="a@b.example", agent_id="7", agent_name="Ann")
    assert response.status_code == 200
    assert response.content.decode() == (
        f'{{"status":"success","id":"{caller.session}","message":"","case_id":"case_001"}}'
    )
    image_set = ImageSet.objects.of(ours.tenant.pk).get()
    assert image_set.state == ImageSetState.PROCESSING
    assert [image.name for image in image_set.images.all()] == ["photo-1.jpg", "photo-2.jpg"]
    submission = image_set.submission
    assert submission is not None
    assert (submission.case_id, submission.callback_url, submission.email) == ("case_001", CALLBACK, "a@b.example")
    assert (submission.agent_id, submission.agent_name) == ("7", "Ann")
    assert PipelineRun.objects.of(ours.tenant.pk).get().image_set_id == image_set.pk
    assert JobRun.objects.of(ours.tenant.pk).filter(state="queued").exists()
    assert UsageCounter.objects.of(ours.tenant.pk).get(service=Service.INSPEKTLABS).used == 1
    assert incoming_files() == []


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.jpg", media.jpeg), ("a.JPG", media.jpeg), ("a.jpeg", media.jpeg), ("a.jfif", media.jpeg),
        ("a.png", media.png), ("a.heic", media.heic),
        ("png-in-truth.jpg", media.png), ("heic-in-truth.jpg", media.heic), ("jpeg-in-truth.heic", media.jpeg),
    ],
)  # fmt: skip
def test_every_kind_of_photo_is_accepted(ours: House, caller: Caller, name: str, make: Callable[..., bytes]) -> None:
    assert caller.files(part(name, make(200, 100))).status_code == 200
    image = ImageSet.objects.of(ours.tenant.pk).get().images.get()
    assert (image.width, image.height) == (200, 100)


@pytest.mark.parametrize("container", ["mp4", "webm", "mov", "mkv", "avi"])
def test_every_kind_of_video_is_accepted(ours: House, caller: Caller, container: str) -> None:
    assert caller.files(part(f"walk.{container}", film(container))).status_code == 200
    upload = Upload.objects.of(ours.tenant.pk).get()
    assert (upload.kind, upload.size) == (container, len(film(container)))


@pytest.mark.parametrize(
    "declared", ["", "application/octet-stream", "image/jpg", "IMAGE/JPEG; charset=x", "video/mp4"]
)
def test_declared_types_that_are_no_lie_worth_telling(caller: Caller, declared: str) -> None:
    assert caller.files(part("a.jpg", media.jpeg(64, 64), declared)).status_code == 200


def test_ninety_nine_photos_are_accepted(ours: House, caller: Caller) -> None:
    assert caller.files(*(photo(1, f"{number}.jpg") for number in range(99))).status_code == 200
    assert Upload.objects.of(ours.tenant.pk).count() == 99
    assert ImageSet.objects.of(ours.tenant.pk).get().images.count() == 1


@pytest.mark.parametrize("count", [100, 1001])
def test_a_hundred_are_too_many(ours: House, caller: Caller, count: int) -> None:
    content = media.jpeg(32, 32)
    response = caller.files(*(part(f"{number}.jpg", content) for number in range(count)))
    assert refusal(response) == (400, "Maximum 99 images upload possible")
    assert nothing_happened(ours)


@pytest.mark.parametrize(
    "name", ["a.webp", "a.gif", "a.pdf", "a.jpg.exe", "a", "jpg", ".jpg", "a.jpg ", "a." + "j" * 200]
)
def test_other_extensions_are_refused(ours: House, caller: Caller, name: str) -> None:
    response = caller.files(photo(1), part(name, media.jpeg(64, 64), "image/jpeg"))
    assert refusal(response) == (400, INVALID_TYPE)
    assert faults(response) == [name]
    assert response.json()["id"] == caller.session
    assert response.json()["case_id"] == "case_001"
    assert nothing_happened(ours)


@pytest.mark.parametrize(
    "declared", ["text/html", "application/pdf", "audio/mpeg", "imagejpeg", "application/x-msdownload"]
)
def test_other_declared_types_are_415(ours: House, caller: Caller, declared: str) -> None:
    response = caller.files(photo(1), part("b.jpg", media.jpeg(64, 64), declared))
    assert refusal(response) == (415, "unsupported file type only images or videos")
    assert faults(response) == ["b.jpg"]
    assert nothing_happened(ours)


def test_the_extension_is_asked_before_the_declared_type(caller: Caller) -> None:
    assert refusal(caller.files(part("a.html", b"<html>", "text/html")))[0] == 400


HOSTILE: list[tuple[str, Callable[[], bytes]]] = [
    ("empty.jpg", lambda: b""),
    ("cut.jpg", lambda: media.truncated(media.jpeg())),
    ("cut.png", lambda: media.truncated(media.png())),
    ("cut.heic", lambda: media.truncated(media.heic())),
    ("exe.jpg", lambda: b"MZ" + b"\0" * 2000),
    ("html.jpg", lambda: b"<!doctype html><script>alert(1)</script>" * 50),
    ("svg.png", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'),
    ("webp.jpg", media.webp),
    ("bomb.png", media.bomb_png),
    ("bomb.jpg", media.bomb_jpeg),
    ("bomb.heic", media.bomb_heic),
    ("film.jpg", lambda: film("mp4")),
    ("text.heic", lambda: b"hello"),
]


@pytest.mark.parametrize(("name", "make"), HOSTILE, ids=[name for name, _ in HOSTILE])
def test_broken_and_disguised_photos_are_refused_by_name(
    ours: House, caller: Caller, name: str, make: Callable[[], bytes]
) -> None:
    response = caller.files(photo(1), part(name, make()))
    assert refusal(response) == (400, INVALID_TYPE)
    (fault,) = response.json()["files"]
    assert fault["name"] == name
    assert fault["reason"].endswith(".")
    assert nothing_happened(ours)
    assert caller.files(photo(1)).status_code == 200


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("cut.mp4", lambda: media.truncated(film("mp4", 2 * MB))),
        ("photo.mp4", lambda: media.jpeg(1800, 1400, quality=100) + b"\0" * MB),
        ("noise.mkv", lambda: b"\x1aE\xdf\xa3" + b"\0" * (MB + 1)),
    ],
)
def test_broken_and_disguised_videos_are_refused_by_name(
    ours: House, caller: Caller, name: str, make: Callable[[], bytes]
) -> None:
    response = caller.files(part(name, make()))
    assert refusal(response) == (400, INVALID_TYPE)
    assert faults(response) == [name]
    assert nothing_happened(ours)


def test_every_file_at_fault_is_named(caller: Caller) -> None:
    response = caller.files(part("a.jpg", b""), photo(1), part("b.png", b"x"))
    assert faults(response) == ["a.jpg", "b.png"]


@pytest.mark.parametrize("size", [0, 1, MB - 1, MB])
def test_small_videos_are_refused(ours: House, caller: Caller, size: int) -> None:
    response = caller.files(part("a.mp4", b"\0" * size))
    assert refusal(response) == (400, "Please upload video greater than 1 MB.")
    assert faults(response) == ["a.mp4"]
    assert nothing_happened(ours)


def test_a_video_of_100_mb_is_refused_and_not_kept(ours: House, caller: Caller) -> None:
    response = caller.files(part("a.mp4", b"\0" * 100 * MB))
    assert refusal(response) == (400, "Please upload video less than 100 MB.")
    assert nothing_happened(ours)


def test_photos_beyond_the_limit_are_refused_by_name(ours: House, caller: Caller, settings: Any) -> None:
    settings.MAX_PHOTO_BYTES = 5000
    small, large = media.jpeg(32, 32), media.jpeg(640, 480)
    assert len(small) < 5000 < len(large)
    response = caller.files(part("small.jpg", small), part("large.jpg", large))
    assert refusal(response) == (400, INVALID_TYPE)
    assert faults(response) == ["large.jpg"]
    assert nothing_happened(ours)


def test_photos_and_videos_do_not_mix(ours: House, caller: Caller) -> None:
    response = caller.files(photo(1), part("walk.mp4", film("mp4")))
    assert refusal(response) == (400, "Please upload either images or videos, not both")
    assert nothing_happened(ours)


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
