"""Recordings of capture units: when one of the rig's units is silent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from assets.models import Passage, Recording
from assets.services.device_keys import capture_unit_revoke
from assets.storage import stored_files
from inspection_platform import sweep
from inspection_platform.cleanup import STEPS
from tests.api.core.recordings.devices import EVERY, OTHER_PHOTO, PHOTO, Device, begun, message, sets

pytestmark = pytest.mark.django_db


def test_a_unit_that_is_not_enrolled_is_not_waited_for(left: Device, right: Device) -> None:
    capture_unit_revoke(unit=right.unit)
    left.record(str(uuid4()), topLeft=PHOTO)
    assert len(sets()) == 1


def test_a_silent_unit_is_waited_for_so_long_and_no_longer(left: Device, right: Device, settings: Settings) -> None:
    passage = str(uuid4())
    right.begin("topRight", "backRight", passageId=passage)
    right.send(passage, "topRight", OTHER_PHOTO)
    left.record(passage, topLeft=PHOTO)
    assert sweep.recordings_sweep() == 0
    past = timezone.now() - timedelta(seconds=settings.RECORDING_PATIENCE_SECONDS + 1)
    Recording.objects.of(EVERY).update(modified_at=past)
    right.send(passage, "backRight", PHOTO[:100], total=len(PHOTO))
    assert sweep.recordings_sweep() == 0
    Recording.objects.of(EVERY).update(modified_at=past)
    assert (sweep.recordings_sweep(), sweep.recordings_sweep()) == (1, 0)
    (image_set,) = sets()
    assert [upload.camera for upload in image_set.uploads.all()] == ["topLeft", "topRight"]
    refused = (409, "The images of this passage have gone on already.")
    assert message(right.send(passage, "backRight", PHOTO[100:], start=100, total=len(PHOTO))) == refused
    assert message(right.begin("roofRight", passageId=passage)) == refused
    assert left.complete(passage).status_code == 200
    assert len(sets()) == 1


def test_a_passage_without_any_file_is_not_opened_but_cleaned_up(left: Device, own_storage: Any) -> None:
    passage = begun(left, "topLeft")
    left.send(passage, "topLeft", PHOTO[:100], total=len(PHOTO))
    assert len(list(stored_files("recordings/"))) == 1
    long_ago = timezone.now() - timedelta(days=60)
    Recording.objects.of(EVERY).update(modified_at=long_ago)
    assert sweep.recordings_sweep() == 0
    steps = dict(STEPS)
    prune, parts = steps["passages never recorded"], steps["parts of recordings nobody went on with"]
    assert (prune(timezone.now(), False), parts(timezone.now(), False)) == (0, 0)
    Passage.objects.of(EVERY).update(created_at=long_ago)
    later = timezone.now() + timedelta(days=2)
    for dry_run in (True, False):
        assert (prune(later, dry_run), parts(later, dry_run)) == (1, 1)
    assert not Passage.objects.of(EVERY).exists()
    assert not list(stored_files("recordings/"))


def test_a_recorded_passage_survives_the_clean_up(left: Device, right: Device) -> None:
    passage = str(uuid4())
    left.record(passage, topLeft=PHOTO)
    right.begin("topRight", passageId=passage)
    Passage.objects.of(EVERY).update(created_at=timezone.now() - timedelta(days=60))
    assert dict(STEPS)["passages never recorded"](timezone.now(), False) == 0


def test_a_look_costs_the_same_however_many_cameras(
    left: Device, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.DEVICE_RATE = 0
    passages = [begun(left, "topLeft"), begun(left, "topLeft", "backLeft", "roofLeft", "bottomLeft")]
    for passage in passages:
        with django_assert_num_queries(2):
            assert left.recording(passage).status_code == 200
