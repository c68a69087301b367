"""Claiming the next manual job at 100,000 image sets: what is measured, and the goal."""

from __future__ import annotations

from typing import Final

SETS: Final = 100_000
FEW: Final = 1_000
CLAIMS: Final = 200
GOAL_MS: Final = 10.0
NAME: Final = f"claim of the next job at {SETS:,} sets / bare SELECT + UPDATE"
GOAL: Final = f"median < {GOAL_MS:g} ms, same queries at {FEW:,}"
