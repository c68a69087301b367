"""Reads that join what was captured, what models saw and what people made of it, in fixed numbers of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Count, Exists, OuterRef, Q

from assets.models import Car, Image, ImageSet
from assets.plates import Plate
from assets.querysets import CarQuerySet, ImageSetQuerySet
from damages.models import Action, Damage, DamageDecision, DamagedPart, DamageState, ManualProcessing, Source
from imaging.models import JobRun, PipelineRun
from tenants.scope import Reach

if TYPE_CHECKING:
    from damages.querysets import DamageQuerySet

#: States that are listed unless a caller asks for others (contract section 5, rule 1).
LISTED_STATES: Final = (DamageState.CREATED, DamageState.ACCEPTED)

#: How long a damage is new, and recent, from the recording of its first occurrence (contract section 5, rule 4).
NEW_FOR: Final = timedelta(hours=24)
RECENT_FOR: Final = timedelta(hours=120)

#: What people decide about matching; what merely followed from a removal is not among it.
_MATCHED: Final = (Action.MATCHED, Action.MERGED, Action.UNMERGED)

#: What a list of damages may be sorted by. A damage's time is that of its set's recording.
SORTS: Final[Mapping[str, tuple[str, ...]]] = {
    "createdAt": ("created_at", "id"),
    "-createdAt": ("-created_at", "-id"),
    "timestamp": ("image_set__recorded_at", "created_at", "id"),
    "-timestamp": ("-image_set__recorded_at", "-created_at", "-id"),
}


@dataclass(frozen=True, slots=True)
class HandWork:
    """Which damages of a set people drew, and which of the annotators' drawings a reviewer removed (ids)."""

    drawn_by_annotators: list[UUID] = field(default_factory=list)
    drawn_by_reviewers: list[UUID] = field(default_factory=list)
    removed_by_reviewers: list[UUID] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ImageSetStanding:
    """An image set with everything that is told of it: its latest run and jobs, its manual processing, hand work."""

    image_set: ImageSet
    has_images: bool
    run: PipelineRun | None
    jobs: Mapping[str, JobRun]
    manual: ManualProcessing | None
    hand_work: HandWork


def image_set_standings(rows: ImageSetQuerySet, *, reach: Reach) -> list[ImageSetStanding]:
    """The rows (within reach, filtered, ordered, sliced) with their standing; five queries for any number of rows."""
    images = Image.objects.of(reach).visible().filter(image_set=OuterRef("pk"))
    sets = list(rows.with_origin().select_related("manual_processing").annotate(has_images=Exists(images)))
    ids = [image_set.pk for image_set in sets]
    runs = _latest_runs(ids, reach)
    jobs = _jobs(list(runs.values()), reach)
    hand_work = _hand_work(ids, reach)
    return [
        ImageSetStanding(
            image_set=image_set,
            has_images=bool(getattr(image_set, "has_images", False)),
            run=runs.get(image_set.pk),
            jobs=jobs[runs[image_set.pk].pk] if image_set.pk in runs else {},
            manual=_manual(image_set),
            hand_work=hand_work[image_set.pk],
        )
        for image_set in sets
    ]


def _manual(image_set: ImageSet) -> ManualProcessing | None:
    try:
        manual: ManualProcessing = image_set.manual_processing
    except ObjectDoesNotExist:
        return None
    return manual


def _latest_runs(set_ids: Sequence[UUID], reach: Reach) -> dict[UUID, PipelineRun]:
    rows = PipelineRun.objects.of(reach).filter(image_set__in=set_ids).order_by("number")
    return {run.image_set_id: run for run in rows}


def _jobs(runs: Sequence[PipelineRun], reach: Reach) -> Mapping[UUID, dict[str, JobRun]]:
    found: defaultdict[UUID, dict[str, JobRun]] = defaultdict(dict)
    for job in JobRun.objects.of(reach).filter(run__in=runs).defer("checkpoint").order_by("order"):
        found[job.run_id][job.name] = job
    return found


def _hand_work(set_ids: Sequence[UUID], reach: Reach) -> Mapping[UUID, HandWork]:
    found: defaultdict[UUID, HandWork] = defaultdict(HandWork)
    people = [Source.ANNOTATOR, Source.REVIEWER]
    drawn = Damage.objects.of(reach).filter(image_set__in=set_ids, source__in=people).order_by("created_at", "id")
    for damage in drawn.filter(deleted_at__isnull=True).only("image_set_id", "source"):
        work = found[damage.image_set_id]
        (work.drawn_by_annotators if damage.source == Source.ANNOTATOR else work.drawn_by_reviewers).append(damage.pk)
    removals = DamageDecision.objects.of(reach).filter(
        damage=OuterRef("pk"), action=Action.DELETED, step=Source.REVIEWER
    )
    removed = drawn.filter(Exists(removals), source=Source.ANNOTATOR, deleted_at__isnull=False)
    for damage in removed.only("image_set_id"):
        found[damage.image_set_id].removed_by_reviewers.append(damage.pk)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class DamageFilters:
    """What a list of damages is narrowed to; None leaves a filter at its default (contract section 5, rule 1)."""

    image_set_id: UUID | None = None
    tenant_id: UUID | None = None
    plate: Plate | None = None
    appraisal_id: str | None = None
    states: Sequence[str] | None = None
    is_potential: bool = False
    is_deleted: bool = False
    family_of: UUID | None = None
    only_representatives: bool = True
    sort_by: str = "createdAt"
    closest_to: Image | None = None


