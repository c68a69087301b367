"""Anonymisation that checks itself: models find what must not be seen, it is covered, and the models look again.

Knows no Django: any job that publishes a picture may use it, for faces, plates or both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import shapely
from shapely.geometry.base import BaseGeometry

from imaging.ml.card import Card
from imaging.ml.model import UInt8Image
from imaging.ml.types import Finding, Prediction, Reading
from imaging.ops.anonymise import CELLS, Margin, Method, Outline, anonymise, grown, short_side
from imaging.ops.rectify import rectified

#: Detectors of faces outline them from brow to chin; hair and ears tell as well.
FACE_MARGIN: Final = Margin(share=0.25, px=2)
#: A plate's frame may stay, its last character must not.
PLATE_MARGIN: Final = Margin(share=0.15, px=2)
#: What scores at least this share of a detector's own threshold is covered too. The face detector's scores fall
#: steeply: on car photos without a face, half of it covers about four things each, this share less than one.
FACE_FLOOR: Final = 0.85
PLATE_FLOOR: Final = 0.5
#: As many characters of a plate tell whose it is.
READABLE: Final = 3
# A finding that lies in what is covered already to this share is that, not something new.
_SAME: Final = 0.7
# How far the quarters reach over the middle, as a share of a side: a plate on the middle line is whole in one of them.
_OVERLAP: Final = 0.1


class StillVisible(Exception):
    """Something can still be recognised on a picture that was to be published; `findings` tells what and where."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        """Keep the findings in `args` as well, so that the error survives pickling between processes."""
        super().__init__(findings)
        self.findings = tuple(findings)

    def __str__(self) -> str:
        """The kinds of things in words: `face, plate`."""
        return f"Still to be recognised: {', '.join(sorted({finding.label for finding in self.findings}))}."


class Proposer(Protocol):
    """A detector that can be asked for less certain findings too."""

    @property
    def card(self) -> Card:
        """Its card; `thresholds["score"]` is the threshold it is meant to be used at."""

    def propose(self, image: UInt8Image, *, floor: float) -> Prediction:
        """All findings with a score of at least `floor`."""


class Reader(Protocol):
    """What reads the text of a plate."""

    def read(self, crop: UInt8Image) -> Reading:
        """The text on an upright crop, (h, w, 3) uint8 RGB; `_` for a character that it is not sure of."""


class Finder(Protocol):
    """One kind of thing that must not be seen: how it is found, and when it counts as seen."""

    @property
    def looks(self) -> int:
        """How many different looks there are, the last being the most thorough."""

    def find(self, image: UInt8Image, *, look: int) -> Sequence[Finding]:
        """What there is on the picture in look 0, 1, ...; later looks than there are repeat the last."""

    def exposed(self, image: UInt8Image, found: Sequence[Finding], covered: Sequence[Finding]) -> list[Finding]:
        """What of a picture gives somebody away: of what was `found` on it, and of what was `covered` there before."""


@dataclass(frozen=True, slots=True)
class FaceFinder:
    """Faces: found somewhat below the detector's threshold, seen as long as it fires at its own."""

    detector: Proposer
    looks: int = 1

    def find(self, image: UInt8Image, *, look: int) -> Sequence[Finding]:
        """Less certain ones from the beginning: a second look that takes them would cover them anyway."""
        del look
        return self.detector.propose(image, floor=FACE_FLOOR * self.detector.card.thresholds["score"]).findings

    def exposed(self, image: UInt8Image, found: Sequence[Finding], covered: Sequence[Finding]) -> list[Finding]:
        """What the detector still calls a face with certainty; what was covered shows itself in `found` or not."""
        del image, covered
        return [finding for finding in found if finding.score >= self.detector.card.thresholds["score"]]


@dataclass(frozen=True, slots=True)
class PlateFinder:
    """Plates: found at the detector's threshold, then at half of it and at twice the scale; seen if they can be read.

    `read` (see `plate_text`) returns the text of the plate inside an outline, `_` for each character it is not sure of.
    A smear that still has the shape of a plate gives nobody away.
    """

    detector: Proposer
    read: Callable[[UInt8Image, Outline], str]
    looks: int = 2

    def find(self, image: UInt8Image, *, look: int) -> Sequence[Finding]:
        """Look 0: the photo as it is; look 1: what is less certain, and its quarters, where all is twice as large."""
        threshold = self.detector.card.thresholds["score"]
        if look == 0:
            return self.detector.propose(image, floor=threshold).findings
        floor = PLATE_FLOOR * threshold
        whole = self.detector.propose(image, floor=floor).findings
        return [*whole, *(finding for part in _quarters(image) for finding in self._in_part(image, part, floor))]

    def exposed(self, image: UInt8Image, found: Sequence[Finding], covered: Sequence[Finding]) -> list[Finding]:
        """Every plate, covered or not, of which READABLE characters can be read."""
        return [one for one in (*found, *covered) if _characters(self.read(image, one.polygon)) >= READABLE]

    def _in_part(self, image: UInt8Image, part: tuple[slice, slice], floor: float) -> list[Finding]:
        rows, columns = part
        height, width = image.shape[:2]
        crop = image[rows, columns]
        return [
            replace(finding, polygon=_moved(finding.polygon, crop, columns.start, rows.start, width, height))
            for finding in self.detector.propose(crop, floor=floor).findings
        ]


