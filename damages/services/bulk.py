"""Changing many damages at once, all or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import transaction

from damages.geometry import Point, PolygonError, box_from_pixels
from damages.kinship import Kinship, KinshipError
from damages.models import Action, Damage, DamageState, Source
from damages.models.damage import no_false_positives, no_true_positives
from damages.services.decisions import verdict_set
from damages.services.edits import Edit, Whereabouts, conflict_about, listed
from damages.services.matching import is_living, kin_ids, kinship_of, rows_lock, stands, ties_write
from damages.services.records import Ledger, version_of
from damages.taxonomy import DamageCategory
from tenants.errors import Invalid, NotFound
from tenants.models import Event, User
from tenants.scope import Reach

#: Changes that concern more than the row itself.
_MATCHES: Final = ("first_damage", "representative", "family_reviewed")
#: Changes that are written as they are said.
_PLAIN: Final = ("partner_state", "is_processing", "is_potential")
_FLAGS: Final[Mapping[str, Callable[[], dict[str, bool]]]] = {
    "true_positives": no_true_positives,
    "false_positives": no_false_positives,
}
#: From a state to what is recorded when a damage gets it.
_ACTIONS: Final[Mapping[str, Action]] = {
    DamageState.ACCEPTED: Action.ACCEPTED,
    DamageState.REJECTED: Action.REJECTED,
    DamageState.CREATED: Action.REOPENED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DamageChange:
    """What a damage is to become. Only what is in `values` changes; its keys and values:

    `state` a DamageState; `true_positives`, `false_positives` the flags to change; `corners` (x, y) in pixels of the
    photo, in any order; `partner_state` text; `is_potential`, `is_processing`, `family_reviewed` booleans;
    `first_damage`, `representative` an id or None.

    `version`: the change is meant for this version only. `place` is where the request said it, for refusals.
    """

    id: UUID
    values: Mapping[str, Any]
    version: str | None = None
    place: str = "damage"


class Changed(NamedTuple):
    """The damages after their change, and what the workflow is to hear of it, if anything."""

    rows: list[Damage]
    news: Event | None


def damages_update(
    *,
    user: User,
    changes: Sequence[DamageChange],
    reach: Reach,
    step: Source,
    known: Mapping[UUID, Whereabouts] | None = None,
) -> Changed:
    """Carry out the changes, all or none, and return the damages in the order in which they were first named.

    `known` is what `damages_find` said of those to change a moment ago.

    Several changes of one damage follow one another. A state is a decision as in `damage_decide`: accepting confirms
    the category unless flags are given. True flags are a person's word for the category, which follows them; an
    accepted damage has no false positives, a rejected one no true ones. `family_reviewed` is said of the whole family.
    A representative or first occurrence puts a damage into a family or line (`damages.kinship`); a line whose first
    occurrence is rejected begins with the next earliest, until that is taken back. The number of queries depends on
    the number of batches of rows that the database takes, not on that of damages.

    Raises NotFound, Forbidden, Invalid naming the place, and Conflict naming damages with their current versions: held
    by somebody else, reviewed, changed since `version`, or matched in a way that cannot be.
    """
    with transaction.atomic():
        targets = _targets(changes)
        edit = Edit.begin(
            user=user, ids=(change.id for change in changes), reach=reach, step=step,
            is_matching=lambda standing: _matches(changes) or bool(_turning(changes, standing)),
            known=known,
        )  # fmt: skip
        _refuse_unseen(targets, edit)
        wanted = [*edit.ids, *targets]
        rows = rows_lock(kin_ids(wanted) if edit.is_matching else wanted)
        _refuse_gone(rows, wanted)
        _refuse_stale(rows, changes)
        if not edit.is_matching:
            _refuse_turned(rows, changes)
        for change in changes:
            _facts_change(rows[change.id], change, user=user, ledger=edit.ledger)
        if edit.is_matching:
            _matches_change(rows, changes, ledger=edit.ledger)
        news = edit.finish()
    return Changed([rows[key] for key in edit.ids], news)


def _matches(changes: Sequence[DamageChange]) -> bool:
    """Whether anything is said of families and first occurrences."""
    return any(name in change.values for change in changes for name in _MATCHES)


def _turning(changes: Sequence[DamageChange], standing: Mapping[UUID, bool]) -> list[UUID]:
    """The damages that may cease to stand by these changes, or stand again, so that a line may begin elsewhere."""
    return [
        change.id
        for change in changes
        if ("state" in change.values and (change.values["state"] != DamageState.REJECTED) != standing[change.id])
        or ("is_potential" in change.values and change.values["is_potential"] == standing[change.id])
    ]


# --- what may not be -------------------------------------------------------------------------------------------------


def _targets(changes: Sequence[DamageChange]) -> list[UUID]:
    """Damages that others are to be matched with."""
    named = [change.values.get(name) for change in changes for name in ("first_damage", "representative")]
    return list(dict.fromkeys(key for key in named if key is not None))


def _refuse_unseen(targets: Sequence[UUID], edit: Edit) -> None:
    others = [key for key in targets if key not in edit.image_sets]
    if not others:
        return
    rows = Damage.objects.of(edit.reach).visible().filter(pk__in=others).order_by()
    seen = set(rows.values_list("pk", flat=True))
    missing = [key for key in others if key not in seen]
    if missing:
        raise NotFound(f"Damages not found: {listed(missing)}.")


def _refuse_gone(rows: Mapping[UUID, Damage], wanted: Sequence[UUID]) -> None:
    """Somebody may have removed a damage before it was locked."""
    gone = [key for key in wanted if key not in rows or not is_living(rows[key])]
    if gone:
        raise NotFound(f"Damages not found: {listed(gone)}.")


def _refuse_stale(rows: Mapping[UUID, Damage], changes: Sequence[DamageChange]) -> None:
    stale = [rows[change.id] for change in changes if change.version not in {None, version_of(rows[change.id])}]
    if stale:
        raise conflict_about("Somebody else has changed this since.", stale)


def _refuse_turned(rows: Mapping[UUID, Damage], changes: Sequence[DamageChange]) -> None:
    """Somebody may have rejected a damage, or taken that back, before it was locked: its car is not locked then."""
    concerned = [rows[change.id] for change in changes]
    standing = {row.pk: stands(row.state, is_potential=row.is_potential) for row in concerned}
    turning = _turning(changes, standing)
    if turning:
        raise conflict_about("Somebody else has changed this since.", [rows[key] for key in dict.fromkeys(turning)])


# --- the row itself --------------------------------------------------------------------------------------------------


def _facts_change(row: Damage, change: DamageChange, *, user: User, ledger: Ledger) -> None:
    ledger.watch(row)
    values, category = change.values, row.category
    flags = flags_told(row, values)
    if "corners" in values:
        row.polygon = box_of(values["corners"], row, place=change.place)
    if "state" in values:
        verdict_set(row, state=DamageState(values["state"]), user=user)
    for name in _PLAIN:
        if name in values:
            setattr(row, name, values[name])
    flags_set(row, flags)
    _refuse_contradiction(row, change)
    ledger.record(row, _action_of(row, values, had_category=category))


def _action_of(row: Damage, values: Mapping[str, Any], *, had_category: str) -> Action:
    """The word for what was done: the weightiest of several."""
    if "state" in values:
        return _ACTIONS[values["state"]]
    if row.category != had_category:
        return Action.CATEGORY
    return Action.OUTLINE if "corners" in values else Action.UPDATED


def box_of(corners: Sequence[Point], row: Damage, *, place: str) -> list[list[float]]:
    """A polygon from corners in pixels of the row's photo; Invalid names the place of impossible ones."""
    try:
        polygon = box_from_pixels(corners, width=row.image_width, height=row.image_height)
    except PolygonError as error:
        raise Invalid(f"{place}.points: {error}", {f"{place}.points": [str(error)]}) from error
    return [[x, y] for x, y in polygon]


