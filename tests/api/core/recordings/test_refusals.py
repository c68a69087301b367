"""Recordings of capture units: what is refused, and that it leaves nothing."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any

import pytest
from pytest_django import Settings

from assets.models import Passage
from tests import media
from tests.api.core.recordings.devices import EVERY, OTHER_PHOTO, PATH, PHOTO, Device, begun, message

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<html>" * 99, "The file cannot be accepted: its content is neither a JPEG nor an MP4."),
        (media.png(64, 64), "The file cannot be accepted: its content is neither a JPEG nor an MP4."),
        (PHOTO[:-500], "The file is incomplete: its end is missing. Please upload it again."),
    ],
)
def test_content_is_judged_and_what_is_unusable_is_forgotten(left: Device, data: bytes, reason: str) -> None:
    passage = begun(left, "topLeft")
    refused = left.send(passage, "topLeft", data)
    assert message(refused) == (400, reason)
    assert refused.json()["errors"] == {"file": [reason]}
    half = len(PHOTO) // 2
    assert left.send(passage, "topLeft", PHOTO[:half], total=len(PHOTO)).status_code == 200
    wrong = left.send(passage, "topLeft", b"x" * 10, start=half, total=half + 10)
    assert wrong.status_code == 400
    assert left.offset(passage, "topLeft").headers["Upload-Offset"] == "0"


def test_the_hash_of_the_whole_file_is_compared(left: Device) -> None:
    passage = begun(left, "topLeft")

    def digest(data: bytes) -> dict[str, str]:
        return {"repr-digest": f"sha-256=:{b64encode(hashlib.sha256(data).digest()).decode()}:"}

    wrong = left.send(passage, "topLeft", PHOTO, headers=digest(OTHER_PHOTO))
    assert message(wrong) == (400, "The file did not arrive as it was sent; send it again.")
    assert left.send(passage, "topLeft", PHOTO, headers={"repr-digest": "sha-256=:AAAA:"}).status_code == 400
    assert left.send(passage, "topLeft", PHOTO, headers=digest(PHOTO)).status_code == 200


@pytest.mark.parametrize(
    "said",
    ["bytes 0-9/5", "bytes 5-1/100", "bytes */100", "0-9/10", "bytes 0-8/10", "bytes 0-9/99999999999999999999"],
)
def test_a_range_that_does_not_fit_is_refused(left: Device, said: str) -> None:
    passage = begun(left, "topLeft")
    assert left.send(passage, "topLeft", PHOTO[:10], headers={"content-range": said}).status_code == 400


def test_a_file_that_is_too_large_is_refused_before_it_comes(left: Device, settings: Settings) -> None:
    passage = begun(left, "topLeft")
    refused = left.send(passage, "topLeft", PHOTO[:10], total=100_000_000)
    assert message(refused) == (400, "The file is too large: at most 99,999,999 bytes are accepted.")
    settings.MAX_PHOTO_BYTES = len(PHOTO) - 1
    assert left.send(passage, "topLeft", PHOTO).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"cameras": []}, {"cameras": ["top"]}, {"cameras": ["topLeft", "topLeft"]}, {"cameras": "topLeft"}, {},
        {"cameras": ["topLeft"], "passageId": "x"}, {"cameras": ["topLeft"], "recDate": "tomorrow"},
        {"cameras": ["topLeft"], "recDate": "9999999999"},
    ],
)  # fmt: skip
def test_a_beginning_that_is_wrong_is_refused(left: Device, body: dict[str, Any]) -> None:
    response = left.client.post(PATH, body, content_type="application/json", headers=left.headers)
    assert response.status_code == 400
    assert not Passage.objects.of(EVERY).exists()


def test_a_recording_is_complete_with_all_its_files(left: Device) -> None:
    passage = begun(left, "topLeft", "backLeft")
    left.send(passage, "topLeft", PHOTO)
    assert message(left.complete(passage)) == (409, "The file of backLeft is not here yet.")
    left.send(passage, "backLeft", OTHER_PHOTO)
    assert left.complete(passage).json() == left.complete(passage).json()
    assert message(left.begin("roofLeft", passageId=passage)) == (409, "The recording is complete.")
    left.unit.refresh_from_db()
    assert left.unit.recording_count == 1


def test_a_camera_is_recorded_by_one_unit(rig: tuple[Device, Device]) -> None:
    passage = begun(rig[0], "topLeft")
    refused = rig[1].begin("topLeft", passageId=passage)
    assert message(refused) == (409, "Another unit records topLeft of this passage.")


def test_requests_are_counted_by_unit(rig: tuple[Device, Device], settings: Settings) -> None:
    settings.DEVICE_RATE = 1
    left, right = rig
    # One of these may be the first of the next minute.
    refused = [answer for answer in (left.begin("topLeft") for _ in range(4)) if answer.status_code == 429]
    assert len(refused) >= 2
    assert int(refused[0].headers["Retry-After"]) <= 60
    assert right.begin("topRight").status_code == 200
