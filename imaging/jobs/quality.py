"""The `quality` job: decode every photo in full, judge it, and make the picture that people may see.

Where faces are to be blurred, that picture is left to the `face_blur` job.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from django.conf import settings
from django.db import transaction
from numpy.typing import NDArray

from assets.models import Image, ImageState
from assets.privacy import blur_rule
from imaging.gate import SIDE, Eyes, photo_judge
from imaging.jobs.files import pixels_of
from imaging.jobs.prefetch import prefetched
from imaging.models import JobRun, JobState
from imaging.ops.decode import encode_published, reduced
from imaging.ops.errors import UnusableMedia
from imaging.ops.quality import Quality, measure
from imaging.services.gate import eyes_load
from imaging.services.model_versions import model_version_note
from imaging.services.pictures import picture_publish, picture_withdraw
from imaging.services.runs import job_checkpoint, job_model_note

_COLUMNS: Final = (
    "state", "reason", "flags", "quality", "width", "height", "published", "has_thumbnails", "faces_blurred_at",
    "modified_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Looked:
    """`small` is the photo as the gate sees it; `picture` is None where it is not for this job to publish."""

    quality: Quality
    small: NDArray[np.uint8]
    picture: bytes | None


def run(job: JobRun) -> None:
    """Judge each photo of the set that this run has not dealt with yet, and publish those that need no blur."""
    done, withheld = set(job.checkpoint), _withheld(job)
    todo = [image for image in job.run.image_set.images.filter(deleted_at__isnull=True) if str(image.pk) not in done]
    eyes = eyes_load(threads=settings.ML_THREADS)
    job_model_note(job=job, model_version=model_version_note(eyes.side.card))
    for image, looked in prefetched(todo, lambda image: _look(image, publishes=not withheld(image))):
        _settle(job, image, looked, eyes=eyes, is_withheld=withheld(image))


def _withheld(job: JobRun) -> Callable[[Image], bool]:
    """Which photos are left to `face_blur`: none if that job is off for this run, so that none waits for ever."""
    rule = blur_rule(job.run.image_set)
    comes = job.run.jobs.filter(name="face_blur").exclude(state=JobState.SKIPPED).exists()
    return lambda image: comes and rule.applies(image.camera)


def _look(image: Image, *, publishes: bool) -> _Looked:
    pixels = pixels_of(image.received)
    height, width = pixels.shape[:2]
    small = reduced(pixels, max_side=SIDE)
    picture = encode_published(pixels) if publishes else None
    return _Looked(measure(small, full_size=(width, height)), small, picture)


def _settle(job: JobRun, image: Image, looked: _Looked | Exception, *, eyes: Eyes, is_withheld: bool) -> None:
    if isinstance(looked, UnusableMedia):
        image.state, image.reason, image.flags = ImageState.UNUSABLE, looked.reason, [str(looked.code)]
        image.quality = {}
    elif isinstance(looked, Exception):
        raise looked
    else:
        _judge(image, looked, eyes)
        if looked.picture is not None:
            picture_publish(image=image, data=looked.picture, faces_blurred_at=None)
    if is_withheld and image.faces_blurred_at is None:
        picture_withdraw(image=image)  # of an earlier run, when faces could be seen
    with transaction.atomic():
        job_checkpoint(job=job, done=str(image.pk))
        image.save(update_fields=_COLUMNS)


def _judge(image: Image, looked: _Looked, eyes: Eyes) -> None:
    quality = looked.quality
    image.width, image.height = quality.width, quality.height
    seen = eyes.look(looked.small) if quality.usable else None
    said = photo_judge(quality, seen=seen, is_rig=bool(image.camera))
    image.flags = list(said.flags)
    image.quality = {"scores": dict(said.scores), "view": said.view, "models": eyes.versions if seen else {}}
    image.state = ImageState.USABLE if said.usable else ImageState.UNUSABLE
    image.reason = "" if said.usable else f"Nothing can be seen on it: {', '.join(quality.flags)}."
