"""A fleet: tenants with rigs, cars, image sets, runs, damages and people's jobs, fifty thousand rows a second."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from assets.models import CaptureSet, Car, Image, ImageSet, ImageState, Submission, SubmissionState
from bench.copying import copy_rows, unchecked
from bench.fleet import ANNOTATORS, DAMAGES_PER_SET, SETS_PER_CAR, TENANTS
from damages.models import Damage, DamageState, ManualProcessing, ManualStatus
from imaging.models import JobRun, JobState, ModelVersion, PipelineRun, RunState
from tenants.models import ANNOTATOR, REVIEWER, Family, Role, Tenant, User
from tenants.services.groups import groups_ensure
from tenants.services.people import group_assign, membership_set
from tenants.services.settings import tenant_create

#: Photos of a set, and jobs of its run.
IMAGES: Final = 2
JOBS: Final = ("fetch", "quality", "damage_detection", "damage_identification")
#: How far back sets were recorded.
DAYS: Final = 180
_DAMAGE_COLUMNS: Final = (
    "id", "image_set_id", "image_id", "car_id", "state", "representative_id", "first_damage_id", "created_at",
)  # fmt: skip
_SQUARE: Final = [[0.1, 0.4], [0.2, 0.4], [0.2, 0.5], [0.1, 0.5]]
_STATES: Final = [DamageState.CREATED.value] * 6 + [DamageState.ACCEPTED.value] * 3 + [DamageState.REJECTED.value]
_STATUSES: Final = (
    [ManualStatus.ANNOTATION_WAITING] * 3 + [ManualStatus.REVIEW_WAITING] + [ManualStatus.ANNOTATED] * 2
    + [ManualStatus.REVIEWED] * 4
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class People:
    """Who works in the tenant that is timed."""

    admin: User
    reviewer: User
    annotators: list[User]


def tenants_make() -> list[Tenant]:
    """The tenants, each with two rigs; the first is the one that is timed."""
    groups_ensure()
    made = [tenant_create(name=f"Rental {number}") for number in range(TENANTS)]
    for tenant in made:
        for label in ("pickup", "return"):
            CaptureSet.objects.of(tenant.pk).create(
                tenant=tenant, name=f"{tenant.name} {label}", label=label, location="Oslo, Norway", country_code="NO"
            )
    return made


def people_make(tenant: Tenant) -> People:
    """An admin, a reviewer and many annotators of the tenant."""
    people = [
        User.objects.create_user(f"+47{40_000_000 + number}", None, current_tenant=tenant)
        for number in range(ANNOTATORS + 2)
    ]
    admin, reviewer, *annotators = people
    for person in people:
        membership_set(user=person, tenant=tenant, role=Role.ADMIN_TENANT if person is admin else Role.USER)
    group_assign(user=reviewer, group=REVIEWER)
    for person in annotators:
        group_assign(user=person, group=ANNOTATOR)
    return People(admin, reviewer, annotators)


def sets_make(tenants: Sequence[Tenant], number: int, *, serial: int, people: People) -> None:
    """So many image sets more for these tenants, in turn, with all that belongs to them; `serial` is the first's."""
    version = ModelVersion.objects.get_or_create(name="damage_detector", version="bench", sha256="0" * 64)[0]
    batch = _Batch(random.Random(serial), timezone.now(), version)
    batch.plan(tenants, number, serial)
    with unchecked(Damage, Image, ImageSet, JobRun, PipelineRun, ManualProcessing):
        batch.write(people)


def large_set_make(tenant: Tenant, *, damages: int) -> UUID:
    """One set of the tenant with so many damages, none of which are one; returns its id."""
    rig = CaptureSet.objects.of(tenant.pk).first()
    made = ImageSet.objects.of(tenant.pk).create(
        tenant=tenant, capture_set=rig, state="ready", recorded_at=timezone.now() - timedelta(days=DAYS)
    )
    image = Image.objects.of(tenant.pk).create(image_set=made, position=1, sha256="1" * 64, state=ImageState.USABLE)
    version = ModelVersion.objects.get(name="damage_detector")
    Damage.objects.of(tenant.pk).bulk_create(
        Damage(image_set=made, image=image, model_version=version, **_FACTS) for _ in range(damages)
    )
    return made.pk


_FACTS: Final[dict[str, Any]] = {
    "category": "lineScratches", "confidence": 0.8, "polygon": _SQUARE, "image_width": 1280, "image_height": 960,
}  # fmt: skip


@dataclass(slots=True)
class _Planned:
    """An image set to be written."""

    id: str
    tenant: UUID
    rig: UUID
    car: str
    plate: str
    at: datetime
    images: list[str]
    damages: list[str]
    before: _Planned | None = None


