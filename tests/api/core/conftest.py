"""A scene with every kind of row that the core family presents, with fixed ids and times, so that answers are exact."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db.models import Model

from assets.models import CaptureSet, Car, Image, ImageSet, Passage
from damages.models import (
    Action,
    Damage,
    DamageDecision,
    DamagedPart,
    DamageState,
    ManualProcessing,
    ManualStatus,
    Source,
)
from imaging.models import JobRun, JobState, PipelineRun, RunState
from tests import factories

GOLDEN = Path(__file__).parent / "golden"
RECORDED = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
CREATED = datetime(2026, 3, 1, 8, 5, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def golden(name: str) -> Any:
    """The expected JSON of that name."""
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def fixed_id(number: int) -> UUID:
    """An id that reads as its number."""
    return UUID(f"00000000-0000-4000-8000-{number:012d}")


def created_at(row: Model, moment: datetime) -> None:
    """Set the time of creation, which saving does not allow, and of the last change."""
    type(row)._base_manager.filter(pk=row.pk).update(created_at=moment, modified_at=moment)


@dataclass(slots=True)
class Scene:
    """A rig's set with one photo: a family of two by the model, one by the annotator, one removed by the reviewer."""

    car: Car
    image_set: ImageSet
    image: Image
    representative: Damage
    member: Damage
    drawn: Damage
    removed: Damage


@pytest.fixture
def scene(ours: factories.House) -> Scene:
    """The scene in our tenant."""
    return build_scene(ours)


def build_scene(house: factories.House) -> Scene:
    """The scene in a house."""
    rig = CaptureSet(
        id=fixed_id(1), tenant=house.tenant, name="Gate 1", label="pickup", location="Oslo, Norway", cameras_count=2
    )
    car = Car(
        id=fixed_id(2), tenant=house.tenant, country_code="NO", plate="AB12345", vin="WVWZZZAUZLW000001", make="VW",
        model="Golf", color="blue", fuel="PETROL", gear="manual", year=2021, kilowatts=110.5, displacement=1.5,
        mileage=42000, capture_set=rig,
    )  # fmt: skip
    passage = Passage(
        id=fixed_id(3), tenant=house.tenant, capture_set=rig, car=car, country_code="NO", plate="AB12345",
        recorded_at=RECORDED,
    )  # fmt: skip
    for row in (rig, car, passage):
        row.save(force_insert=True)
    image_set = factories.image_set(
        house.tenant, photos=0, external_key="in123420260301080000", id=fixed_id(4), car=car, passage=passage,
        capture_set=rig, appraisal_id="A-77",
    )  # fmt: skip
    ImageSet.objects.of(house.tenant.pk).filter(pk=image_set.pk).update(recorded_at=RECORDED, created_at=CREATED)
    image_set.refresh_from_db()
    image = _renumbered(factories.photo(image_set, position=1), 5)
    _run(image_set)
    _manual(image_set, house)
    return _damages(house, car, image_set, image)


def _renumbered(row: Image, number: int) -> Image:
    rows = Image.objects.all_tenants("a test gives its photo a fixed id")
    rows.filter(pk=row.pk).update(id=fixed_id(number))
    return rows.select_related("image_set__car").get(pk=fixed_id(number))


def _run(image_set: ImageSet) -> None:
    run = PipelineRun(id=fixed_id(6), image_set=image_set, state=RunState.DONE, finished_at=LATER)
    run.save(force_insert=True)
    jobs = ("fetch", "frames", "quality", "damage_detection", "damage_identification")
    for order, name in enumerate(jobs):
        state = JobState.SKIPPED if name == "frames" else JobState.DONE
        JobRun(run=run, name=name, cluster="ml", order=order, state=state, finished_at=LATER).save(force_insert=True)


def _manual(image_set: ImageSet, house: factories.House) -> None:
    manual = ManualProcessing(
        image_set=image_set, tenant=house.tenant, status=ManualStatus.REVIEW_WAITING, annotation_enabled=True,
        review_enabled=True, waiting_since=CREATED, last_annotator=house.annotator, last_annotation_lock_at=CREATED,
        annotated_at=LATER,
    )  # fmt: skip
    manual.save(force_insert=True)
    created_at(manual, CREATED)


def _damages(house: factories.House, car: Car, image_set: ImageSet, image: Image) -> Scene:
    common: dict[str, Any] = {"car": car}
    representative = factories.damage(
        image, id=fixed_id(7), state=DamageState.ACCEPTED, width_mm=56.78, height_mm=12.34, family_reviewed=True,
        partner_state="accepted", true_positives={"lineScratches": True}, confidence=0.91, **common,
    )  # fmt: skip
    member = factories.damage(image, id=fixed_id(8), representative=representative, **common)
    by_hand: dict[str, Any] = {"source": Source.ANNOTATOR, "model_version": None, "confidence": None, **common}
    drawn = factories.damage(image, id=fixed_id(9), category="dents", created_by=house.annotator, **by_hand)
    removed = factories.damage(image, id=fixed_id(10), deleted_at=LATER, deleted_by=house.reviewer, **by_hand)
    DamageDecision(damage=removed, by=house.reviewer, step=Source.REVIEWER, action=Action.DELETED).save()
    DamagedPart(
        id=fixed_id(11), damage=representative, image=image, name="wheel", certainty=0.8, camera_location="roof",
        camera_side="left", car_end="front", polygon=[[0.1, 0.1], [0.5, 0.1], [0.5, 0.5], [0.1, 0.5]],
        pictogram={"name": "car_left.png", "x": 0.12, "y": 0.34},
    ).save(force_insert=True)  # fmt: skip
    for number, row in enumerate((representative, member, drawn, removed)):
        created_at(row, CREATED.replace(second=number))
    return Scene(
        car=car, image_set=image_set, image=image, representative=representative, member=member, drawn=drawn,
        removed=removed,
    )  # fmt: skip
