"""Recordings of capture units: files that come in pieces go on after a break."""

from __future__ import annotations

import hashlib
from io import BytesIO
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from pytest_django import Settings

from assets.models import CaptureUnit, Passage, Recording
from assets.services.device_keys import capture_unit_revoke
from assets.storage import stored_files
from imaging.services import recordings as taking
from inspection_platform.env import storage_config
from tests.api.core.recordings.devices import EVERY, OTHER_PHOTO, PHOTO, Device, begun, message, sets
from tests.object_store import object_store

pytestmark = pytest.mark.django_db


def test_what_came_before_a_break_is_kept(left: Device) -> None:
    passage = begun(left, "topLeft")
    broken: dict[str, Any] = {"CONTENT_LENGTH": str(len(PHOTO)), "wsgi.input": BytesIO(PHOTO[:5000])}
    assert message(left.send(passage, "topLeft", PHOTO, **broken)) == (
        400,
        "The body ended early; what came of it is kept.",
    )
    assert left.offset(passage, "topLeft").headers["Upload-Offset"] == "5000"
    assert left.send(passage, "topLeft", PHOTO[5000:], start=5000, total=len(PHOTO)).status_code == 200
    row = Recording.objects.of(EVERY).get(camera="topLeft")
    with default_storage.open(str(row.file.name)) as file:
        assert file.read() == PHOTO


def test_a_body_of_which_nothing_came_leaves_nothing(left: Device) -> None:
    passage = begun(left, "topLeft")
    nothing: dict[str, Any] = {"CONTENT_LENGTH": "10", "wsgi.input": BytesIO(b"")}
    assert left.send(passage, "topLeft", b"0123456789", **nothing).status_code == 400
    assert not list(stored_files(f"recordings/{Recording.objects.of(EVERY).get().pk}/"))


def test_a_server_that_dies_over_the_last_part_has_it_sent_again(left: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    passage = begun(left, "topLeft")
    left.send(passage, "topLeft", PHOTO[:5000], total=len(PHOTO))

    def die(**_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(taking, "recording_keep", die)
        with pytest.raises(KeyboardInterrupt):
            left.send(passage, "topLeft", PHOTO[5000:], start=5000, total=len(PHOTO))
    assert left.offset(passage, "topLeft").headers["Upload-Offset"] == "5000"
    assert left.send(passage, "topLeft", PHOTO[5000:], start=5000, total=len(PHOTO)).json()["data"]["isStored"]


def test_whoever_begins_again_is_told_where_to_go_on(left: Device) -> None:
    passage = str(uuid4())
    first = left.begin("topLeft", "backLeft", passageId=passage)
    left.send(passage, "topLeft", PHOTO)
    left.send(passage, "backLeft", OTHER_PHOTO[:100], total=len(OTHER_PHOTO))
    again = left.begin("topLeft", "backLeft", passageId=passage).json()["data"]
    assert [(one["camera"], one["offset"], one["isStored"]) for one in again["cameras"]] == [
        ("backLeft", 100, False),
        ("topLeft", len(PHOTO), True),
    ]
    assert again == left.recording(passage).json()["data"]
    assert [one["url"] for one in again["cameras"]] == [one["url"] for one in first.json()["data"]["cameras"]]
    assert Passage.objects.of(EVERY).count() == 1


def test_a_file_that_is_whole_may_be_sent_again_and_no_other(left: Device) -> None:
    passage = begun(left, "topLeft")
    first = left.send(passage, "topLeft", PHOTO)
    assert left.send(passage, "topLeft", PHOTO).json() == first.json()
    assert left.send(passage, "topLeft", PHOTO[9:], start=9, total=len(PHOTO)).status_code == 200
    assert message(left.send(passage, "topLeft", PHOTO + b"x")) == (409, "The file of topLeft is here already.")


@pytest.mark.parametrize("start", [0, 99, 101])
def test_only_the_next_byte_is_taken(left: Device, start: int) -> None:
    passage = begun(left, "topLeft")
    left.send(passage, "topLeft", PHOTO[:100], total=len(PHOTO))
    refused = left.send(passage, "topLeft", PHOTO[start:200], start=start, total=len(PHOTO))
    assert message(refused) == (409, f"The next byte is 100, not {start}.")


def test_without_a_passage_an_idempotency_key_makes_a_repetition_harmless(rig: tuple[Device, Device]) -> None:
    key = {"idempotency-key": "pass 1"}
    left, right = rig
    first = left.begin("topLeft", headers=key)
    assert left.begin("topLeft", headers=key).json() == first.json()
    other = right.begin("topLeft", headers=key)
    assert other.status_code == 200
    assert other.json()["data"]["passageId"] != first.json()["data"]["passageId"]


def test_parts_are_joined_in_an_object_store(left: Device, settings: Settings) -> None:
    with object_store(page=3) as store:
        url = f"s3://access:secret@bucket/folder?endpoint={store.address}&region=eu-north-1"
        settings.STORAGES = settings.STORAGES | {"default": storage_config(url)}
        settings.FILE_UPLOAD_TEMP_DIR = None
        passage = begun(left, "topLeft")
        cuts = [0, 1000, 2000, 3000, 4000, len(PHOTO)]
        for first, last in pairwise(cuts):
            assert left.offset(passage, "topLeft").headers["Upload-Offset"] == str(first)
            assert left.send(passage, "topLeft", PHOTO[first:last], start=first, total=len(PHOTO)).status_code == 200
        capture_unit_revoke(unit=CaptureUnit.objects.of(EVERY).exclude(pk=left.unit.pk).get())
        assert left.complete(passage).status_code == 200
        assert list(store.objects.values()) == [PHOTO]
        (upload,) = sets()[0].uploads.all()
        assert (upload.size, upload.sha256) == (len(PHOTO), hashlib.sha256(PHOTO).hexdigest())