def damages_select(filters: DamageFilters, *, reach: Reach) -> DamageQuerySet:
    """Damages within reach that the filters ask for, ordered.

    `closest_to` sorts by nearness to that image in place of `sort_by`. A car's list (`plate`) shows first occurrences
    only; an image set's shows what stands on it, first occurrence or not. A family (`family_of` names its
    representative) is listed whole.
    """
    rows = _by_life(Damage.objects.of(reach), is_deleted=filters.is_deleted)
    rows = rows.filter(state__in=filters.states or LISTED_STATES, is_potential=filters.is_potential)
    wanted = {
        "image_set": filters.image_set_id,
        "image_set__tenant": filters.tenant_id,
        "image_set__appraisal_id": filters.appraisal_id,
    }
    rows = rows.filter(**{path: value for path, value in wanted.items() if value is not None})
    if filters.plate:
        own = reach.within(filters.tenant_id) if filters.tenant_id else reach
        # A handful of keys at most: the database can then use its index of each car's damages.
        cars = list(Car.objects.of(own).with_plate(filters.plate).values_list("pk", flat=True))
        rows = rows.filter(car__in=cars, first_damage__isnull=True)
    if filters.family_of:
        rows = rows.family(filters.family_of)
    elif filters.only_representatives:
        rows = _one_per_family(rows)
    if filters.closest_to:
        return rows.by_nearness(filters.closest_to)
    return rows.order_by(*SORTS[filters.sort_by])


def damage_age(damage: Damage, *, now: datetime) -> timedelta:
    """How long ago the damage was recorded for the first time; one query more if that was in an earlier set."""
    first = damage.first_damage or damage
    return now - first.image_set.recorded_at


def is_matched_by_people(damage: Damage) -> bool:
    """Whether somebody said what the damage is one with, or that its family is right."""
    return damage.family_reviewed or damage.decisions.filter(action__in=_MATCHED).exists()


def _one_per_family(rows: DamageQuerySet) -> DamageQuerySet:
    """Of each family the representative, or one other sighting where the filters leave the representative out.

    So a sighting that somebody accepted is not hidden because the family's representative was rejected.
    """
    with_it = rows.filter(pk=OuterRef("representative"))
    before_it = rows.filter(representative=OuterRef("representative"), pk__lt=OuterRef("pk"))
    return rows.filter(Q(representative__isnull=True) | (~Exists(with_it) & ~Exists(before_it)))


def _by_life(rows: DamageQuerySet, *, is_deleted: bool) -> DamageQuerySet:
    """Living damages, or deleted ones of sets that still stand."""
    return rows.filter(deleted_at__isnull=False, image_set__deleted_at__isnull=True) if is_deleted else rows.visible()


def family_sizes(damages: Iterable[Damage], *, reach: Reach) -> dict[UUID, int]:
    """Representative's id to the number of visible sightings in its family, in one query."""
    representatives = {damage.representative_id or damage.pk for damage in damages}
    rows = Damage.objects.of(reach).visible()
    others = rows.filter(representative__in=representatives).order_by().values("representative")
    counted = {row["representative"]: row["members"] for row in others.annotate(members=Count("pk"))}
    return {pk: 1 + counted.get(pk, 0) for pk in representatives}


def damaged_parts(damages: Iterable[Damage], *, reach: Reach) -> dict[UUID, list[DamagedPart]]:
    """Damage's id to the parts of the car it is on, of those that have any, in one query."""
    rows = DamagedPart.objects.of(reach).filter(damage__in=[damage.pk for damage in damages])
    found: defaultdict[UUID, list[DamagedPart]] = defaultdict(list)
    for part in rows.order_by("created_at", "id"):
        found[part.damage_id].append(part)
    return dict(found)


def cars_by_damages(cars: CarQuerySet, *, has_damages: bool, reach: Reach) -> CarQuerySet:
    """Those of the cars on which damages stand, proposed or accepted; or those without any."""
    standing = Damage.objects.of(reach).visible().filter(state__in=LISTED_STATES, is_potential=False)
    found = Exists(standing.filter(car=OuterRef("pk")))
    return cars.filter(found if has_damages else ~found)
