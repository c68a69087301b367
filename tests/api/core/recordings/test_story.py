"""Recordings of capture units: two devices, their files, and the set that comes of it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from assets.models import CaptureUnit, ImageSetState
from assets.storage import stored_files
from imaging.ml.types import Finding
from tests import factories, media, models
from tests.api.core.recordings.devices import EVERY, OTHER_PHOTO, PHOTO, Device, sets

pytestmark = pytest.mark.django_db


def test_two_devices_record_a_car_and_its_plate_says_whose_it_is(
    ours: factories.House,
    outsider: factories.House,
    rig: tuple[Device, Device],
    drain: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models.use(monkeypatch, lambda _image: [models.square(0.1, 0.1)])
    plate = Finding("plate", 0.9, ((0.3, 0.4), (0.7, 0.4), (0.7, 0.65), (0.3, 0.65)))
    models.use_plates(monkeypatch, lambda _image: [plate], lambda _crop: "AB12345")
    car = factories.car(ours.tenant)
    left, right = rig
    passage = str(uuid4())
    films = [media.video(2, (640, 480), seed=seed) for seed in (1, 2)]
    for unit, camera, film in ((left, "topLeft", films[0]), (right, "topRight", films[1])):
        answer = unit.begin(camera, passageId=passage, recDate="1763793814").json()["data"]
        assert answer["passageId"] == passage
        assert answer["cameras"][0] | {"url": ""} == {"camera": camera, "isStored": False, "offset": 0, "url": ""}
        half = len(film) // 2
        assert unit.send(passage, camera, film[:half], total=len(film)).json()["data"]["offset"] == half
        told = unit.offset(passage, camera)
        assert (told.headers["Upload-Offset"], told.headers["Upload-Complete"]) == (str(half), "?0")
        done = unit.send(passage, camera, film[half:], start=half, total=len(film))
        assert done.headers["Upload-Complete"] == "?1"
        assert sets() == []
        assert unit.complete(passage).json()["data"]["isComplete"] is True
    (image_set,) = sets()
    assert (image_set.tenant, image_set.state) == (None, ImageSetState.PROCESSING)
    drain()
    image_set.refresh_from_db()
    assert (image_set.tenant, image_set.car, image_set.state) == (ours.tenant, car, ImageSetState.READY)
    assert str(image_set.passage_id) == passage
    assert image_set.recorded_at.timestamp() == 1763793814
    assert {upload.camera for upload in image_set.uploads.all()} == {"topLeft", "topRight"}
    assert {image.camera for image in image_set.images.all()} == {"topLeft", "topRight"}
    assert {unit.recording_count for unit in CaptureUnit.objects.of(EVERY)} == {1}
    assert not list(stored_files("recordings/"))


def test_a_plate_that_nobody_registered_leaves_the_set_to_nobody(
    rig: tuple[Device, Device], drain: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    models.use(monkeypatch, lambda _image: [])
    passage = str(uuid4())
    rig[0].record(passage, topLeft=PHOTO)
    rig[1].record(passage, topRight=OTHER_PHOTO)
    drain()
    (image_set,) = sets()
    assert (image_set.tenant, image_set.car, image_set.country_code) == (None, None, "NO")
    assert [image.camera for image in image_set.images.order_by("position")] == ["topLeft", "topRight"]
