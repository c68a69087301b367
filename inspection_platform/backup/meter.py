"""How far it is: told to whoever watches."""

from __future__ import annotations


class Meter:
    """Hears of progress and keeps it to itself; the commands show bars."""

    def begin(self, what: str, *, total: int | None, unit: str) -> None:
        """Something starts that takes `total` units (None: nobody knows)."""

    def step(self, amount: int) -> None:
        """So many units more are done."""
