"""Reads that join what was captured, what models saw and what people made of it, in fixed numbers of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from assets.models import Car, Image
from assets.plates import Plate
from assets.querysets import CarQuerySet
from damages.models import Action, Damage, DamageState
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
    wanted = {
        "image_set": filters.image_set_id,
        "image_set__tenant": filters.tenant_id,
        "image_set__appraisal_id": filters.appraisal_id,
    }
    conditions: dict[str, Any] = {path: value for path, value in wanted.items() if value is not None}
    if filters.plate:
        own = reach.within(filters.tenant_id) if filters.tenant_id else reach
        # A handful of keys at most: the database can then use its index of each car's damages.
        cars = list(Car.objects.of(own).with_plate(filters.plate).values_list("pk", flat=True))
        conditions |= {"car__in": cars, "first_damage__isnull": True}
    states = filters.states or LISTED_STATES
    rows = _by_life(Damage.objects.of(reach), is_deleted=filters.is_deleted)
    rows = rows.filter(**conditions, state__in=states, is_potential=filters.is_potential)
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
    comes_first = Q(pk=OuterRef("representative")) | Q(representative=OuterRef("representative"), pk__lt=OuterRef("pk"))
    return rows.filter(Q(representative__isnull=True) | ~Exists(rows.filter(comes_first)))


def _by_life(rows: DamageQuerySet, *, is_deleted: bool) -> DamageQuerySet:
    """Living damages, or deleted ones of sets that still stand."""
    return rows.filter(deleted_at__isnull=False, image_set__deleted_at__isnull=True) if is_deleted else rows.visible()


def cars_by_damages(cars: CarQuerySet, *, has_damages: bool, reach: Reach) -> CarQuerySet:
    """Those of the cars on which damages stand, proposed or accepted; or those without any."""
    standing = Damage.objects.of(reach).visible().filter(state__in=LISTED_STATES, is_potential=False)
    found = Exists(standing.filter(car=OuterRef("pk")))
    return cars.filter(found if has_damages else ~found)
