"""The pointers of families and first occurrences, read and written: the rules are in `damages.kinship`.

Whoever changes them first locks the cars concerned (`cars_lock`), so that two changes of one car's past follow one
another; then manual jobs, then damages, each in the order of ids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final
from uuid import UUID

from django.db.models import Q

from assets.models import Car
from damages import geometry
from damages.kinship import Kin, Kinship, Standing, Ties
from damages.models import Action, Damage, DamageState
from damages.services.records import TIES, Ledger
from damages.services.results import changes_tell
from damages.services.sightings import polygon_of

#: The matching of damages reaches all sightings of a car in its tenant, whoever of them the request named.
_WHY: Final = "a damage's family and line are within the tenant of the damage that was reached"
_STATE_ORDER: Final = {DamageState.ACCEPTED: 0, DamageState.CREATED: 1, DamageState.REJECTED: 2}


def cars_lock(car_ids: Iterable[UUID | None]) -> None:
    """Let the caller's transaction be the only one that matches damages of these cars."""
    wanted = {car_id for car_id in car_ids if car_id is not None}
    if wanted:
        rows = Car.objects.all_tenants(_WHY).filter(pk__in=wanted).order_by("id")
        list(rows.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))


def kin_ids(ids: Collection[UUID]) -> set[UUID]:
    """The ids of all sightings, deleted ones too, in the families and lines of these; a handful of queries at most."""
    found: set[UUID] = set()
    asked: set[UUID] = set()
    wanted = set(ids)
    while wanted:
        asked |= wanted
        near = Q(pk__in=wanted) | Q(representative__in=wanted) | Q(first_damage__in=wanted)
        rows = Damage.objects.all_tenants(_WHY).filter(near).order_by()
        for pointers in rows.values_list("pk", "representative_id", "first_damage_id"):
            found.update(pointer for pointer in pointers if pointer is not None)
        wanted = found - asked
    return found


def rows_lock(ids: Collection[UUID]) -> dict[UUID, Damage]:
    """These damages with photo and set, locked in the order of their ids."""
    rows = Damage.objects.all_tenants(_WHY).filter(pk__in=ids).select_related("image", "image_set")
    return {row.pk: row for row in rows.select_for_update(of=("self",)).order_by("id")}


def kinship_of(rows: Iterable[Damage], *, ties: Mapping[UUID, Ties] | None = None) -> Kinship:
    """The families and lines of these rows, which must hold each line whole; `ties` as in Kinship."""
    return Kinship([_kin(row) for row in rows], ties=ties)


def ties_of(row: Damage) -> Ties:
    """A row's pointers."""
    return Ties(row.representative_id, row.first_damage_id)


def ties_write(
    changes: Mapping[UUID, Ties],
    rows: Mapping[UUID, Damage],
    *,
    ledger: Ledger,
    action: Action,
    always: bool = False,
    note: Mapping[str, str] | None = None,
) -> None:
    """Set the pointers of rows and record it in the ledger, which the caller writes; `always`, `note` as there."""
    for key, ties in changes.items():
        row = rows[key]
        ledger.watch(row)
        row.representative_id, row.first_damage_id = ties
        ledger.record(row, action, columns=TIES, always=always, note=note)


def ties_settle(ids: Collection[UUID], *, ledger: Ledger) -> None:
    """Put families and lines of these damages in order after some ceased to stand or stand again; writes the ledger.

    A family whose representative is gone gets the best of its living sightings; a line whose first occurrence is gone
    or was rejected begins with the next earliest. What was published of the sets concerned, those of others of the car
    included, is told to be outdated in the same transaction.
    """
    rows = rows_lock(kin_ids(ids))
    ties_write(kinship_of(rows.values()).changes(), rows, ledger=ledger, action=Action.SETTLED)
    ledger.write()
    tenants = {row.image_set.tenant_id for row in rows.values()}
    changes_tell(ledger.outdated, tenant_ids={key for key in tenants if key is not None})


def stands(state: str, *, is_potential: bool) -> bool:
    """Whether a damage of this state counts as an occurrence: nobody rejected it, and it is not a doubtful one."""
    return state != DamageState.REJECTED and not is_potential


def is_living(row: Damage) -> bool:
    """Whether the damage, its photo and its set all stand."""
    return not (row.deleted_at or row.image.deleted_at or row.image_set.deleted_at)


def _kin(row: Damage) -> Kin:
    image_set = row.image_set
    return Kin(
        id=row.pk,
        image_set=row.image_set_id,
        moment=(image_set.recorded_at, image_set.created_at, str(image_set.pk)),
        rank=_rank(row),
        standing=_standing(row),
        ties=ties_of(row),
    )


def _standing(row: Damage) -> Standing:
    if not is_living(row):
        return Standing.GONE
    if stands(row.state, is_potential=row.is_potential):
        return Standing.STANDS
    return Standing.REJECTED if row.state == DamageState.REJECTED else Standing.DOUBTFUL


def _rank(row: Damage) -> tuple[float | str, ...]:
    """What represents a family best: accepted, then surest (people are sure), then largest."""
    certainty = 1.0 if row.confidence is None else row.confidence
    size = round(geometry.area(polygon_of(row.polygon)), 9)
    return (_STATE_ORDER[DamageState(row.state)], float(row.is_potential), -certainty, -size, str(row.pk))
