"""Saying that damages are one and the same, and taking it back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction

from damages.kinship import Ties
from damages.models import Action, Damage, DamageDecision, Source
from damages.services.edits import Edit, conflict_about
from damages.services.manual import edits_begin
from damages.services.matching import kin_ids, kinship_of, rows_lock, ties_of, ties_write
from damages.services.records import MATCHING, TIES, facts_of
from tenants.errors import Conflict, Invalid
from tenants.models import User
from tenants.scope import Reach

#: A merge is of at least so many damages.
FEWEST: Final = 2
#: Keys in the records of a merge and of its undoing: the merge's own id.
_MERGE: Final = "merge"
_UNDOES: Final = "undoes"
#: The columns of a row's pointers, in the order of Ties.
_POINTERS: Final = ("representative_id", "first_damage_id")
_OTHERWISE: Final = "These damages were matched otherwise since they were merged."


def damages_merge(*, user: User, ids: Sequence[UUID], reach: Reach, step: Source) -> None:
    """Make damages one: a family within a set, and across sets the earliest as the first occurrence of the others.

    What they were matched with before comes along. Damages of one set, or of one car; Conflict for others, and while
    a set whose damages change is held by somebody else or was reviewed: the earlier sets stay as they are, so they
    are not asked. Damages that are one already change and record nothing. Raises Invalid, NotFound, Forbidden.
    """
    if len(set(ids)) < FEWEST:
        reason = f"At least {FEWEST} different damages are needed."
        raise Invalid(f"damages: {reason}", {"damages": [reason]})
    with transaction.atomic():
        edit = Edit.begin(user=user, ids=ids, reach=reach, step=step, is_matching=True, lazily=True)
        rows = rows_lock(kin_ids(edit.ids))
        _refuse_strangers([rows[key] for key in edit.ids])
        kinship = kinship_of(rows.values())
        kinship.merge(edit.ids)
        changes = kinship.changes()
        edit.refuse(key for key in edit.ids if not kinship.family_of(key).isdisjoint(changes))
        if changes:
            _record_merge(edit, rows, changes)
        edit.finish()


def damages_unmerge(*, user: User, damage: Damage, reach: Reach, step: Source) -> list[Damage]:
    """Take back the last merge of a damage, or of one it is one with; again for the merge before.

    What merely followed since (one was removed or rejected, so that another came first) is not in the way. Returns the
    damages whose family or first occurrence changed. Raises NotFound, Forbidden, and Conflict when there is nothing to
    take back, when something else was matched since, or when a set concerned may not be changed now.
    """
    with transaction.atomic():
        edit = Edit.begin(user=user, ids=[damage.pk], reach=reach, step=step, is_matching=True, lazily=True)
        kin = kin_ids(edit.ids)
        merge, records = _last_merge(kin)
        refused = edits_begin(user=user, image_set_ids=_image_sets(merge, records), reach=reach)
        for reason in refused.values():
            raise Conflict(reason)
        rows = rows_lock(kin)
        before = _ties_before(records, rows)
        changes = kinship_of(rows.values(), ties=before).changes()
        # Those that the merge left as they were know of its end too: nothing else may lead from them to the others.
        told = {key: ties_of(rows[key]) for key in before} | changes
        ties_write(told, rows, ledger=edit.ledger, action=Action.UNMERGED, always=True, note={_UNDOES: merge})
        edit.finish()
    return [rows[key] for key in sorted(changes)]


def _refuse_strangers(rows: Sequence[Damage]) -> None:
    """Raise Conflict unless the damages are of one set or of one car."""
    cars = {row.car_id for row in rows}
    if len({row.image_set_id for row in rows}) > 1 and (len(cars) > 1 or None in cars):
        reason = "Damages of different cars cannot be one." if len(cars) > 1 else "Whose car it is, is not known yet."
        raise conflict_about(reason, rows)


def _record_merge(edit: Edit, rows: Mapping[UUID, Damage], changes: Mapping[UUID, Ties]) -> None:
    """Write the pointers. Those asked for are merged, changed or not; what follows for others is theirs as a match."""
    merge = {_MERGE: str(uuid4())}
    asked = {key: changes.get(key, ties_of(rows[key])) for key in edit.ids}
    others = {key: ties for key, ties in changes.items() if key not in asked}
    ties_write(others, rows, ledger=edit.ledger, action=Action.MATCHED, note=merge)
    ties_write(asked, rows, ledger=edit.ledger, action=Action.MERGED, always=True, note=merge)


def _last_merge(kin: Collection[UUID]) -> tuple[str, list[DamageDecision]]:
    """The id of the last standing merge among these damages; its records and those since, the newest first."""
    decisions = DamageDecision.objects.all_tenants("matches of damages that were reached").filter(
        damage__in=kin, action__in=MATCHING
    )
    found = list(decisions.select_related("damage").order_by("-created_at", "-id"))
    undone = {record.after[_UNDOES] for record in found if _UNDOES in record.after}
    standing = [
        record
        for record in found
        if not (record.action == Action.SETTLED or _UNDOES in record.after or record.after.get(_MERGE) in undone)
    ]
    if not standing:
        raise Conflict("There is no merge to take back.")
    merge = standing[0].after.get(_MERGE)
    if merge is None:
        raise Conflict(_OTHERWISE)
    end = max(place for place, record in enumerate(found) if record.after.get(_MERGE) == merge)
    return merge, found[: end + 1]


def _image_sets(merge: str, records: Sequence[DamageDecision]) -> set[UUID]:
    """The sets in which damages that were asked for were changed by the merge."""
    own = [record for record in records if record.after.get(_MERGE) == merge]
    return {record.damage.image_set_id for record in own if record.action == Action.MERGED and record.before}


def _ties_before(records: Sequence[DamageDecision], rows: Mapping[UUID, Damage]) -> dict[UUID, Ties]:
    """The pointers as they were before these records, the newest first; Conflict where they do not lead back."""
    ties = {record.damage_id: facts_of(rows[record.damage_id], TIES) for record in records}
    for record in records:
        now = ties[record.damage_id]
        if any(record.after[name] != now[name] for name in record.before):
            raise conflict_about(_OTHERWISE, [rows[record.damage_id]])
        now |= record.before
    return {key: Ties(*(_as_id(now[name]) for name in _POINTERS)) for key, now in ties.items()}


def _as_id(value: str | None) -> UUID | None:
    return UUID(value) if value else None
