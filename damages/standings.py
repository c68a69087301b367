"""What lists show of image sets: plain rows of the sets, their rigs, cars and manual work, their runs and drawings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db.models import Exists, OuterRef, Q

from assets.models import Image
from assets.querysets import ImageSetQuerySet
from damages.models import Action, Damage, DamageDecision, Source
from damages.shown import Id
from imaging.models import PipelineRun
from tenants.rows import AmongIds, id_text, plain_rows
from tenants.scope import Reach

Columns = type["RigShown"] | type["CarShown"] | type["ManualShown"]

# Ids, times and JSON of all these may be as the driver gives them: `tenants.rows` reads either form.


class SetShown(NamedTuple):
    """An image set's own columns, and whether it has images."""

    id: Id
    appraisal_id: str
    car_id: Id | None
    car_info: Any
    country_code: str
    created_at: datetime
    passage_id: Id | None
    plate: str
    reason: str
    recorded_at: datetime
    related_image_set_id: Id | None
    state: str
    submission__external_key: str | None
    tenant_id: Id | None
    has_images: bool


class RigShown(NamedTuple):
    """The capture set that recorded it."""

    id: Id
    is_virtual: bool
    label: str
    location: str
    name: str


class CarShown(NamedTuple):
    """What the register knows of its car."""

    id: Id
    color: str
    country_code: str
    displacement: int | None
    fuel: str
    gear: str
    kilowatts: int | None
    make: str
    mileage: int | None
    model: str
    plate: str
    vin: str
    year: int | None


class ManualShown(NamedTuple):
    """Its manual job."""

    id: Id
    annotated_at: datetime | None
    annotation_enabled: bool
    created_at: datetime
    holder_id: Id | None
    is_skipped: bool
    last_annotation_lock_at: datetime | None
    last_annotator_id: Id | None
    last_review_lock_at: datetime | None
    last_reviewer_id: Id | None
    locked_until: datetime | None
    review_enabled: bool
    reviewed_at: datetime | None
    status: int


class JobShown(NamedTuple):
    """A job of its latest run."""

    name: str
    state: str
    finished_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class RunShown:
    """Its latest run: the state, and the jobs by name in the run's order."""

    state: str
    jobs: dict[str, JobShown] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HandWork:
    """Which damages of a set people drew, and which of the annotators' drawings a reviewer removed (ids as text)."""

    drawn_by_annotators: list[str] = field(default_factory=list)
    drawn_by_reviewers: list[str] = field(default_factory=list)
    removed_by_reviewers: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ImageSetStanding:
    """An image set with everything that is told of it."""

    image_set: SetShown
    rig: RigShown | None
    car: CarShown | None
    manual: ManualShown | None
    run: RunShown | None
    hand_work: HandWork

    @property
    def key(self) -> str:
        """The set's id as text."""
        return id_text(self.image_set.id)

    @property
    def jobs(self) -> Mapping[str, JobShown]:
        """The jobs of the latest run, none without one."""
        return self.run.jobs if self.run else {}


#: What hangs on a set: the word for it here, its name in the model, its columns.
_RELATED: Final[Mapping[str, tuple[str, Columns]]] = {
    "rig": ("capture_set", RigShown),
    "car": ("car", CarShown),
    "manual": ("manual_processing", ManualShown),
}
_PATHS: Final = (
    *SetShown._fields,
    *(f"{name}__{column}" for name, kind in _RELATED.values() for column in kind._fields),
)


def image_set_standings(rows: ImageSetQuerySet, *, reach: Reach) -> list[ImageSetStanding]:
    """The rows (within reach, filtered, ordered, sliced) with their standing; three queries for any number of rows."""
    images = Image.objects.of(reach).visible().filter(image_set=OuterRef("pk"))
    found = plain_rows(rows.annotate(has_images=Exists(images)).values_list(*_PATHS))
    ids = [id_text(row[0]) for row in found]
    runs, work = _latest_runs(ids, reach), _hand_work(ids, reach)
    return [_standing(row, runs.get(key), work[key]) for key, row in zip(ids, found, strict=True)]


def _standing(row: tuple[Any, ...], run: RunShown | None, work: HandWork) -> ImageSetStanding:
    related: dict[str, Any] = {}
    begin = own = len(SetShown._fields)
    for name, (_, kind) in _RELATED.items():
        end = begin + len(kind._fields)
        related[name] = None if row[begin] is None else kind(*row[begin:end])
        begin = end
    return ImageSetStanding(image_set=SetShown(*row[:own]), run=run, hand_work=work, **related)


def _latest_runs(set_ids: Collection[str], reach: Reach) -> dict[str, RunShown]:
    rows = PipelineRun.objects.of(reach).filter(AmongIds("image_set", set_ids)).order_by("number", "jobs__order")
    columns = ("jobs__name", "jobs__state", "jobs__finished_at", "jobs__reason")
    found: dict[str, tuple[int, RunShown]] = {}
    for set_id, number, state, *job in plain_rows(rows.values_list("image_set", "number", "state", *columns)):
        key = id_text(set_id)
        if key not in found or found[key][0] != number:
            found[key] = (number, RunShown(state))
        if job[0] is not None:
            found[key][1].jobs[job[0]] = JobShown(*job)
    return {key: run for key, (_, run) in found.items()}


def _hand_work(set_ids: Collection[str], reach: Reach) -> Mapping[str, HandWork]:
    removals = DamageDecision.objects.of(reach).filter(
        damage=OuterRef("pk"), action=Action.DELETED, step=Source.REVIEWER
    )
    there = Q(deleted_at__isnull=True, source__in=[Source.ANNOTATOR, Source.REVIEWER])
    removed = Q(Exists(removals), deleted_at__isnull=False, source=Source.ANNOTATOR)
    drawn = Damage.objects.of(reach).filter(AmongIds("image_set", set_ids), there | removed)
    rows = plain_rows(drawn.order_by("created_at", "id").values_list("image_set", "id", "source", "deleted_at"))
    return _by_set(rows)


def _by_set(rows: Iterable[tuple[Any, ...]]) -> Mapping[str, HandWork]:
    found: defaultdict[str, HandWork] = defaultdict(HandWork)
    for set_id, damage_id, source, deleted_at in rows:
        work = found[id_text(set_id)]
        if deleted_at is not None:
            work.removed_by_reviewers.append(id_text(damage_id))
        elif source == Source.ANNOTATOR:
            work.drawn_by_annotators.append(id_text(damage_id))
        else:
            work.drawn_by_reviewers.append(id_text(damage_id))
    return found