def flags_told(row: Damage, values: Mapping[str, Any]) -> dict[str, dict[str, bool]]:
    """The flags of a row as they are to be, for the kinds of flags that `values` changes.

    Confirming a damage takes back why it was none, and the other way round, unless both are given.
    """
    told = {name: none() | getattr(row, name) | values[name] for name, none in _FLAGS.items() if name in values}
    for name, other in (("true_positives", "false_positives"), ("false_positives", "true_positives")):
        if other not in told and any(told.get(name, {}).values()) and any(getattr(row, other).values()):
            told[other] = _FLAGS[other]()
    return told


def flags_set(row: Damage, told: Mapping[str, dict[str, bool]]) -> None:
    """Write the flags; the category follows what people confirm. The row is not saved."""
    for name, flags in told.items():
        setattr(row, name, flags)
    confirmed = [word for word in DamageCategory if told.get("true_positives", {}).get(word)]
    if confirmed and row.category not in confirmed:
        row.category = confirmed[0]


def _refuse_contradiction(row: Damage, change: DamageChange) -> None:
    """400 for what the change itself says, 409 for what it would make of the damage as it is."""
    reason = contradiction(row)
    if not reason:
        return
    if "state" in change.values:
        raise Invalid(f"{change.place}: {reason}", {change.place: [reason]})
    raise conflict_about(f"{reason} Say the state too.", [row])


