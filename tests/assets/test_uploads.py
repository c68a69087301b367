"""Fetched files, photos and frames: each service may run twice and changes nothing the second time."""

from __future__ import annotations

import hashlib

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from assets.models import ImageSet, Upload, UploadState
from assets.services.submissions import IncomingUrl, SubmissionDetails, image_set_receive
from assets.services.uploads import frame_add, received_key, received_put, upload_refuse, upload_store
from tenants.models import Family
from tests.assets.conftest import content, received
from tests.factories import House


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def image_set(ours: House) -> ImageSet:
    """A set with two addresses to fetch."""
    return image_set_receive(
        tenant=ours.tenant, family=Family.INSPEKTLABS, external_key="s", details=SubmissionDetails(),
        urls=[IncomingUrl("https://x.example/1.jpg"), IncomingUrl("https://x.example/2.jpg")],
    )  # fmt: skip


def store(upload: Upload, content: bytes, kind: str = "jpeg") -> Upload:
    return upload_store(
        upload=upload,
        file=ContentFile(content),
        kind=kind,
        sha256=digest(content),
        size=len(content),
        width=4,
        height=3,
    )


def test_a_fetched_photo_becomes_an_image(image_set: ImageSet) -> None:
    upload = store(image_set.uploads.get(position=2), b"photo")
    image = image_set.images.get()
    assert (upload.state, upload.kind, upload.size) == (UploadState.STORED, "jpeg", 5)
    assert (image.position, image.width, image.height, image.name) == (2, 4, 3, "2.jpg")
    assert content(image.received) == content(upload.file) == b"photo"


def test_a_fetched_video_does_not(image_set: ImageSet) -> None:
    store(image_set.uploads.get(position=1), b"film", kind="mp4")
    assert not image_set.images.exists()
    assert received(image_set.pk) == [f"{digest(b'film')}.mp4"]


def test_storing_twice_changes_nothing(image_set: ImageSet) -> None:
    store(image_set.uploads.get(position=1), b"photo")
    store(image_set.uploads.get(position=1), b"photo")
    assert image_set.images.count() == 1
    assert received(image_set.pk) == [f"{digest(b'photo')}.jpg"]


def test_two_addresses_of_one_photo_make_one_image(image_set: ImageSet) -> None:
    for upload in image_set.uploads.all():
        store(upload, b"photo")
    assert [image.position for image in image_set.images.all()] == [1]
    assert received(image_set.pk) == [f"{digest(b'photo')}.jpg"]


def test_a_half_written_file_is_replaced(image_set: ImageSet) -> None:
    key = received_key(image_set.pk, sha256=digest(b"photo"), kind="jpeg")
    default_storage.save(key, ContentFile(b"pho"))
    assert received_put(
        image_set_id=image_set.pk, file=ContentFile(b"photo"), kind="jpeg", sha256=digest(b"photo"), size=5
    ) == key  # fmt: skip
    with default_storage.open(key) as file:
        assert file.read() == b"photo"


def test_frames_are_images_of_their_upload(image_set: ImageSet) -> None:
    upload = store(image_set.uploads.get(position=1), b"film", kind="mp4")
    for frame, data in ((1, b"a"), (2, b"b"), (2, b"b"), (3, b"a")):
        frame_add(upload=upload, frame=frame, data=data, width=4, height=3)
    assert [(image.position, image.frame) for image in image_set.images.all()] == [(1, 1), (1, 2)]


def test_a_removed_image_stays_removed_when_the_job_runs_again(image_set: ImageSet) -> None:
    upload = store(image_set.uploads.get(position=1), b"film", kind="mp4")
    image = frame_add(upload=upload, frame=1, data=b"a", width=4, height=3)
    image.deleted_at = timezone.now()
    image.save()
    assert frame_add(upload=upload, frame=1, data=b"a", width=4, height=3).pk == image.pk
    assert image_set.images.count() == 1


def test_a_removed_image_does_not_hide_another_upload_of_it(image_set: ImageSet) -> None:
    first = store(image_set.uploads.get(position=1), b"photo")
    image_set.images.filter(upload=first).update(deleted_at=timezone.now())
    store(image_set.uploads.get(position=2), b"photo")
    assert image_set.images.get(deleted_at__isnull=True).position == 2


def test_a_refused_upload_says_why(image_set: ImageSet) -> None:
    upload_refuse(upload=image_set.uploads.get(position=1), reason="Nothing there.")
    row = image_set.uploads.get(position=1)
    assert (row.state, row.reason) == (UploadState.REFUSED, "Nothing there.")
