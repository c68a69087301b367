"""Families and lines: the rules that the pointers obey whatever people match, remove and restore."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from damages.kinship import Kin, Kinship, KinshipError, Standing, Ties

ALONE = Ties(None, None)
START = datetime(2026, 1, 1, tzinfo=UTC)
Rows = dict[UUID, Kin]


def key(number: int) -> UUID:
    return UUID(int=number)


def kin(number: int, *, day: int, rank: float = 0.5, standing: Standing = Standing.STANDS, ties: Ties = ALONE) -> Kin:
    """Sighting `number`, in the set that was recorded on this day."""
    moment = (START + timedelta(days=day), START, str(key(1000 + day)))
    return Kin(
        id=key(number), image_set=key(1000 + day), moment=moment, rank=(rank, number), standing=standing, ties=ties
    )


def table(*rows: Kin) -> Rows:
    return {row.id: row for row in rows}


def applied(rows: Rows, changes: Mapping[UUID, Ties]) -> Rows:
    return {pk: replace(row, ties=changes.get(pk, row.ties)) for pk, row in rows.items()}


def merged(rows: Rows, *numbers: int) -> Rows:
    kinship = Kinship(rows.values())
    kinship.merge(key(number) for number in numbers)
    return applied(rows, kinship.changes())


def ties(rows: Rows, number: int) -> tuple[int | None, int | None]:
    """Representative and first occurrence by number."""
    found = rows[key(number)].ties
    return tuple(None if pk is None else pk.int for pk in found)  # type: ignore[return-value]


def check(rows: Rows) -> None:
    """The rules of the module."""
    lines: defaultdict[UUID, list[Kin]] = defaultdict(list)
    for row in rows.values():
        head = rows[row.ties.representative or row.id]
        assert head.ties.representative is None
        assert head.image_set == row.image_set
        assert head.ties.first == row.ties.first
        assert row.ties.first != row.id
        lines[head.ties.first or head.id].append(row)
    for first, members in lines.items():
        best = min(row.standing for row in members)
        assert rows[first].ties == ALONE
        heads: defaultdict[UUID, set[UUID]] = defaultdict(set)
        for row in members:
            heads[row.image_set].add(row.ties.representative or row.id)
        assert all(len(found) == 1 for found in heads.values())
        # Of those that stand the earliest, of the doubtful where none does, and so on.
        assert rows[first].moment == min(row.moment for row in members if row.standing == best)
        for row in members:
            assert rows[row.ties.representative or row.id].is_living or not row.is_living


def test_within_a_set_the_best_one_represents() -> None:
    rows = merged(table(kin(1, day=0, rank=0.7), kin(2, day=0, rank=0.2), kin(3, day=0)), 1, 2)
    assert [ties(rows, number) for number in (1, 2, 3)] == [(2, None), (None, None), (None, None)]


def test_across_sets_the_earliest_is_the_first_occurrence() -> None:
    rows = merged(table(kin(1, day=2), kin(2, day=0), kin(3, day=1)), 1, 3)
    assert [ties(rows, number) for number in (1, 2, 3)] == [(None, 3), (None, None), (None, None)]
    rows = merged(rows, 1, 2)
    assert [ties(rows, number) for number in (1, 2, 3)] == [(None, 2), (None, None), (None, 2)]


def test_what_was_matched_before_comes_along_and_meets_within_its_set() -> None:
    rows = table(kin(1, day=0), kin(2, day=1, rank=0.1), kin(3, day=0, rank=0.1), kin(4, day=1), kin(5, day=1))
    rows = merged(merged(merged(rows, 1, 2), 3, 4), 2, 4)
    assert [ties(rows, number) for number in (1, 2, 3, 4, 5)] == [
        (3, None),
        (None, 3),
        (None, None),
        (2, 3),
        (None, None),
    ]
    check(rows)


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("standing", [Standing.GONE, Standing.REJECTED, Standing.DOUBTFUL])
def test_an_occurrence_that_does_not_stand_makes_way_and_takes_its_place_again(
    standing: Standing, *, is_first: bool
) -> None:
    rows = merged(table(kin(1, day=0), kin(2, day=1), kin(3, day=2)), 1, 2, 3)
    gone = key(1 if is_first else 2)
    rows[gone] = replace(rows[gone], standing=standing)
    without = applied(rows, Kinship(rows.values()).changes())
    assert [ties(without, number)[1] for number in (1, 2, 3)] == ([2, None, 2] if is_first else [None, 1, 1])
    without[gone] = replace(without[gone], standing=Standing.STANDS)
    back = applied(without, Kinship(without.values()).changes())
    assert [ties(back, number)[1] for number in (1, 2, 3)] == [None, 1, 1]


def test_a_removed_representative_is_followed_by_the_best_left() -> None:
    rows = merged(table(kin(1, day=0, rank=0.1), kin(2, day=0, rank=0.9), kin(3, day=0, rank=0.5)), 1, 2, 3)
    rows[key(1)] = replace(rows[key(1)], standing=Standing.GONE)
    rows = applied(rows, Kinship(rows.values()).changes())
    assert [ties(rows, number)[0] for number in (1, 2, 3)] == [3, 3, None]


@pytest.mark.parametrize("standing", [Standing.REJECTED, Standing.DOUBTFUL])
def test_a_representative_that_does_not_stand_still_represents(standing: Standing) -> None:
    rows = merged(table(kin(1, day=0, rank=0.1), kin(2, day=0), kin(3, day=1)), 1, 2, 3)
    rows[key(1)] = replace(rows[key(1)], standing=standing)
    assert Kinship(rows.values()).changes() == {}, "one of its sightings stands, and lists show that one"
    rows[key(2)] = replace(rows[key(2)], standing=standing)
    rows = applied(rows, Kinship(rows.values()).changes())
    assert [ties(rows, number) for number in (1, 2, 3)] == [(None, 3), (1, 3), (None, None)]


def test_where_nothing_stands_the_doubtful_come_first_and_then_the_rejected() -> None:
    fates = (Standing.GONE, Standing.REJECTED, Standing.DOUBTFUL, Standing.DOUBTFUL)
    rows = table(*(kin(number, day=number, standing=fate) for number, fate in enumerate(fates, 1)))
    assert [ties(merged(rows, 1, 2, 3, 4), number)[1] for number in (1, 2, 3, 4)] == [3, 3, None, 3]
    assert [ties(merged(rows, 1, 2), number)[1] for number in (1, 2)] == [2, None]


def test_what_was_rejected_is_nobodys_first_occurrence() -> None:
    rows = table(kin(1, day=0, standing=Standing.REJECTED), kin(2, day=2), kin(3, day=1), kin(4, day=3))
    rows = merged(rows, 1, 2)
    assert [ties(rows, number)[1] for number in (1, 2)] == [2, None]
    for number, first in ((3, 1), (2, 1)):
        with pytest.raises(KinshipError, match="was rejected or is doubtful"):
            Kinship(rows.values()).attach(key(number), key(first))
    with pytest.raises(KinshipError, match="must be of an earlier image set"):
        Kinship(rows.values()).attach(key(3), key(2))
    kinship = Kinship(rows.values())
    kinship.attach(key(4), key(1))
    assert [ties(applied(rows, kinship.changes()), number)[1] for number in (1, 2, 4)] == [2, None, 2]


def test_first_occurrences_are_earlier_and_of_another_set() -> None:
    rows = table(kin(1, day=0), kin(2, day=1), kin(3, day=1), kin(4, day=2))
    for number, first in ((1, 2), (2, 3), (3, 4)):
        with pytest.raises(KinshipError):
            Kinship(rows.values()).attach(key(number), key(first))
    kinship = Kinship(rows.values())
    kinship.attach(key(4), key(2))
    kinship.attach(key(2), key(1))
    rows = applied(rows, kinship.changes())
    assert [ties(rows, number)[1] for number in (1, 2, 3, 4)] == [None, 1, None, 1]
    with pytest.raises(KinshipError):
        Kinship(rows.values()).attach(key(1), key(4))
    kinship = Kinship(rows.values())
    kinship.attach(key(2), None)
    assert kinship.changes() == {key(2): ALONE}
    kinship.attach(key(1), None)
    assert kinship.changes() == {key(2): ALONE}


def test_another_first_occurrence_takes_a_follower_from_its_line() -> None:
    rows = merged(table(kin(1, day=0), kin(2, day=0), kin(3, day=1), kin(4, day=2)), 1, 3, 4)
    kinship = Kinship(rows.values())
    kinship.attach(key(4), key(2))
    rows = applied(rows, kinship.changes())
    assert [ties(rows, number)[1] for number in (1, 2, 3, 4)] == [None, None, 1, 2]


def test_a_representative_may_be_chosen_left_and_joined() -> None:
    rows = merged(table(kin(1, day=0, rank=0.1), kin(2, day=0), kin(3, day=0), kin(4, day=0), kin(5, day=1)), 1, 2, 3)

    def after(number: int, representative: int | None) -> list[int | None]:
        kinship = Kinship(rows.values())
        kinship.represent(key(number), None if representative is None else key(representative))
        return [ties(applied(rows, kinship.changes()), each)[0] for each in (1, 2, 3, 4)]

    assert after(2, 2) == [2, None, 2, None]
    assert after(3, 2) == [2, None, 2, None]
    assert after(2, None) == [None, None, 1, None]
    assert after(1, None) == [None, None, 2, None]
    assert after(4, 3) == [None, 1, 1, 1]
    assert after(1, 4) == [None, None, 2, 1]
    assert after(4, None) == [None, 1, 1, None]
    with pytest.raises(KinshipError):
        Kinship(rows.values()).represent(key(1), key(5))


# --- whatever people do ----------------------------------------------------------------------------------------------

NUMBERS = range(9)
number = st.sampled_from(NUMBERS)
moves = st.one_of(
    st.tuples(st.just("merge"), st.lists(number, min_size=2, max_size=4)),
    st.tuples(st.just("attach"), st.tuples(number, st.none() | number)),
    st.tuples(st.just("represent"), st.tuples(number, st.none() | number)),
    st.tuples(st.just("fate"), st.tuples(number, st.sampled_from(Standing))),
)


def moved(rows: Rows, what: str, about: Any) -> Rows:
    """The rows after a move; a match that cannot be changes nothing."""
    kinship = Kinship(rows.values())
    if what == "fate":
        pk = key(about[0])
        rows = rows | {pk: replace(rows[pk], standing=about[1])}
        kinship = Kinship(rows.values())
    elif what == "merge":
        kinship.merge(key(each) for each in about)
    else:
        one, other = about
        try:
            getattr(kinship, what)(key(one), None if other is None else key(other))
        except KinshipError:
            return rows
    return applied(rows, kinship.changes())


@hypothesis_settings(deadline=None, max_examples=300)
@given(
    days=st.lists(st.integers(0, 3), min_size=len(NUMBERS), max_size=len(NUMBERS)),
    ranks=st.lists(st.floats(0, 1), min_size=len(NUMBERS), max_size=len(NUMBERS)),
    steps=st.lists(moves, max_size=12),
)
def test_the_rules_hold_whatever_is_done(days: list[int], ranks: list[float], steps: list[tuple[str, Any]]) -> None:
    rows = table(*(kin(number, day=days[number], rank=ranks[number]) for number in NUMBERS))
    for what, about in steps:
        rows = moved(rows, what, about)
        check(rows)
        assert Kinship(rows.values()).changes() == {}


@hypothesis_settings(deadline=None, max_examples=100)
@given(
    days=st.lists(st.integers(0, 3), min_size=len(NUMBERS), max_size=len(NUMBERS)),
    steps=st.lists(moves, max_size=6),
    last=st.lists(number, min_size=2, max_size=4),
)
def test_pointers_read_back_undo_a_merge(days: list[int], steps: list[tuple[str, Any]], last: list[int]) -> None:
    rows = table(*(kin(number, day=days[number]) for number in NUMBERS))
    for what, about in steps:
        rows = moved(rows, what, about)
    kinship = Kinship(rows.values())
    kinship.merge(key(each) for each in last)
    changes = kinship.changes()
    after = applied(rows, changes)
    back = Kinship(after.values(), ties={pk: rows[pk].ties for pk in changes}).changes()
    assert applied(after, back) == rows
