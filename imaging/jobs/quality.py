"""The `quality` job: decode every photo in full, judge it, and make the picture that people may see."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from assets.models import Image, ImageState
from imaging.jobs.files import pixels_of
from imaging.jobs.prefetch import prefetched
from imaging.models import JobRun
from imaging.ops.decode import encode_published
from imaging.ops.errors import UnusableMedia
from imaging.ops.quality import Quality, measure
from imaging.services.runs import job_checkpoint


@dataclass(frozen=True, slots=True)
class _Looked:
    quality: Quality
    published: bytes


def run(job: JobRun) -> None:
    """Judge and publish each photo of the set that this run has not dealt with yet."""
    done = set(job.checkpoint)
    todo = [image for image in job.run.image_set.images.filter(deleted_at__isnull=True) if str(image.pk) not in done]
    for image, looked in prefetched(todo, _look):
        _settle(job, image, looked)


def published_key(image: Image) -> str:
    """Where the published picture of an image is kept; the same at each run, so that a second one overwrites it."""
    return f"published/{image.image_set_id}/{image.pk}.jpg"


def _look(image: Image) -> _Looked:
    pixels = pixels_of(image.received)
    return _Looked(measure(pixels), encode_published(pixels))


def _settle(job: JobRun, image: Image, looked: _Looked | Exception) -> None:
    if isinstance(looked, UnusableMedia):
        image.state, image.reason, image.flags = ImageState.UNUSABLE, looked.reason, [str(looked.code)]
    elif isinstance(looked, Exception):
        raise looked
    else:
        _publish(image, looked)
    with transaction.atomic():
        job_checkpoint(job=job, done=str(image.pk))
        image.save(update_fields=["state", "reason", "flags", "width", "height", "published", "modified_at"])


def _publish(image: Image, looked: _Looked) -> None:
    quality = looked.quality
    image.width, image.height = quality.width, quality.height
    image.flags = list(quality.flags)
    image.state = ImageState.USABLE if quality.usable else ImageState.UNUSABLE
    image.reason = "" if quality.usable else f"Nothing can be seen on it: {', '.join(quality.flags)}."
    image.published.name = default_storage.save(published_key(image), ContentFile(looked.published))
