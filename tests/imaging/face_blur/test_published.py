"""The `face_blur` job: what is published is blurred, and nothing else is seen meanwhile."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from django.core.files import File
from django.core.files.storage import default_storage
from django_q.models import OrmQ
from PIL import Image as PillowImage

from assets.models import ImageSetState, ImageState
from imaging.jobs import face_blur
from imaging.models import JobState
from inspection_platform.portal.presenters import photo_payload
from tenants.catalogue import CAMERAS
from tests import media, models
from tests.admin_pages import login
from tests.factories import House
from tests.imaging.face_blur.blurring import (
    Faces,
    again,
    certainty,
    job_of,
    photos_of,
    run_until,
    settled,
    shown,
    submitted,
    switch,
    with_face,
)

pytestmark = pytest.mark.django_db


def test_off_is_the_default_and_costs_nothing(ours: House, faces: Faces) -> None:
    image_set = settled(submitted(ours, with_face()))
    job, image = job_of(image_set), image_set.images.get()
    assert (job.state, job.reason) == (JobState.SKIPPED, "Face blur is off for all cameras.")
    assert (faces.asked, image.faces_blurred_at) == (0, None)
    assert certainty(shown(image)) > 0.9


def test_what_is_published_shows_no_face_and_what_was_received_stays(on: House, faces: Faces) -> None:
    data = with_face(gps=True)
    image_set = settled(submitted(on, data))
    job, image = job_of(image_set), image_set.images.get()
    assert image_set.state == ImageSetState.READY
    assert (job.state, str(job.model_version)) == (JobState.DONE, "face_detector test-1")
    assert image.faces_blurred_at is not None
    assert certainty(shown(image)) < 0.3
    with image.received.open() as file:
        assert file.read() == data
    with image.published.open() as file, PillowImage.open(file) as picture:
        assert not picture.getexif()


def test_until_it_is_blurred_nothing_is_published(on: House, faces: Faces) -> None:
    image_set = submitted(on, with_face())
    run_until("face_blur")
    image = image_set.images.get()
    assert (image.state, image.width, image.published.name) == (ImageState.USABLE, 640, "")
    assert not default_storage.exists(f"published/{image_set.pk}")
    settled(image_set)
    assert image_set.images.get().published


def test_staff_pages_show_nothing_and_then_another_address(ours: House, faces: Faces) -> None:
    image_set = settled(submitted(ours, with_face()))
    plain = photo_payload(image_set.images.get())["url"]
    switch(ours, *CAMERAS)
    again(image_set)
    run_until("face_blur")
    assert photo_payload(image_set.images.get())["url"] == ""
    client = login(ours.staff)
    assert client.get(plain).status_code == 404
    settled(image_set)
    blurred = photo_payload(image_set.images.get())["url"]
    assert blurred != plain, "a browser may have kept the plain picture of the plain address"
    assert client.get(blurred).status_code == 200


def test_a_second_run_changes_nothing_that_is_seen(on: House, faces: Faces) -> None:
    image_set = settled(submitted(on, with_face()))
    before = image_set.images.get()
    pixels = shown(before)
    again(image_set)
    run_until("face_blur")
    assert image_set.images.get().published.name == before.published.name, "it stays while the set is run again"
    settled(image_set)
    after = image_set.images.get()
    assert after.published.name == before.published.name
    assert np.array_equal(shown(after), pixels)


def test_every_frame_of_a_video_is_blurred(on: House, faces: Faces) -> None:
    image_set = settled(submitted(on, media.video(2.0, (320, 240))))
    images = photos_of(image_set)
    assert len(images) > 1
    assert all(image.frame and image.published and image.faces_blurred_at for image in images)


def test_motion_is_measured_though_frames_are_published_later(on: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_blur, "load", lambda _name, *, threads: Faces())
    models.use(monkeypatch, lambda _image: [models.square(0.3, 0.3)])
    image_set = submitted(on, media.video(2.0, (320, 240)))
    run_until("face_blur")
    skipped = OrmQ.objects.order_by("pk").first()
    assert skipped
    skipped.delete()
    settled(image_set)
    jobs = {job.name: job.state for job in image_set.runs.get().jobs.all()}
    assert (jobs["face_blur"], jobs["damage_identification"]) == (JobState.QUEUED, JobState.DONE)


def test_a_photo_that_cannot_be_decoded_is_no_face(on: House, faces: Faces) -> None:
    broken = bytearray(with_face(2))
    broken[200:-200] = bytes(len(broken) - 400)
    image_set = submitted(on, with_face(1), with_face(3))
    _first, second = photos_of(image_set)
    default_storage.delete(str(second.received.name))
    default_storage.save(str(second.received.name), File(BytesIO(bytes(broken))))
    image_set = settled(image_set)
    assert image_set.state == ImageSetState.READY
    assert [bool(image.published) for image in photos_of(image_set)] == [True, False]


def test_a_photo_on_which_nothing_can_be_seen_is_published_blurred(on: House, faces: Faces) -> None:
    data = BytesIO()
    PillowImage.new("RGB", (320, 240)).save(data, "JPEG")
    image_set = settled(submitted(on, data.getvalue()))
    image = image_set.images.get()
    assert (image_set.state, image.state) == (ImageSetState.REJECTED, ImageState.UNUSABLE)
    assert image_set.reason.startswith("Poor image quality")
    assert image.published
    assert image.faces_blurred_at
    assert "Nothing can be seen" in image.reason
