"""Face blur while workers die and settings change."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.files import File
from django.core.files.storage import default_storage
from django.utils import timezone

from assets.models import Image, ImageSet, ImageSetState
from assets.services.image_sets import jobs_off
from imaging.models import JobRun, JobState
from inspection_platform import workflow
from tenants.catalogue import CAMERAS
from tests import queue
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


def test_a_second_try_goes_on_where_the_first_died(on: House, faces: Faces) -> None:
    def killed(asked: int) -> None:
        if asked == 3:  # the second photo
            faces.trouble = lambda _asked: None
            raise RuntimeError("the worker was killed")

    faces.trouble = killed
    image_set = submitted(on, with_face(1), with_face(2))
    queue.drain()
    first, second = photos_of(image_set)
    assert (bool(first.published), bool(second.published)) == (True, False)
    job = job_of(image_set)
    assert (job.state, job.attempts, job.checkpoint) == (JobState.QUEUED, 1, [str(first.pk)])
    JobRun.objects.all_tenants("test").filter(pk=job.pk).update(lease_until=timezone.now())
    workflow.enqueue([job])
    assert settled(image_set).state == ImageSetState.READY
    assert faces.asked == 5, "two looks at each photo, and the one that failed"
    assert photos_of(image_set)[0].faces_blurred_at == first.faces_blurred_at


def test_a_worker_that_died_between_file_and_row_leaves_nothing_wrong(on: House, faces: Faces) -> None:
    image_set = submitted(on, with_face())
    run_until("face_blur")
    image = image_set.images.get()
    default_storage.save(f"published/{image_set.pk}/{image.pk}.jpg", File(BytesIO(b"half a pict")))
    settled(image_set)
    assert certainty(shown(image_set.images.get())) < 0.3


def test_each_camera_by_itself_and_a_phone_as_soon_as_one_is_on(ours: House, faces: Faces) -> None:
    switch(ours, "topLeft")
    image_set = submitted(ours, with_face(1), with_face(2), with_face(3))
    for image, camera in zip(photos_of(image_set), ("topLeft", "topRight", ""), strict=True):
        Image.objects.of(ours.tenant.pk).filter(pk=image.pk).update(camera=camera)
    settled(image_set)
    assert [image.faces_blurred_at is not None for image in photos_of(image_set)] == [True, False, True]
    assert [certainty(shown(image)) < 0.3 for image in photos_of(image_set)] == [True, False, True]


def test_a_photo_that_waits_is_blurred_though_the_setting_went_off(on: House, faces: Faces) -> None:
    image_set = submitted(on, with_face())
    run_until("face_blur")
    switch(on)
    assert "face_blur" not in jobs_off(ImageSet.objects.of(on.tenant.pk).get(pk=image_set.pk))
    settled(image_set)
    assert image_set.images.get().faces_blurred_at is not None


def test_a_setting_that_came_on_after_the_start_holds_for_the_next_run(ours: House, faces: Faces) -> None:
    image_set = submitted(ours, with_face())
    switch(ours, *CAMERAS)
    settled(image_set)
    assert image_set.images.get().published, "published plainly, since nobody would have blurred it"
    again(image_set)
    settled(image_set)
    assert image_set.images.get().faces_blurred_at is not None
