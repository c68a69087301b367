"""Manual steps: the table of transitions."""

from __future__ import annotations

import itertools

import pytest

from damages.models import ManualStatus
from damages.states import NEXT, WAITING, status_checked, step_of
from tenants.errors import Conflict
from tests.damages.waiting import S

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("before", "after"), list(itertools.product(S, S)))
def test_only_transitions_of_the_table_are_legal(before: ManualStatus, after: ManualStatus) -> None:
    if after in NEXT[before]:
        assert status_checked(before, after) is after
    else:
        with pytest.raises(Conflict):
            status_checked(before, after)


def test_the_table_is_total_and_nothing_follows_itself() -> None:
    assert set(NEXT) == set(S)
    assert all(status not in NEXT[status] for status in S)
    assert {status for status in S if step_of(status)} == set(WAITING.values())


def test_no_way_leads_back_to_no_manual_work() -> None:
    assert all(S.NONE not in after for after in NEXT.values())
