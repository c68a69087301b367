"""Which sightings are one damage: a family within a set, a line over time. Pure, no Django.

A family is the sightings of a damage in one set; one of them represents it. A line is the families of the same damage
in sets of one car; its first occurrence is the earliest family. Rows keep both as pointers: `representative` (None: it
represents itself) and `first` (the representative of the first occurrence, None within that family). Whatever is done
here, the pointers that come out obey these rules: families and lines are partitions, a family stays within a set, a
line has at most one family of a set, the first occurrence is the earliest family with a sighting that stands, and a
pointer leads to a row that is nobody's follower.

Sightings that are gone (deleted, or their photo or set) stay in family and line, but represent nothing that lives: so
that one which comes back has its place, as the first occurrence if it is the earliest. The same goes for what people
rejected, and for what is doubtful: it was no damage, so the damage was first seen in the next earliest set where it
stands, and there a car's list shows it. Where nothing of a line stands, the doubtful come before the rejected, and
these before those that are gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID


class KinshipError(ValueError):
    """A match that cannot be."""


class Standing(IntEnum):
    """What a sighting is worth as an occurrence of its damage, the best first."""

    STANDS = 0
    DOUBTFUL = 1
    REJECTED = 2
    GONE = 3


class Ties(NamedTuple):
    """The two pointers of a row."""

    representative: UUID | None
    first: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """A sighting as matching sees it.

    `moment` orders the sets: when it was recorded, then when it was entered. `rank` orders the sightings of a family,
    the best one (to represent it) smallest; both must tell any two apart.
    """

    id: UUID
    image_set: UUID
    moment: tuple[datetime, datetime, str]
    rank: tuple[float | str, ...]
    standing: Standing
    ties: Ties

    @property
    def is_living(self) -> bool:
        """Whether it is not gone."""
        return self.standing is not Standing.GONE


@dataclass(eq=False, slots=True)
class _Family:
    members: set[UUID]
    head: UUID


class Kinship:
    """The families and lines of some rows: of each line all of its rows."""

    def __init__(self, rows: Iterable[Kin], *, ties: Mapping[UUID, Ties] | None = None) -> None:
        """Read the pointers of the rows; `ties` holds those to be read in place of the rows' own."""
        self._rows = {row.id: row for row in rows}
        self._family: dict[UUID, _Family] = {}
        self._line: dict[_Family, set[_Family]] = {}
        told = {row.id: (ties or {}).get(row.id, row.ties) for row in self._rows.values()}
        self._read_families(told)
        for key, pointers in told.items():
            if pointers.first in self._rows:
                self._unite(key, pointers.first)

    # --- what may be done ---

    def merge(self, ids: Iterable[UUID]) -> None:
        """These sightings, and all that they were matched with, are one damage."""
        one, *others = ids
        for other in others:
            self._unite(one, other)
        self._join_within_sets(one)

    def attach(self, key: UUID, first: UUID | None) -> None:
        """The sighting's family is the same damage as the earlier `first`; None: it is seen for the first time.

        Raises KinshipError for a sighting of its own set, for one that is not earlier, and for one that would not be
        the first occurrence, since the sighting stands and the earlier one does not.
        """
        family = self._family[key]
        if first is None:
            if family is not self._first(family):
                self._leave(family)
            return
        target = self._family[first]
        if self._set_of(target) == self._set_of(family):
            raise KinshipError("Sightings of one set share a representative, not a first occurrence.")
        self._refuse_later(family, target)
        if target not in self._line[family] and family is not self._first(family):
            self._leave(family)
        self._unite(key, first)
        self._join_within_sets(key)

    def represent(self, key: UUID, representative: UUID | None) -> None:
        """The sighting belongs to the family of `representative`, which represents it if it was of that family already.

        None: it is a damage of its own. Raises KinshipError for a representative in another set.
        """
        family = self._family[key]
        if representative is None:
            self._part(key)
            return
        target = self._family[representative]
        if self._set_of(target) != self._set_of(family):
            raise KinshipError("A representative is a sighting of the same image set.")
        if target is family:
            family.head = representative
        elif len(family.members) == 1:
            self.merge([representative, key])
        else:
            self._part(key)
            self.merge([representative, key])

    # --- what comes out ---

    def changes(self) -> dict[UUID, Ties]:
        """The pointers that differ from the rows' own."""
        found = {}
        for family in self._line:
            first = self._first(family)
            for key in family.members:
                ties = Ties(
                    None if key == self._head(family) else self._head(family),
                    None if first is family else self._head(first),
                )
                if ties != self._rows[key].ties:
                    found[key] = ties
        return found

    def family_of(self, key: UUID) -> frozenset[UUID]:
        """The ids of the sighting's family."""
        return frozenset(self._family[key].members)

    # --- how ---

    def _read_families(self, told: Mapping[UUID, Ties]) -> None:
        grouped: defaultdict[UUID, set[UUID]] = defaultdict(set)
        for key in told:
            grouped[_root(key, told)].add(key)
        for head, members in grouped.items():
            self._found(_Family(members, head))

    def _found(self, family: _Family) -> None:
        """A family that stands alone."""
        self._line[family] = {family}
        self._family.update(dict.fromkeys(family.members, family))

    def _unite(self, one: UUID, other: UUID) -> None:
        line = self._line[self._family[one]] | self._line[self._family[other]]
        self._line.update(dict.fromkeys(line, line))

    def _leave(self, family: _Family) -> None:
        """Take a family out of its line."""
        rest = self._line[family] - {family}
        self._line.update(dict.fromkeys(rest, rest))
        self._line[family] = {family}

    def _part(self, key: UUID) -> None:
        """Take a sighting out of its family, to be a damage of its own; one that is alone stays as it is."""
        family = self._family[key]
        if len(family.members) == 1:
            return
        family.members.discard(key)
        if family.head == key:
            family.head = min(family.members, key=self._order)
        self._found(_Family({key}, key))

    def _join_within_sets(self, key: UUID) -> None:
        """Of each set a line has one family."""
        by_set: defaultdict[UUID, list[_Family]] = defaultdict(list)
        for family in self._line[self._family[key]]:
            by_set[self._set_of(family)].append(family)
        for families in by_set.values():
            if len(families) > 1:
                self._join(families)

    def _join(self, families: list[_Family]) -> None:
        line = self._line[families[0]]
        joined = _Family(
            {key for family in families for key in family.members},
            min((family.head for family in families), key=self._order),
        )
        for family in families:
            line.discard(family)
            del self._line[family]
        line.add(joined)
        self._line[joined] = line
        self._family.update(dict.fromkeys(joined.members, joined))

    def _order(self, key: UUID) -> tuple[bool, tuple[float | str, ...]]:
        """Living ones first, then the best."""
        row = self._rows[key]
        return not row.is_living, row.rank

    def _head(self, family: _Family) -> UUID:
        """The representative: as it was, unless it is gone and another one lives."""
        if not self._rows[family.head].is_living and self._lives(family):
            family.head = min(family.members, key=self._order)
        return family.head

    def _first(self, family: _Family) -> _Family:
        """The first occurrence of the family's line."""
        return min(self._line[family], key=self._precedence)

    def _precedence(self, family: _Family) -> tuple[Standing, tuple[datetime, datetime, str], tuple[float | str, ...]]:
        """What makes a family the first occurrence of its line: it stands, and is the earliest that does."""
        return self._standing(family), self._moment(family), self._rows[family.head].rank

    def _refuse_later(self, family: _Family, target: _Family) -> None:
        """Raise KinshipError unless the target's line begins, or would begin, before the family."""
        first, moment = self._first(target), self._moment(family)
        if min(self._moment(first), self._moment(target)) > moment:
            raise KinshipError("The first occurrence must be of an earlier image set.")
        if min(first, family, key=self._precedence) is family:
            reason = (
                "was rejected or is doubtful" if self._moment(target) < moment else "must be of an earlier image set"
            )
            raise KinshipError(f"The first occurrence {reason}.")

    def _standing(self, family: _Family) -> Standing:
        return min(self._rows[key].standing for key in family.members)

    def _lives(self, family: _Family) -> bool:
        return self._standing(family) is not Standing.GONE

    def _set_of(self, family: _Family) -> UUID:
        return self._rows[family.head].image_set

    def _moment(self, family: _Family) -> tuple[datetime, datetime, str]:
        return self._rows[family.head].moment


def _root(key: UUID, told: Mapping[UUID, Ties]) -> UUID:
    """The end of a row's chain of representatives: one step, unless somebody wrote around this module."""
    passed = {key}
    while (above := told[key].representative) is not None and above in told and above not in passed:
        key = above
        passed.add(key)
    return key
