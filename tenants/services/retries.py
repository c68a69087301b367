"""When a delivery is tried again: pure rules over numbers and times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

#: Claims beyond the schedule that a delivery gets when its worker vanished during the last try.
INTERRUPTIONS: Final = 2


def retry_at(*, attempts: int, delays: Sequence[int], failed_at: datetime) -> datetime | None:
    """When to try again after failed try number `attempts` (from 1); None when the schedule is at its end.

    `delays` are the seconds before the second try, the third, and so on: n delays allow n + 1 tries.
    """
    if attempts > len(delays):
        return None
    return failed_at + timedelta(seconds=delays[attempts - 1])


def may_resume(*, attempts: int, delays: Sequence[int]) -> bool:
    """Whether a try whose worker vanished is made once more; it counts as one, but the last one is not lost by it.

    The bound keeps a message that kills its worker from being taken up for ever.
    """
    return attempts <= len(delays) + INTERRUPTIONS
