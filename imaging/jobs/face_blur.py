"""The `face_blur` job: publish the photos of those who want to see no faces, once no face can be recognised on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from numpy.typing import NDArray

from assets.models import Image
from assets.privacy import blur_rule
from imaging.jobs.files import pixels_of
from imaging.jobs.prefetch import prefetched
from imaging.models import JobRun
from imaging.ops.decode import encode_published
from imaging.ops.errors import UnusableMedia
from imaging.services.anonymisation import FACE_MARGIN, FaceFinder, Proposer, StillVisible, anonymised
from imaging.services.model_versions import load, model_version_note
from imaging.services.pictures import picture_publish, picture_withdraw
from imaging.services.runs import Hopeless, job_checkpoint, job_model_note

MODEL: Final = "face_detector"
WITHHELD: Final = "Not published: a face can still be recognised on it."
#: Photos that the reason of a failure names.
_NAMED: Final = 5


def run(job: JobRun) -> None:
    """Blur each photo of the set that this run has not dealt with yet; Hopeless if faces stay visible on any.

    The other photos are published then all the same; those are not, nor do they keep an earlier picture.
    """
    todo = _todo(job)
    if not todo:
        return
    model = load(MODEL, threads=settings.ML_THREADS)
    job_model_note(job=job, model_version=model_version_note(model.card))
    finder = FaceFinder(cast("Proposer", model))
    pictures = prefetched(todo, lambda image: pixels_of(image.received))
    exposed = [image for image, pixels in pictures if not _settle(job, image, _picture(pixels, finder))]
    if exposed:
        raise Hopeless(_reason(exposed, len(todo)))


def _todo(job: JobRun) -> list[Image]:
    """The photos the rule asks for, and those that wait for a picture whatever it asks for meanwhile."""
    rule, done = blur_rule(job.run.image_set), set(job.checkpoint)
    return [
        image
        for image in job.run.image_set.images.filter(deleted_at__isnull=True)
        if str(image.pk) not in done
        and (rule.applies(image.camera) or image.faces_blurred_at is not None or not image.published)
    ]


def _picture(pixels: NDArray[np.uint8] | Exception, finder: FaceFinder) -> bytes | Exception:
    """The picture to be published as JPEG, or why there is none: it cannot be decoded, or a face stays visible."""
    try:
        if isinstance(pixels, Exception):
            raise pixels
        return encode_published(anonymised(pixels, finders=[finder], margin=FACE_MARGIN).image)
    except (UnusableMedia, StillVisible) as none:
        return none


def _settle(job: JobRun, image: Image, picture: bytes | Exception) -> bool:
    """Publish the photo or take its picture away; whether no face can be recognised on what people see."""
    is_hidden = not isinstance(picture, StillVisible)
    if isinstance(picture, bytes):
        picture_publish(image=image, data=picture, faces_blurred_at=timezone.now())
    else:
        picture_withdraw(image=image)
    with transaction.atomic():
        if is_hidden:
            job_checkpoint(job=job, done=str(image.pk))
        else:
            image.reason = WITHHELD
        image.save(update_fields=["published", "has_thumbnails", "faces_blurred_at", "reason", "modified_at"])
    return is_hidden


def _reason(exposed: Sequence[Image], count: int) -> str:
    names = ", ".join(_name(image) for image in exposed[:_NAMED])
    more = f" and {len(exposed) - _NAMED} more" if len(exposed) > _NAMED else ""
    return (
        f"A face can still be recognised on {len(exposed)} of {count} photos after blurring ({names}{more}); "
        "they were not published."
    )


def _name(image: Image) -> str:
    return f"{image}, frame {image.frame}" if image.frame else str(image)
