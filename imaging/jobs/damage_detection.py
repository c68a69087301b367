"""The `damage_detection` job: what the damage model says about each usable photo, stored as it was said."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from assets.models import Image, ImageState
from imaging.jobs.files import pixels_of
from imaging.jobs.prefetch import prefetched
from imaging.ml.types import Prediction
from imaging.models import Detection, JobRun, ModelVersion
from imaging.services.model_versions import load, model_version_note
from imaging.services.runs import job_checkpoint, job_model_note

MODEL = "damage_detector"


def run(job: JobRun) -> None:
    """Show each usable photo of the set that this run has not dealt with yet to the model."""
    model = load(MODEL, threads=settings.ML_THREADS)
    version = model_version_note(model.card)
    job_model_note(job=job, model_version=version)
    done = set(job.checkpoint)
    usable = job.run.image_set.images.filter(deleted_at__isnull=True, state=ImageState.USABLE)
    todo = [image for image in usable if str(image.pk) not in done]
    for image, pixels in prefetched(todo, lambda image: pixels_of(image.received)):
        if isinstance(pixels, Exception):
            raise pixels
        _note(job, image, version, model.predict(pixels))


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
