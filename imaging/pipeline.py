"""The pipeline as a table: which jobs there are, where they run, and what each waits for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the table. `cluster` is where it runs: `ml` computes, `io` waits for others."""

    name: str
    cluster: str
    needs: tuple[str, ...]


#: In the order of their work. A job starts when all it needs are done or switched off.
PIPELINE: Final[tuple[Job, ...]] = (
    Job("fetch", "io", ()),
    Job("frames", "ml", ("fetch",)),
    Job("quality", "ml", ("frames",)),
    Job("face_blur", "ml", ("quality",)),
    # What follows it knows whose the set is, and what that tenant wants done.
    Job("plate_reading", "ml", ("quality",)),
    Job("damage_detection", "ml", ("quality", "plate_reading")),
    Job("damage_identification", "ml", ("damage_detection",)),
)

JOBS: Final[Mapping[str, Job]] = {job.name: job for job in PIPELINE}


def ready(settled: Collection[str], waiting: Collection[str]) -> list[str]:
    """Names of the waiting jobs whose needs are all settled, in the table's order."""
    return [job.name for job in PIPELINE if job.name in waiting and set(job.needs) <= set(settled)]
