"""The `plate_reading` job: the plates on each usable photo, and the car that a recording shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from django.conf import settings
from django.db import transaction
from numpy.typing import NDArray

from assets.models import Image, ImageState
from imaging.jobs.files import pixels_of
from imaging.jobs.prefetch import prefetched
from imaging.ml.model import Model
from imaging.ml.types import Reading
from imaging.models import JobRun, ModelVersion, PlateReading
from imaging.ops.rectify import rectified
from imaging.plate_choice import Candidate, WhyNot, candidates, why_not
from imaging.services.model_versions import load, model_version_note
from imaging.services.plates import run_route
from imaging.services.runs import job_checkpoint, job_model_note

DETECTOR, READER = "plate_detector", "plate_reader"
_TEXT_LENGTH = 32


class Reader(Model, Protocol):
    """A model that reads the crop of a plate."""

    def read(self, crop: NDArray[np.uint8]) -> Reading:
        """What is written on an upright crop, (H, W, 3) uint8 RGB."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """The two models with their rows, and the smallest plate (px of area) that counts."""

    detector: Model
    reader: Reader
    detector_version: ModelVersion
    reader_version: ModelVersion
    min_area: float


def run(job: JobRun) -> None:
    """Read the plates of each usable photo that this run has not dealt with yet; then route a recording by them."""
    eyes = _eyes(job)
    job_model_note(job=job, model_version=eyes.detector_version, helpers=[eyes.reader_version])
    done = set(job.checkpoint)
    usable = job.run.image_set.images.filter(deleted_at__isnull=True, state=ImageState.USABLE)
    todo = [image for image in usable if str(image.pk) not in done]
    for image, pixels in prefetched(todo, lambda image: pixels_of(image.received)):
        if isinstance(pixels, Exception):
            raise pixels
        _note(job, image, _looked(job, image, eyes, pixels))
    run_route(run=job.run)


def _eyes(job: JobRun) -> Eyes:
    """The models of this process. A set without a rig has no smallest plate: what the reader makes of it decides."""
    detector = load(DETECTOR, threads=settings.ML_THREADS)
    reader = cast("Reader", load(READER, threads=settings.ML_THREADS))
    rig = job.run.image_set.capture_set
    return Eyes(
        detector=detector,
        reader=reader,
        detector_version=model_version_note(detector.card),
        reader_version=model_version_note(reader.card),
        min_area=rig.min_license_plate_area if rig else 0,
    )


def _looked(job: JobRun, image: Image, eyes: Eyes, pixels: NDArray[np.uint8]) -> list[PlateReading]:
    """A row for each plate of the photo that is worth reading, the one that stands out most first."""
    plates = candidates(eyes.detector.predict(pixels))
    readings = [eyes.reader.read(rectified(pixels, plate.finding.polygon)) for plate in plates]
    reasons = why_not(plates, readings, min_area=eyes.min_area)
    return [
        _row(job, image, eyes, ordinal, *seen)
        for ordinal, seen in enumerate(zip(plates, readings, reasons, strict=True))
    ]


def _row(
    job: JobRun, image: Image, eyes: Eyes, ordinal: int, plate: Candidate, reading: Reading, reason: WhyNot | None
) -> PlateReading:
    return PlateReading(
        run=job.run,
        image=image,
        detector=eyes.detector_version,
        reader=eyes.reader_version,
        ordinal=ordinal,
        polygon=[list(point) for point in plate.finding.polygon],
        area_pixels=round(plate.area),
        detection_score=plate.finding.score,
        text=reading.text[:_TEXT_LENGTH],
        score=reading.score,
        characters=[list(character) for character in reading.characters],
        counted=reason is None,
        why_not=reason or "",
    )


def _note(job: JobRun, image: Image, rows: list[PlateReading]) -> None:
    """Store the readings with the mark that the photo is dealt with: both or neither."""
    with transaction.atomic():
        job_checkpoint(job=job, done=str(image.pk))
        PlateReading.objects.all_tenants("a worker stores what it read").bulk_create(rows, ignore_conflicts=True)
