"""The `quality` job: what the gate says of each photo is kept with it, told to clients and shown to people."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from PIL import Image as PillowImage

from assets.models import Image, ImageState
from imaging.gate import REASONS
from imaging.jobs import quality
from imaging.models import JobRun, JobState
from inspection_platform.api.core.presenters.images import quality as told
from inspection_platform.portal.presenters import photo_payload
from tests import factories, media, models
from tests.factories import House
from tests.models import ChosenEyes

pytestmark = pytest.mark.django_db


def job_for(house: House, *photos: bytes, camera: str = "") -> JobRun:
    """The job of a set of these photos, as its worker has it."""
    image_set = factories.image_set(house.tenant, photos=len(photos))
    for image, data in zip(image_set.images.order_by("position"), photos, strict=True):
        image.received.save(f"{image.pk}.jpg", ContentFile(data))
        image.camera, image.state = camera, ImageState.NEW
        image.save()
    run = factories.run(image_set)
    job, _ = JobRun.objects.of(house.tenant.pk).get_or_create(
        run=run, name="quality", defaults={"cluster": "ml", "order": 2, "state": JobState.RUNNING}
    )
    JobRun.objects.of(house.tenant.pk).filter(pk=job.pk).update(state=JobState.RUNNING, checkpoint=[])
    job.refresh_from_db()
    return job


def photos_of(job: JobRun) -> list[Image]:
    return list(job.run.image_set.images.order_by("position"))


def black() -> bytes:
    data = BytesIO()
    PillowImage.new("RGB", (800, 600)).save(data, "JPEG")
    return data.getvalue()


def test_scores_side_and_models_are_kept(ours: House, monkeypatch: pytest.MonkeyPatch) -> None:
    models.use_eyes(monkeypatch, car=(0.0, 0.2, 0.9, 0.8))
    job = job_for(ours, media.jpeg())
    quality.run(job)
    (photo,) = photos_of(job)
    assert (photo.state, photo.flags) == (ImageState.USABLE, ["car_cut"])
    assert photo.quality["view"] == "front_left"
    assert photo.quality["models"] == ChosenEyes.versions
    assert str(job.model_version) == "view_and_wheels test-1"
    assert photo.quality["scores"]["whole"] == 0
    assert told(photo)["reasons"] == photo_payload(photo)["remarks"] == [REASONS["car_cut"]]


def test_a_rig_may_cut_cars(ours: House, monkeypatch: pytest.MonkeyPatch) -> None:
    models.use_eyes(monkeypatch, car=(0.0, 0.2, 0.9, 0.8))
    job = job_for(ours, media.jpeg(), camera="topLeft")
    quality.run(job)
    assert photos_of(job)[0].flags == []


def test_no_car_is_a_flag_and_no_refusal(ours: House, monkeypatch: pytest.MonkeyPatch) -> None:
    models.use_eyes(monkeypatch, car=None, vehicle=0.05, present=0.1)
    job = job_for(ours, media.jpeg())
    quality.run(job)
    (photo,) = photos_of(job)
    assert (photo.state, photo.flags, photo.reason) == (ImageState.USABLE, ["no_vehicle"], "")
    assert told(photo)["view"] is None


def test_models_do_not_look_at_what_shows_nothing(ours: House, monkeypatch: pytest.MonkeyPatch) -> None:
    eyes = models.use_eyes(monkeypatch)
    job = job_for(ours, black())
    quality.run(job)
    (photo,) = photos_of(job)
    assert (photo.state, photo.flags, eyes.asked) == (ImageState.UNUSABLE, ["black"], 0)
    assert photo.quality["models"] == {}
    assert "vehicle" not in photo.quality["scores"]


def test_what_cannot_be_read_has_its_reason_alone(ours: House, monkeypatch: pytest.MonkeyPatch) -> None:
    models.use_eyes(monkeypatch)
    job = job_for(ours, media.jpeg()[:400])
    quality.run(job)
    (photo,) = photos_of(job)
    assert (photo.state, photo.quality) == (ImageState.UNUSABLE, {})
    assert told(photo)["reasons"] == [photo.reason]
    assert told(photo)["scores"] == {}


def test_a_second_run_changes_nothing(ours: House, monkeypatch: pytest.MonkeyPatch) -> None:
    eyes = models.use_eyes(monkeypatch)
    job = job_for(ours, media.jpeg(), media.jpeg())
    quality.run(job)
    job.refresh_from_db()
    quality.run(job)
    assert eyes.asked == 2
