"""The demo's rigs, car and its two passages, sent through the real pipeline inside this process."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final

import structlog
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from assets.carinfo.prices import price_key
from assets.models import CaptureSet, CaptureUnit, Car, Image, ImageSet, Passage, PricePoint, Submission
from assets.services.cars import CarList, cars_assign
from assets.services.submissions import IncomingFile, SubmissionDetails, image_set_receive
from damages.models import Damage, Source
from damages.services.decisions import damage_draw
from damages.taxonomy import DamageCategory
from imaging.models import JobState, PipelineRun, RunState
from inspection_platform import tasks, workflow
from inspection_platform.demo.people import Staffed
from inspection_platform.demo.pictures import HEIGHT, WIDTH, Photo, Scratch, photos_draw
from tenants.errors import Conflict
from tenants.models import Family, Tenant

log = structlog.get_logger(__name__)

LABELS: Final = ("pickup", "return")
#: How long ago the car was picked up and brought back.
_AGO: Final = {"pickup": timedelta(days=4), "return": timedelta(hours=2)}
#: Seconds until the demo stops waiting for its own runs; workers that are started later finish them.
_PATIENCE_S: Final = 120

_OLD: Final = (Scratch("left", 4.0, 0.8, 1.2, 1), Scratch("front", 5.8, 1.6, 0.9, 4))
_NEW: Final = (Scratch("right", 6.2, 1.0, 0.9, 2), Scratch("front", 2.6, 1.6, 0.8, 3))
_SCRATCHES: Final = {"pickup": _OLD, "return": _OLD + _NEW}
_PAINTS: Final = {"demo": (58, 92, 150), "other": (150, 48, 44)}
#: Made up, in the form in which the maker writes them.
_VINS: Final = {"demo": "WVWZZZCDZPW000001", "other": "WVWZZZCDZPW000002"}
#: By year and km.
_MEDIUM_PRICES: Final = {
    (2021, 0): 285_000,
    (2021, 50_000): 245_000,
    (2021, 150_000): 175_000,
    (2023, 0): 345_000,
    (2023, 50_000): 295_000,
    (2023, 150_000): 210_000,
}


@dataclass(frozen=True, slots=True)
class Yard:
    """What stands on a demo tenant's yard: its two rigs by label, and its car."""

    rigs: dict[str, CaptureSet]
    car: Car


@transaction.atomic
def yard_build(staffed: Staffed) -> Yard:
    """Both capture sets with two units each, the assigned car and what such a car costs, made or found."""
    rigs = {label: _rig(staffed, label) for label in LABELS}
    car, _ = Car.objects.of(staffed.tenant.pk).get_or_create(
        country_code="NO", plate=staffed.spec.plate, tenant=staffed.tenant,
        defaults={
            "vin": _VINS[staffed.spec.key], "make": "Volkswagen", "model": "Golf", "car_group": "C", "color": "blue",
            "fuel": "PETROL", "gear": "manual", "year": 2023, "kilowatts": 96, "displacement": 1.498,
            "mileage": 21_500, "capture_set": rigs["pickup"],
        },
    )  # fmt: skip
    if car.released_at is not None:
        _take_back(staffed.tenant, car)
    _prices(staffed)
    return Yard(rigs, car)


def _take_back(tenant: Tenant, car: Car) -> None:
    """Assign the car again after somebody tried out its deletion, unless the plate has another tenant now."""
    listed = CarList()
    listed.add(car.registration_no)
    cars_assign(tenants=[tenant], listed=listed)
    car.refresh_from_db()


@lru_cache(maxsize=4)
def demo_photos(key: str, label: str) -> tuple[Photo, ...]:
    """The drawn photos of a demo tenant's pickup or return."""
    return photos_draw(paint=_PAINTS[key], scratches=_SCRATCHES[label], seed=LABELS.index(label) + 1)


def pair_process(staffed: Staffed, yard: Yard) -> list[ImageSet]:
    """The car's pickup and return, through the pipeline; scratches that the models overlooked are marked by a person.

    Found and left alone when they are there; a run that was interrupted goes on.
    """
    pair = [_found(staffed, label) or _receive(staffed, yard, label) for label in LABELS]
    _relate(*pair)
    fresh = [image_set for image_set in pair if _run_to_its_end(image_set)]
    nothing_seen = not Damage.objects.of(staffed.tenant.pk).filter(image_set__in=pair).exists()
    if fresh and nothing_seen:
        for label, image_set in zip(LABELS, pair, strict=True):
            _mark(staffed, image_set, demo_photos(staffed.spec.key, label))
    return pair


