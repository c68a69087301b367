"""Lists, jobs and decisions at the size of a fleet: how large, what is measured, and the goals."""

from __future__ import annotations

from typing import Final

TENANTS: Final = 50
SETS: Final = 100_000
FEW: Final = SETS // 10
#: The tenant that is timed has as many of them at both sizes: everybody else grows around it.
OWN_SETS: Final = SETS // TENANTS
DAMAGES_PER_SET: Final = 10
SETS_PER_CAR: Final = 20
ANNOTATORS: Final = 400

FLAT_GOAL: Final = 1.3
LIST_GOAL_MS: Final = 15.0
CLAIM_CLIENTS: Final = 8
SAVE_GOAL: Final = 150.0
SAVE_CLIENTS: Final = 4

NAME: Final = f"fleet of {SETS:,} image sets and {SETS * DAMAGES_PER_SET:,} damages of {TENANTS} tenants"
GOAL: Final = f"p95 <= {FLAT_GOAL:g} times that at {FEW:,}"
