"""A face that stays: its photo is not published, or no more, and people are told."""

from __future__ import annotations

import pytest
from django.core.files.storage import default_storage

from assets.models import ImageSetState
from imaging.jobs import face_blur
from imaging.models import JobState, RunState
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


def test_a_face_that_stays_fails_the_job_at_once_in_plain_words(on: House, faces: Faces) -> None:
    faces.stubborn = True
    image_set = settled(submitted(on, with_face(1), with_face(2)))
    job = job_of(image_set)
    words = "A face can still be recognised on 2 of 2 photos after blurring (1.jpg, 2.jpg); they were not published."
    assert (job.state, job.reason, job.attempts) == (JobState.FAILED, words, 1)
    assert (image_set.state, image_set.reason) == (ImageSetState.FAILED, f"face_blur: {words}")
    assert image_set.runs.get().state == RunState.FAILED
    for image in photos_of(image_set):
        assert (image.published.name, image.faces_blurred_at, image.reason) == ("", None, face_blur.WITHHELD)
    assert not default_storage.exists(f"published/{image_set.pk}") or not default_storage.listdir(
        f"published/{image_set.pk}"
    )[1]  # fmt: skip
    assert not image_set.results.exists()


def test_the_other_photos_are_published_all_the_same(on: House, faces: Faces) -> None:
    def trouble(asked: int) -> None:
        faces.stubborn = asked <= 4  # three passes and the last look at the first photo

    faces.trouble = trouble
    image_set = settled(submitted(on, with_face(1), with_face(2)))
    first, second = photos_of(image_set)
    assert image_set.state == ImageSetState.FAILED
    assert (bool(first.published), bool(second.published)) == (False, True)
    assert certainty(shown(second)) < 0.3


@pytest.mark.parametrize("stays", [False, True])
def test_what_was_published_with_faces_is_replaced_or_withdrawn(ours: House, faces: Faces, stays: bool) -> None:
    image_set = settled(submitted(ours, with_face()))
    key = str(image_set.images.get().published.name)
    switch(ours, "topLeft")
    faces.stubborn = stays
    again(image_set)
    run_until("face_blur")
    assert not default_storage.exists(key), "from the moment it is known that faces must not be seen"
    assert image_set.images.get().published.name == ""
    settled(image_set)
    image = image_set.images.get()
    assert default_storage.exists(key) is not stays
    assert image.published.name == ("" if stays else key)
    assert stays or certainty(shown(image)) < 0.3


def test_a_blurred_picture_is_withdrawn_when_a_face_is_found_on_a_later_run(on: House, faces: Faces) -> None:
    image_set = settled(submitted(on, with_face()))
    faces.stubborn = True
    again(image_set)
    settled(image_set)
    assert image_set.images.get().published.name == ""


def test_a_failed_set_can_be_run_again_once_blur_is_off(on: House, faces: Faces) -> None:
    faces.stubborn = True
    image_set = settled(submitted(on, with_face()))
    switch(on)
    again(image_set)
    image_set = settled(image_set)
    image = image_set.images.get()
    assert (image_set.state, image.reason, image.faces_blurred_at) == (ImageSetState.READY, "", None)
    assert certainty(shown(image)) > 0.9