def _rig(staffed: Staffed, label: str) -> CaptureSet:
    tenant = staffed.tenant
    rows = CaptureSet.objects.of(tenant.pk).filter(label=label, is_virtual=False, deleted_at__isnull=True)
    rig = rows.order_by("created_at").first()
    if rig is None:
        rig = CaptureSet(
            tenant=tenant, name=f"{label.capitalize()} lane", label=label, location="Oslo", cameras_count=10
        )
        rig.full_clean(exclude=["tenant"])
        rig.save()
    for side in ("left", "right"):
        unit, is_new = CaptureUnit.objects.of(tenant.pk).get_or_create(
            capture_set=rig, side=side, defaults={"default_tenant": tenant}
        )
        if is_new:
            unit.tenants.add(tenant)
    return rig


def _prices(staffed: Staffed) -> None:
    """A few price points of the demo's car: its medium price, and five per cent around it."""
    for (year, km), price in _MEDIUM_PRICES.items():
        PricePoint.objects.of(staffed.tenant.pk).get_or_create(
            tenant=staffed.tenant, make_key=price_key("Volkswagen"), model_key=price_key("Golf"), year=year, km=km,
            defaults={
                "make": "Volkswagen", "model": "Golf", "price_low": price * 95 // 100, "price_medium": price,
                "price_high": price * 105 // 100,
            },
        )  # fmt: skip


def _external_key(label: str) -> str:
    return f"demo-{label}"


def _found(staffed: Staffed, label: str) -> ImageSet | None:
    known = Submission.objects.of(staffed.tenant.pk).filter(family=Family.CORE, external_key=_external_key(label))
    return ImageSet.objects.of(staffed.tenant.pk).filter(submission__in=known).first()


def _receive(staffed: Staffed, yard: Yard, label: str) -> ImageSet:
    """Hand in the drawn photos as a client would, for the car's passage through its rig."""

    def begin(image_set: ImageSet) -> None:
        rig, moment = yard.rigs[label], timezone.now() - _AGO[label]
        image_set.capture_set, image_set.car, image_set.recorded_at = rig, yard.car, moment
        image_set.passage = Passage(
            tenant=staffed.tenant, capture_set=rig, car=yard.car, plate=yard.car.plate, recorded_at=moment,
            country_code=yard.car.country_code,
        )  # fmt: skip
        image_set.passage.save()
        image_set.save()
        workflow.start(image_set)

    return image_set_receive(
        tenant=staffed.tenant,
        family=Family.CORE,
        external_key=_external_key(label),
        details=SubmissionDetails(case_id=f"Demo {label}"),
        files=[_incoming(photo) for photo in demo_photos(staffed.spec.key, label)],
        then=begin,
    )


def _incoming(photo: Photo) -> IncomingFile:
    sha256 = hashlib.sha256(photo.data).hexdigest()
    return IncomingFile(
        name=photo.name, file=ContentFile(photo.data, name=photo.name), size=len(photo.data), sha256=sha256,
        kind="jpeg", width=WIDTH, height=HEIGHT,
    )  # fmt: skip


def _relate(pickup: ImageSet, return_: ImageSet) -> None:
    for one, other in ((pickup, return_), (return_, pickup)):
        if one.related_image_set_id is None:
            one.related_image_set = other
            one.save(update_fields=["related_image_set", "modified_at"])


def _run_to_its_end(image_set: ImageSet) -> bool:
    """Do the work of the set's run here, unless it is done; True if there was any. Workers may help meanwhile.

    A run that failed is started once more: what it lacked may be there by now.
    """
    run = image_set.runs.order_by("-number").first()
    if run is not None and run.state == RunState.FAILED:
        run = workflow.run_again(image_set=image_set)
    if run is None or run.state != RunState.RUNNING:
        return False
    deadline = time.monotonic() + _PATIENCE_S
    while run.state == RunState.RUNNING and time.monotonic() < deadline:
        if not _work(run):
            time.sleep(0.2)
        run.refresh_from_db()
    if run.state != RunState.DONE:
        log.warning("demo.run_unfinished", image_set=str(image_set.pk), state=run.state, reason=run.reason)
    return True


def _work(run: PipelineRun) -> bool:
    """Try each job of the run that may be free; whether any was finished."""
    done = run.jobs.filter(state=JobState.DONE).count()
    for job_id in run.jobs.filter(state__in=[JobState.QUEUED, JobState.RUNNING]).values_list("pk", flat=True):
        tasks.run_job(str(job_id))
    return run.jobs.filter(state=JobState.DONE).count() > done


def _mark(staffed: Staffed, image_set: ImageSet, photos: Sequence[Photo]) -> None:
    """The annotator marks what was drawn."""
    outlines = {photo.name: photo.scratches for photo in photos}
    try:
        for image in Image.objects.of(staffed.tenant.pk).filter(image_set=image_set).select_related("image_set"):
            for polygon in outlines.get(image.name, ()):
                damage_draw(
                    user=staffed.users["annotator"], image=image, polygon=polygon,
                    category=DamageCategory.LINE_SCRATCHES, step=Source.ANNOTATOR,
                )  # fmt: skip
    except Conflict as busy:
        log.warning("demo.marking_left_out", image_set=str(image_set.pk), reason=busy.message)
