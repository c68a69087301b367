"""Progress on a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from inspection_platform.backup import Meter


class Bars(Meter):
    """One bar after the other on standard error; silent where nobody watches (no terminal)."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def begin(self, what: str, *, total: int | None, unit: str) -> None:
        """The next bar."""
        self._close()
        self._bar = tqdm(total=total, desc=what, unit=unit, unit_scale=True, disable=None)

    def step(self, amount: int) -> None:
        """Let the bar grow."""
        if self._bar is not None:
            self._bar.update(amount)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