def contradiction(row: Damage) -> str:
    """What is wrong with state and flags together; empty if nothing is."""
    if row.state == DamageState.ACCEPTED and any(row.false_positives.values()):
        return "An accepted damage has no false positives."
    if row.state == DamageState.ACCEPTED and row.is_potential:
        return "An accepted damage is not a potential one."
    if row.state == DamageState.REJECTED and any(row.true_positives.values()):
        return "A rejected damage has no true positives."
    if any(row.true_positives.values()) and any(row.false_positives.values()):
        return "A damage has true positives or false ones."
    return ""


# --- families and first occurrences ----------------------------------------------------------------------------------


def _matches_change(rows: Mapping[UUID, Damage], changes: Sequence[DamageChange], *, ledger: Ledger) -> None:
    kinship = kinship_of(rows.values())
    for change in changes:
        values = change.values
        if "representative" in values:
            _matched(change, rows, values["representative"], kinship.represent)
        if "first_damage" in values:
            _refuse_other_car(change, rows)
            _matched(change, rows, values["first_damage"], kinship.attach)
    action = Action.MATCHED if _matches(changes) else Action.SETTLED
    ties_write(kinship.changes(), rows, ledger=ledger, action=action)
    for change in changes:
        if "family_reviewed" in change.values:
            _family_review(kinship, rows, change, ledger=ledger)


def _matched(
    change: DamageChange, rows: Mapping[UUID, Damage], target: UUID | None, match: Callable[[UUID, UUID | None], None]
) -> None:
    try:
        match(change.id, target)
    except KinshipError as error:
        raise conflict_about(str(error), [rows[change.id]]) from error


def _refuse_other_car(change: DamageChange, rows: Mapping[UUID, Damage]) -> None:
    first = change.values["first_damage"]
    if first is None:
        return
    row, target = rows[change.id], rows[first]
    if row.car_id is None or row.car_id != target.car_id:
        raise conflict_about("A first occurrence is a damage of the same car.", [row])


def _family_review(kinship: Kinship, rows: Mapping[UUID, Damage], change: DamageChange, *, ledger: Ledger) -> None:
    for key in sorted(kinship.family_of(change.id)):
        row = rows[key]
        if is_living(row):
            ledger.watch(row)
            row.family_reviewed = change.values["family_reviewed"]
            ledger.record(row, Action.UPDATED)
