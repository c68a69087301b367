"""What every change of several damages has in common: who may, on which sets, all or nothing, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from damages.models import Damage, Source
from damages.services.manual import edits_begin
from damages.services.matching import cars_lock, stands
from damages.services.records import Ledger, version_of
from damages.services.results import changes_tell
from damages.services.roles import role_permit
from tenants.errors import Conflict, NotFound
from tenants.models import Event, User
from tenants.scope import Reach

#: So many ids are named in a sentence; all of them are in the refusal's fields.
_NAMED: Final = 20


class Whereabouts(NamedTuple):
    """Where a damage is: its set, the set's tenant (None: nobody's yet) and car; and whether it stands."""

    image_set_id: UUID
    tenant_id: UUID | None
    car_id: UUID | None
    stands: bool


@dataclass(slots=True, kw_only=True)
class Edit:
    """A change of several damages under way, inside the caller's transaction.

    `ids` are those asked for, without repetitions and in their order; `tenant_ids` and `image_sets` (by damage) say
    where they are; `refused` are the sets that must not be changed now, with the reason. `is_matching`: the cars are
    locked, so that families and first occurrences may change.
    """

    user: User
    reach: Reach
    ids: list[UUID]
    tenant_ids: set[UUID]
    image_sets: dict[UUID, UUID]
    ledger: Ledger
    is_matching: bool
    refused: dict[UUID, str] = field(default_factory=dict)

    @classmethod
    def begin(
        cls, *, user: User, ids: Iterable[UUID], reach: Reach, step: Source,
        is_matching: bool | Callable[[Mapping[UUID, bool]], bool], lazily: bool = False,
        known: Mapping[UUID, Whereabouts] | None = None,
    ) -> Edit:  # fmt: skip
        """Find the damages, ask who may and lock what `is_matching` needs; four queries or five.

        `is_matching` may be asked of which of the damages stand. `lazily` leaves it to the caller to `refuse` the sets
        that really change. `known` is what `damages_find` said of them a moment ago. Raises NotFound naming what is
        not there for the person, Forbidden, Conflict.
        """
        wanted = list(dict.fromkeys(ids))
        found = damages_find(wanted, reach) if known is None else {key: known[key] for key in wanted}
        tenant_ids = {row.tenant_id for row in found.values() if row.tenant_id is not None}
        for tenant_id in sorted(tenant_ids):
            role_permit(user=user, role=step, tenant_id=tenant_id)
        if callable(is_matching):
            is_matching = is_matching({key: row.stands for key, row in found.items()})
        if is_matching:
            cars_lock(row.car_id for row in found.values())
        edit = cls(
            user=user, reach=reach, ids=wanted, tenant_ids=tenant_ids, ledger=Ledger(user=user, step=step),
            image_sets={key: row.image_set_id for key, row in found.items()}, is_matching=is_matching,
        )  # fmt: skip
        edit.refused = edits_begin(user=user, image_set_ids=set(edit.image_sets.values()), reach=reach)
        homeless = {row.image_set_id for row in found.values() if row.tenant_id is None}
        edit.refused |= dict.fromkeys(homeless, "A set that belongs to no tenant has no manual steps.")
        if not lazily:
            edit.refuse(wanted)
        return edit

    def refuse(self, ids: Iterable[UUID]) -> None:
        """Raise Conflict if a set of these damages must not be changed now, naming the damages and their versions."""
        barred = [key for key in ids if self.image_sets[key] in self.refused]
        if barred:
            reason = self.refused[self.image_sets[barred[0]]]
            raise conflict_about(reason, Damage.objects.of(self.reach).filter(pk__in=barred))

    def finish(self) -> Event | None:
        """Write what changed, and tell of it where a published result is outdated now: the event, if there is one."""
        self.ledger.write()
        return changes_tell(self.ledger.outdated, tenant_ids=self.tenant_ids)


def damages_find(ids: Sequence[UUID], reach: Reach) -> dict[UUID, Whereabouts]:
    """Where these damages are; NotFound names those that are not there within reach."""
    rows = Damage.objects.of(reach).visible().filter(pk__in=ids).order_by()
    columns = rows.values_list("pk", "image_set", "image_set__tenant", "car", "state", "is_potential")
    found = {
        key: Whereabouts(image_set, tenant_id, car_id, stands(state, is_potential=is_potential))
        for key, image_set, tenant_id, car_id, state, is_potential in columns
    }
    missing = [key for key in ids if key not in found]
    if missing:
        raise NotFound(f"Damages not found: {listed(missing)}.")
    return found


def conflict_about(reason: str, rows: Iterable[Damage]) -> Conflict:
    """A Conflict that names damages; its fields hold the current version of each."""
    versions = {str(row.pk): [version_of(row)] for row in rows}
    return Conflict(f"{reason} Concerned: {listed(list(versions))}.", versions)


def listed(ids: Sequence[object]) -> str:
    """Ids in a sentence, the first of many."""
    shown = ", ".join(map(str, ids[:_NAMED]))
    return shown if len(ids) <= _NAMED else f"{shown} and {len(ids) - _NAMED} more"
