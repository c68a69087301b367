"""The retry schedule, as a rule over numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tenants.services.retries import INTERRUPTIONS, may_resume, retry_at

START = datetime(2026, 1, 1, tzinfo=UTC)
schedules = st.lists(st.integers(min_value=0, max_value=30 * 86400), max_size=8)


@given(schedules)
def test_a_schedule_of_n_delays_makes_n_plus_one_tries_at_exactly_those_distances(delays: list[int]) -> None:
    moments = [START]
    while (after := retry_at(attempts=len(moments), delays=delays, failed_at=moments[-1])) is not None:
        moments.append(after)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    assert gaps == delays


@given(schedules, st.integers(min_value=1, max_value=20))
def test_a_retry_is_never_before_the_failure_and_none_follows_the_end(delays: list[int], attempts: int) -> None:
    after = retry_at(attempts=attempts, delays=delays, failed_at=START)
    assert (after is None) == (attempts > len(delays))
    assert after is None or after >= START


@given(schedules)
def test_interrupted_tries_are_resumed_to_the_end_of_the_schedule_but_not_for_ever(delays: list[int]) -> None:
    resumed = 0
    while may_resume(attempts=resumed + 1, delays=delays):
        resumed += 1
    assert resumed == len(delays) + INTERRUPTIONS


def test_two_retries_an_hour_apart() -> None:
    hour = timedelta(hours=1)
    assert retry_at(attempts=1, delays=[3600, 3600], failed_at=START) == START + hour
    assert retry_at(attempts=2, delays=[3600, 3600], failed_at=START) == START + hour
    assert retry_at(attempts=3, delays=[3600, 3600], failed_at=START) is None
