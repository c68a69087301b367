"""The `damage_detection` job: what the damage model says about each usable photo, stored as it was said.

Also what it is not sure enough of to propose: from its card's `floor` on, and so many a photo, findings are kept with
their score, for people who ask for more and for judging the model later (see `imaging.detections`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Protocol, cast

from django.conf import settings
from django.db import transaction

from assets.models import Image, ImageState
from imaging.jobs.files import pixels_of
from imaging.jobs.prefetch import prefetched
from imaging.ml.model import Model, UInt8Image
from imaging.ml.on_vehicle import helpers_of, on_vehicle
from imaging.ml.types import Prediction
from imaging.models import Detection, JobRun, ModelVersion
from imaging.services.model_versions import load, model_version_note
from imaging.services.runs import job_checkpoint, job_model_note

MODEL = "damage_detector"
#: Findings below the threshold that are kept of a photo: more of them nobody would look through.
WEAKER_KEPT: Final = 20


class Proposer(Model, Protocol):
    """A model that also tells of what lies below its threshold."""

    def propose(self, image: UInt8Image, *, floor: float) -> Prediction:
        """Return the findings with a score of at least `floor`, best first."""


def run(job: JobRun) -> None:
    """Show each usable photo of the set that this run has not dealt with yet to the model."""
    model = cast("Proposer", on_vehicle(_load(MODEL), _load))
    version = model_version_note(model.card)
    helpers = [model_version_note(helper.card) for helper in helpers_of(model)]
    job_model_note(job=job, model_version=version, helpers=helpers)
    done = set(job.checkpoint)
    usable = job.run.image_set.images.filter(deleted_at__isnull=True, state=ImageState.USABLE)
    todo = [image for image in usable if str(image.pk) not in done]
    for image, pixels in prefetched(todo, lambda image: pixels_of(image.received)):
        if isinstance(pixels, Exception):
            raise pixels
        _note(job, image, version, said(model, pixels))


def _load(name: str) -> Model:
    return load(name, threads=settings.ML_THREADS)


def said(model: Proposer, pixels: UInt8Image) -> Prediction:
    """All that `model` proposes on a photo, and the best of what it does not: a proposal never disappears silently."""
    threshold = model.card.thresholds["score"]
    found = model.propose(pixels, floor=min(threshold, model.card.thresholds.get("floor", threshold)))
    proposed = sum(finding.score >= threshold for finding in found.findings)
    return replace(found, findings=found.findings[: proposed + WEAKER_KEPT])


def _note(job: JobRun, image: Image, version: ModelVersion, said: Prediction) -> None:
    """Store the findings with the mark that the photo is dealt with: both or neither."""
    rows = [
        Detection(
            run=job.run,
            image=image,
            model_version=version,
            ordinal=ordinal,
            label=finding.label,
            score=finding.score,
            polygon=[list(point) for point in finding.polygon],
            image_width=said.width,
            image_height=said.height,
        )
        for ordinal, finding in enumerate(said.findings)
    ]
    with transaction.atomic():
        job_checkpoint(job=job, done=str(image.pk))
        Detection.objects.all_tenants("a worker stores what it saw").bulk_create(rows, ignore_conflicts=True)
