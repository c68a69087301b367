"""The pipeline's table."""

from __future__ import annotations

import ast

from hypothesis import given
from hypothesis import strategies as st

from imaging.pipeline import JOBS, PIPELINE, as_mapping, ready


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


def test_the_mapping_is_python() -> None:
    mapping = ast.literal_eval(as_mapping(["quality", "damage_detection"]))
    assert mapping == {("quality", "run"): [], ("damage_detection", "run"): [("quality", "run")]}