def plate_text(reader: Reader) -> Callable[[UInt8Image, Outline], str]:
    """What `reader` reads inside the four corners of a plate; nothing where the corners are not a pixel apart."""

    def read(image: UInt8Image, outline: Outline) -> str:
        height, width = image.shape[:2]
        corners = shapely.MultiPoint([(x * width, y * height) for x, y in outline])
        return "" if short_side(corners) <= 1 else reader.read(rectified(image, outline)).text

    return read


@dataclass(frozen=True, slots=True)
class Anonymised:
    """A picture fit to be seen: (H, W, 3) uint8, what was covered on it, and in how many passes."""

    image: UInt8Image
    covered: tuple[Finding, ...]
    passes: int


def anonymised(
    image: UInt8Image, *, finders: Sequence[Finder], margin: Margin, method: Method = Method.BLUR
) -> Anonymised:
    """Cover what `finders` find on `image`, (H, W, 3) uint8 RGB, until they find nothing more.

    Three passes at most, each stronger than the one before and the last a solid fill; each looks at what the one before
    has made. StillVisible if something can be recognised all the same. Pixels beyond the outlines, grown by `margin`,
    are those of `image`.
    """
    picture, covered, passes = image, list[Finding](), 0
    looks = max((finder.looks for finder in finders), default=1)
    for look, (way, cells) in enumerate(_steps(method)):
        left = [one for finder in finders for one in _left(picture, finder, covered, margin, look)]
        if left:
            outlines = [finding.polygon for finding in left]
            picture = anonymise(picture, outlines, method=way, margin=margin, cells=cells)
            covered += left
            passes += 1
        elif look + 1 >= looks:
            return Anonymised(picture, tuple(covered), passes)
    _check(picture, finders, covered, look=looks)
    return Anonymised(picture, tuple(covered), passes)


def _steps(method: Method) -> tuple[tuple[Method, int], ...]:
    """How each pass covers, and how many cells it leaves."""
    return ((method, CELLS), (method, max(1, CELLS - 1)), (Method.FILL, 1))


def _left(picture: UInt8Image, finder: Finder, covered: Sequence[Finding], margin: Margin, look: int) -> list[Finding]:
    """What is still to be covered: what was not covered before, and what was and did not help."""
    found = finder.find(picture, look=look)
    if not covered:
        return list(found)
    done = _painted(picture, covered, margin)
    fresh = [finding for finding in found if not _is_inside(picture, finding, done)]
    again = [finding for finding in found if finding not in fresh]
    return fresh + finder.exposed(picture, again, covered)


def _check(picture: UInt8Image, finders: Sequence[Finder], covered: Sequence[Finding], *, look: int) -> None:
    """StillVisible if a last look recognises something."""
    seen = [one for finder in finders for one in finder.exposed(picture, finder.find(picture, look=look), covered)]
    if seen:
        raise StillVisible(seen)


def _painted(picture: UInt8Image, covered: Sequence[Finding], margin: Margin) -> BaseGeometry:
    height, width = picture.shape[:2]
    return shapely.union_all([grown(one.polygon, width=width, height=height, margin=margin) for one in covered])


def _is_inside(picture: UInt8Image, finding: Finding, done: BaseGeometry) -> bool:
    height, width = picture.shape[:2]
    shape = grown(finding.polygon, width=width, height=height, margin=Margin())
    return bool(shape.intersection(done).area >= _SAME * shape.area)


def _characters(text: str) -> int:
    return sum(character != "_" for character in text)


def _quarters(image: UInt8Image) -> list[tuple[slice, slice]]:
    """Four parts (rows, columns) that overlap in the middle; the whole once for a photo too small to be cut."""
    rows, columns = (_halves(side) for side in image.shape[:2])
    return [(row, column) for row in rows for column in columns]


def _halves(side: int) -> tuple[slice, ...]:
    part = round(side * (0.5 + _OVERLAP))
    return (slice(0, part), slice(side - part, side)) if 0 < part < side else (slice(0, side),)


def _moved(
    polygon: Outline, crop: UInt8Image, left: int, top: int, width: int, height: int
) -> tuple[tuple[float, float], ...]:
    """A polygon in 0..1 of a crop as one of the photo (`width` x `height` px) that it was cut from at (left, top)."""
    return tuple(((left + x * crop.shape[1]) / width, (top + y * crop.shape[0]) / height) for x, y in polygon)
