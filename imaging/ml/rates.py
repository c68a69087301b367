"""Shares that were counted, with what the count lets us say about them."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

#: Below so many cases an interval is wider than any decision needs: the number is shown, a verdict is not.
FEW: Final = 30
#: 95 % of a normal distribution lie within so many standard deviations.
_DEVIATIONS: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `count` cases."""

    hits: int
    count: int

    @property
    def value(self) -> float | None:
        """The share, 0..1; None where there was no case."""
        return self.hits / self.count if self.count else None

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return wilson(self.hits, self.count)[0]

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return wilson(self.hits, self.count)[1]

    @property
    def percent(self) -> str:
        """The share as people read it; "" where there was no case."""
        return "" if self.value is None else f"{100 * self.value:.1f} %"

    @property
    def interval(self) -> str:
        """The interval as people read it."""
        return f"{100 * self.low:.0f} to {100 * self.high:.0f} %"

    @property
    def is_few(self) -> bool:
        """Whether there are too few cases to say."""
        return self.count < FEW


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927), 0..1; (0, 1) where nothing was counted.

    Raises ValueError unless 0 <= hits <= count.
    """
    if not 0 <= hits <= count:
        raise ValueError(f"{hits} of {count} is no share.")
    if not count:
        return 0.0, 1.0
    share, square = hits / count, _DEVIATIONS**2
    middle = share + square / (2 * count)
    spread = _DEVIATIONS * sqrt(share * (1 - share) / count + square / (4 * count**2))
    scale = 1 + square / count
    # At 0 and at all the formula is exact; in floating point it may miss by a last digit.
    low = 0.0 if hits == 0 else max(0.0, (middle - spread) / scale)
    high = 1.0 if hits == count else min(1.0, (middle + spread) / scale)
    return min(low, share), max(high, share)