class _Batch:
    """Rows of many tables that belong together, written table by table."""

    def __init__(self, source: random.Random, now: datetime, version: ModelVersion) -> None:
        self.source = source
        self.now = now
        self.version = version
        self.sets: list[_Planned] = []
        self.cars: list[tuple[str, UUID, str]] = []

    def plan(self, tenants: Sequence[Tenant], number: int, serial: int) -> None:
        """Think of the sets: the tenants' in turn, twenty of a car one after the other."""
        rigs = {tenant.pk: list(CaptureSet.objects.of(tenant.pk).values_list("pk", flat=True)) for tenant in tenants}
        latest: dict[UUID, tuple[_Planned, int]] = {}
        for place in range(number):
            tenant_id = tenants[place % len(tenants)].pk
            before, used = latest.get(tenant_id, (None, SETS_PER_CAR))
            if used == SETS_PER_CAR:
                before, used = None, 0
                self.cars.append((self._key(), tenant_id, f"AB{serial + place:06d}"))
                car, plate = self.cars[-1][0], self.cars[-1][2]
            elif before is not None:
                car, plate = before.car, before.plate
            age = timedelta(days=DAYS) * (1 - place / number)
            planned = _Planned(
                id=self._key(), tenant=tenant_id, rig=rigs[tenant_id][place % 2], car=car, plate=plate,
                at=self.now - age, images=[self._key() for _ in range(IMAGES)],
                damages=[self._key() for _ in range(DAMAGES_PER_SET)], before=before,
            )  # fmt: skip
            self.sets.append(planned)
            latest[tenant_id] = (planned, used + 1)

    def write(self, people: People) -> None:
        """Copy everything into the database."""
        copy_rows(Car, ("id", "tenant_id", "plate"), self.cars, country_code="NO", make="VW", model="Golf")
        keys = [self._key() for _ in self.sets]
        copy_rows(
            Submission, ("id", "tenant_id", "external_key"),
            ((key, one.tenant, f"in{key[:20]}") for key, one in zip(keys, self.sets, strict=True)),
            family=Family.INSPEKTLABS, state=SubmissionState.RECEIVED,
        )  # fmt: skip
        copy_rows(
            ImageSet, ("id", "tenant_id", "submission_id", "capture_set_id", "car_id", "recorded_at", "created_at"),
            ((one.id, one.tenant, key, one.rig, one.car, one.at, one.at)
             for key, one in zip(keys, self.sets, strict=True)),
            state="ready", country_code="NO",
        )  # fmt: skip
        copy_rows(
            Image, ("id", "image_set_id", "position", "sha256"),
            ((key, one.id, place, key * 2) for one in self.sets for place, key in enumerate(one.images, 1)),
            width=1280, height=960, state=ImageState.USABLE, published="published/photo.jpg",
        )  # fmt: skip
        self._runs()
        damages = (row for one in self.sets for row in self._damages(one))
        copy_rows(Damage, _DAMAGE_COLUMNS, damages, model_version=self.version, **_FACTS)
        self._manual(people)

    def _key(self) -> str:
        return f"{self.source.getrandbits(128):032x}"

    def _runs(self) -> None:
        runs = [(self._key(), one.id) for one in self.sets]
        copy_rows(PipelineRun, ("id", "image_set_id"), runs, state=RunState.DONE, finished_at=self.now)
        jobs = ((self._key(), run, name, order) for run, _ in runs for order, name in enumerate(JOBS))
        copy_rows(JobRun, ("id", "run_id", "name", "order"), jobs, cluster="ml", state=JobState.DONE)

    def _damages(self, one: _Planned) -> list[tuple[Any, ...]]:
        """Of ten sightings six are first occurrences, two others of their families, two seen on the set before."""
        rows = []
        for place, key in enumerate(one.damages):
            representative = one.damages[place - 6] if place in {6, 7} else None
            first = one.before.damages[0] if one.before and place >= 8 else None
            state = _STATES[self.source.randrange(len(_STATES))]
            image = one.images[place % IMAGES]
            rows.append((key, one.id, image, one.car, state, representative, first, one.at))
        return rows

    def _manual(self, people: People) -> None:
        columns = (
            "id", "image_set_id", "tenant_id", "status", "priority", "waiting_since", "last_annotator_id",
            "annotated_at", "last_reviewer_id", "reviewed_at",
        )  # fmt: skip
        rows = []
        for place, one in enumerate(self.sets):
            status = _STATUSES[self.source.randrange(len(_STATUSES))]
            annotator = people.annotators[place % len(people.annotators)].pk
            annotated = (annotator, one.at) if status != ManualStatus.ANNOTATION_WAITING else (None, None)
            reviewed = (people.reviewer.pk, one.at) if status == ManualStatus.REVIEWED else (None, None)
            rows.append((self._key(), one.id, one.tenant, int(status), place % 3, one.at, *annotated, *reviewed))
        copy_rows(ManualProcessing, columns, rows, annotation_enabled=True, review_enabled=True)
