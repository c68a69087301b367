"""The files of an upload (I1): what is accepted, and every refusal letter by letter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from assets.models import ImageSet, ImageSetState, Upload
from imaging.models import JobRun, PipelineRun
from tenants.models import Service, UsageCounter
from tests import media
from tests.api.inspektlabs.conftest import CALLBACK, Caller, incoming_files, part, photo
from tests.api.inspektlabs.uploading import INVALID_TYPE, MB, faults, film, nothing_happened, refusal
from tests.factories import House


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
