"""One measured figure, and the arithmetic all benchmarks share."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """`ratio` decides: ours divided by the peer's, in the sense the goal names. The rest tells how it came about."""

    name: str
    ratio: float | None
    goal: str
    met: bool | None
    detail: str

    def as_json(self) -> dict[str, Any]:
        """The figure as plain JSON."""
        return asdict(self)


def not_measured(name: str, goal: str, why: str) -> Figure:
    """A figure that could not be taken here, with the reason."""
    return Figure(name=name, ratio=None, goal=goal, met=None, detail=f"not measured: {why}")


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def paired(ours: Callable[[], object], peer: Callable[[], object], *, rounds: int) -> tuple[float, float, float]:
    """Run both in turn; medians of ours and of the peer in seconds, and the median of ours / peer pair by pair."""
    pairs = [(seconds(ours), seconds(peer)) for _ in range(rounds)]
    ratio = statistics.median(mine / theirs for mine, theirs in pairs)
    return statistics.median(mine for mine, _ in pairs), statistics.median(theirs for _, theirs in pairs), ratio


@contextmanager
def clock(into: list[float]) -> Iterator[None]:
    """Append the wall time of the block."""
    started = time.perf_counter()
    yield
    into.append(time.perf_counter() - started)
