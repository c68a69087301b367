"""The pipeline's table."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imaging.pipeline import JOBS, PIPELINE, ready


def test_a_job_only_needs_jobs_before_it() -> None:
    seen: set[str] = set()
    for job in PIPELINE:
        assert set(job.needs) <= seen
        seen.add(job.name)


def test_every_job_has_something_to_do() -> None:
    from inspection_platform.workflow import CALLABLES

    assert set(CALLABLES) == set(JOBS)


@given(st.sets(st.sampled_from(sorted(JOBS))))
def test_settling_what_is_ready_settles_everything(off: set[str]) -> None:
    settled, waiting = set(off), set(JOBS) - off
    while waiting:
        now = ready(settled, waiting)
        assert now, f"nothing is ready of {waiting}"
        settled |= set(now)
        waiting -= set(now)
