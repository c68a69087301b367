"""Throughput of the pipeline on a set of photos, against a bare loop of decode + the models' calls in one process.

The bare loop does what no pipeline can leave out: decode each photo, then resize, invoke and read each model's answer.
The pipeline does the same behind rows, leases, checkpoints and storage, and also judges and publishes every photo.
"""

from __future__ import annotations

import hashlib
from io import BytesIO

from django.conf import settings
from django.core.files.base import ContentFile

from assets.models import ImageSet, ImageSetState
from assets.services.submissions import IncomingFile, SubmissionDetails
from bench.figure import Figure, paired
from imaging.jobs import damage_detection, plate_reading
from imaging.ml.model import Model
from imaging.ml.on_vehicle import on_vehicle
from imaging.ml.registry import load
from imaging.ops.decode import decode
from inspection_platform import workflow
from tenants.models import Family, Tenant
from tenants.services.settings import tenant_create
from tests.media import car_photo
from tests.queue import drain

PHOTOS = 24
ROUNDS = 3
GOAL = 0.85


def figures() -> list[Figure]:
    """Photos a second of both."""
    tenant = tenant_create(name="Bench")
    photos = [car_photo(seed, scratches=3, width=960, height=720) for seed in range(PHOTOS)]
    _bare(photos[:2])
    _pipeline(tenant, photos[:2], "warm-up")
    numbers = iter(range(ROUNDS))
    ours, bare, ratio = paired(
        lambda: _pipeline(tenant, photos, f"round-{next(numbers)}"), lambda: _bare(photos), rounds=ROUNDS
    )
    speed = 1 / ratio
    detail = f"{PHOTOS / ours:.1f} photos/s against {PHOTOS / bare:.1f} photos/s, one process"
    return [
        Figure(f"pipeline, {PHOTOS} photos / bare decode + models loop", speed, f">= {GOAL:g}", speed >= GOAL, detail)
    ]


def _bare(photos: list[bytes]) -> None:
    names = (plate_reading.DETECTOR, damage_detection.MODEL)
    models = [on_vehicle(_load(name), _load) for name in names]
    for photo in photos:
        pixels = decode(BytesIO(photo), max_pixels=settings.MAX_PHOTO_PIXELS)
        for model in models:
            model.predict(pixels)


def _load(name: str) -> Model:
    return load(name, threads=settings.ML_THREADS)


def _pipeline(tenant: Tenant, photos: list[bytes], key: str) -> None:
    """A whole inspection from submission to published result, all its tasks run here."""
    image_set = _submit(tenant, photos, key)
    drain()
    image_set.refresh_from_db()
    if image_set.state != ImageSetState.READY:
        raise RuntimeError(f"The set became {image_set.state}: {image_set.reason}")


def _submit(tenant: Tenant, photos: list[bytes], key: str) -> ImageSet:
    files = [
        IncomingFile(
            name=f"{number}.jpg",
            file=ContentFile(photo),
            size=len(photo),
            sha256=hashlib.sha256(photo).hexdigest(),
            kind="jpeg",
        )
        for number, photo in enumerate(photos, 1)
    ]
    return workflow.submit(
        tenant=tenant,
        family=Family.INSPEKTLABS,
        external_key=key,
        details=SubmissionDetails(case_id="bench"),
        files=files,
    )
