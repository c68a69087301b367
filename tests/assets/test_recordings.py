"""What units record: many hands at once, and files that wait for their set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from assets.models import CaptureUnit, ImageSet, Passage, Recording
from assets.services.cleanup import received_orphans_remove
from assets.services.device_keys import capture_unit_enrol
from assets.services.recordings import (
    passage_open,
    recording_begin,
    recording_complete,
    recording_keep,
    recording_offset,
    recording_part_put,
    recordings_find,
)
from inspection_platform import sweep, workflow
from tenants.errors import Conflict, Invalid
from tenants.scope import Reach
from tests import factories, media

pytestmark = pytest.mark.django_db

EVERY = Reach.every()


@pytest.fixture
def units(ours: factories.House) -> list[CaptureUnit]:
    """The left and the right unit of a rig of ours, both enrolled."""
    made = list(factories.rig(ours.tenant).units.order_by("side"))
    for unit in made:
        capture_unit_enrol(unit=unit)
    return made


def begin(unit: CaptureUnit, passage_id: UUID, camera: str) -> Recording:
    recording_begin(unit=unit, cameras=[camera], recorded_at=timezone.now(), passage_id=passage_id)
    return recordings_find(unit=unit, passage_id=passage_id)[0]


def keep(recording: Recording, *, seed: int) -> None:
    data = media.jpeg(64, 64, seed=seed)
    digest = hashlib.sha256(data).hexdigest()
    recording_keep(recording=recording, file=ContentFile(data), kind="jpeg", sha256=digest, size=len(data))


def at_once(*calls: Callable[[], object]) -> None:
    """Make the calls in threads with connections of their own, all starting together."""
    start = Barrier(len(calls))

    def one(call: Callable[[], object]) -> object:
        try:
            start.wait(timeout=30)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        for result in [threads.submit(one, call) for call in calls]:
            result.result()


@pytest.mark.django_db(transaction=True)
def test_two_units_at_once_make_one_passage_and_one_set(units: list[CaptureUnit]) -> None:
    passage_id = uuid4()
    cameras = ("topLeft", "topRight")
    at_once(
        *[
            lambda unit=unit, camera=camera: begin(unit, passage_id, camera)
            for unit, camera in zip(units, cameras, strict=True)
        ]
    )
    assert Passage.objects.of(EVERY).count() == 1
    for number, unit in enumerate(units):
        keep(recordings_find(unit=unit, passage_id=passage_id)[0], seed=number)
    twice = [*units, *units]
    at_once(*[lambda unit=unit: workflow.recorded(unit=unit, passage_id=passage_id) for unit in twice])
    image_set = ImageSet.objects.of(EVERY).get()
    assert image_set.runs.count() == 1
    assert {image.camera for image in image_set.images.all()} == set(cameras)
    assert [unit.recording_count for unit in CaptureUnit.objects.of(EVERY)] == [1, 1]


@pytest.mark.django_db(transaction=True)
def test_a_last_file_and_the_end_of_patience_at_once_lose_nothing(units: list[CaptureUnit]) -> None:
    """Either the file is in the set or its sender hears that it came too late."""
    passage_id = uuid4()
    first, last = (begin(unit, passage_id, camera) for unit, camera in zip(units, ("topLeft", "topRight"), strict=True))
    keep(first, seed=1)
    refused: list[str] = []

    def late() -> None:
        try:
            keep(last, seed=2)
        except Conflict as conflict:
            refused.append(conflict.message)

    at_once(late, lambda: workflow.recorded_late(passage_id))
    sent = {upload.camera for upload in ImageSet.objects.of(EVERY).get().uploads.all()}
    assert (sent, refused) in [
        ({"topLeft", "topRight"}, []),
        ({"topLeft"}, ["The images of this passage have gone on already."]),
    ]


def test_a_gap_is_told_and_filled(units: list[CaptureUnit]) -> None:
    row = begin(units[0], uuid4(), "topLeft")
    for start, data in ((0, b"abc"), (3, b"def")):
        recording_part_put(recording=row, start=start, file=ContentFile(data))
    assert recording_offset(row) == 6
    # Two who sent the first part at once: the shorter one was written last.
    default_storage.delete(f"recordings/{row.pk}/000000000000")
    default_storage.save(f"recordings/{row.pk}/000000000000", ContentFile(b"a"))
    assert recording_offset(row) == 1
    recording_part_put(recording=row, start=1, file=ContentFile(b"bc"))
    assert recording_offset(row) == 6


def test_a_file_in_crumbs_is_refused(units: list[CaptureUnit], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.services.recordings.MAX_PARTS", 2)
    row = begin(units[0], uuid4(), "topLeft")
    for start in range(2):
        recording_part_put(recording=row, start=start, file=ContentFile(b"x"))
    with pytest.raises(Invalid, match="more than 2 parts"):
        recording_part_put(recording=row, start=2, file=ContentFile(b"x"))
    assert recording_offset(row) == 0


def test_files_that_wait_for_their_set_are_no_orphans(units: list[CaptureUnit], own_storage: Path) -> None:
    passage_id = uuid4()
    row = begin(units[0], passage_id, "topLeft")
    keep(row, seed=3)
    tomorrow = timezone.now() + timedelta(days=1)
    received_orphans_remove(before=tomorrow)
    assert default_storage.exists(str(row.file.name))
    recording_complete(unit=units[0], passage_id=passage_id)
    image_set = passage_open(passage_id=passage_id, is_overdue=True)
    assert image_set is not None
    assert image_set.uploads.get().file.name == row.file.name
    received_orphans_remove(before=tomorrow)
    assert default_storage.exists(str(row.file.name))


def test_the_same_photo_from_two_cameras_is_one_image(units: list[CaptureUnit]) -> None:
    passage_id = uuid4()
    for unit, camera in zip(units, ("topLeft", "topRight"), strict=True):
        keep(begin(unit, passage_id, camera), seed=4)
        recording_complete(unit=unit, passage_id=passage_id)
    image_set = passage_open(passage_id=passage_id)
    assert image_set is not None
    assert (image_set.uploads.count(), image_set.images.count()) == (2, 1)
    assert passage_open(passage_id=passage_id) is None


def test_a_passage_that_cannot_be_sent_on_does_not_keep_the_others(
    units: list[CaptureUnit], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in (5, 6):
        keep(begin(units[0], uuid4(), "topLeft"), seed=seed)
    Recording.objects.of(EVERY).update(modified_at=timezone.now() - timedelta(days=1))
    broken = Recording.objects.of(EVERY).order_by("passage__created_at")[0]
    send_on = workflow.recorded_late

    def fail_for_one(passage_id: UUID) -> None:
        if passage_id == broken.passage_id:
            raise OSError("the storage is away")
        send_on(passage_id)

    with monkeypatch.context() as patch:
        patch.setattr(workflow, "recorded_late", fail_for_one)
        assert sweep.recordings_sweep() == 1
    assert sweep.recordings_sweep() == 1
    assert ImageSet.objects.of(EVERY).count() == 2
