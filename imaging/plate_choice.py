"""Which of the plates on a photo is that of the car it was taken for. Pure: no database, no Django.

A photo of a car may show other cars. The plate that stands out, by its size and by how near it is to the middle,
counts; of two that stand out alike neither does, and neither does a smaller one whose larger neighbour is unreadable.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from imaging.ml.types import Finding, Prediction, Reading

#: Plates of one photo that are read and stored, those that stand out most first.
PLATES_READ: Final = 4
#: Pixels of area below which four corners are no plate at all.
SMALLEST: Final = 1.0
#: What of its prominence a plate loses in the corner of the photo.
CORNER_LOSS: Final = 0.5
#: A second plate with this share of the first one's prominence stands out alike.
ALIKE: Final = 0.8
#: Characters of a registration number.
SHORTEST, LONGEST = 3, 12
#: Share of the characters that must be readable for a reading to be a vote.
LEGIBLE: Final = 0.5


class WhyNot(StrEnum):
    """Why a reading does not count for the car of its photo."""

    BESIDE = "beside"
    ALIKE = "alike"
    SMALL = "small"
    UNREAD = "unread"
    UNLIKE = "unlike"

    @property
    def words(self) -> str:
        """The reason as people read it."""
        return _WORDS[self]


_WORDS: Final = {
    WhyNot.BESIDE: "another plate stands out more",
    WhyNot.ALIKE: "two plates stand out alike",
    WhyNot.SMALL: "smaller than the capture set's smallest plate",
    WhyNot.UNREAD: "too little of it could be read",
    WhyNot.UNLIKE: "no registration number is that short or long",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plate on a photo: its area in pixels of the photo, and how much it stands out (area, less off the middle)."""

    finding: Finding
    area: float
    prominence: float


def candidates(said: Prediction) -> list[Candidate]:
    """The plates of a photo that are worth reading, the one that stands out most first, `PLATES_READ` at most."""
    found = (_candidate(finding, said.width, said.height) for finding in said.findings)
    seen = [one for one in found if one.area >= SMALLEST]
    return sorted(seen, key=lambda one: (-one.prominence, one.finding.polygon))[:PLATES_READ]


def why_not(plates: Sequence[Candidate], readings: Sequence[Reading], *, min_area: float) -> list[WhyNot | None]:
    """For each plate of a photo why its reading does not count; None for the one that does (at most one).

    `plates` as `candidates` gives them, `readings` of the same plates, `min_area` in pixels.
    """
    verdicts: list[WhyNot | None] = [WhyNot.BESIDE] * len(plates)
    if not plates:
        return verdicts
    alike = [one.prominence >= ALIKE * plates[0].prominence for one in plates]
    if len({reading.text for reading, is_alike in zip(readings, alike, strict=True) if is_alike}) > 1:
        return [WhyNot.ALIKE if is_alike else WhyNot.BESIDE for is_alike in alike]
    verdicts[0] = _why_not_a_vote(plates[0], readings[0], min_area)
    return verdicts


def _candidate(finding: Finding, width: int, height: int) -> Candidate:
    area = _area([(x * width, y * height) for x, y in finding.polygon])
    count = len(finding.polygon)
    middle_x = sum(x for x, _ in finding.polygon) / count
    middle_y = sum(y for _, y in finding.polygon) / count
    distance = min(1.0, math.hypot(middle_x - 0.5, middle_y - 0.5) / math.hypot(0.5, 0.5))
    return Candidate(finding, area, area * (1 - CORNER_LOSS * distance))


def _area(points: Sequence[tuple[float, float]]) -> float:
    """The area of a simple polygon (shoelace formula)."""
    following = [*points[1:], *points[:1]]
    return abs(sum(x * v - u * y for (x, y), (u, v) in zip(points, following, strict=True))) / 2


def _why_not_a_vote(plate: Candidate, reading: Reading, min_area: float) -> WhyNot | None:
    if plate.area < min_area:
        return WhyNot.SMALL
    legible = sum(character != "_" for character in reading.text)
    if not reading.text or legible < LEGIBLE * len(reading.text):
        return WhyNot.UNREAD
    return None if SHORTEST <= len(reading.text) <= LONGEST else WhyNot.UNLIKE
