"""What a model hands back: plain, frozen facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

# From this share on a cell belongs to the car.
HALF: Final = 0.5
# Left, top, right and bottom edge, 0..1 of the image.
Box = tuple[float, float, float, float]


def box_of(soft: npt.NDArray[np.float32]) -> Box | None:
    """Return the box of the car in a soft mask, (rows, columns) 0..1, over an image; None without a car."""
    rows, columns = np.nonzero(soft >= HALF)
    if not len(rows):
        return None
    high, wide = soft.shape
    return columns.min() / wide, rows.min() / high, (columns.max() + 1) / wide, (rows.max() + 1) / high


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a model saw.

    `label`: a word of the model's own, see its card. `score`: 0..1. `polygon`: three or more points (x, y), 0..1 of
    the image's width and height, origin top left.
    """

    label: str
    score: float
    polygon: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """All that `model` in `version` saw on an image of `width` x `height` pixels, best score first."""

    model: str
    version: str
    width: int
    height: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader read on a plate's crop.

    `text`: A-Z, 0-9 and `_` for a character that was seen but could not be read, no separators; empty for a crop
    without text. `characters`: each character of the text with its confidence, 0..1, left to right. `score`: the
    least of those confidences, 0 where there are none.
    """

    text: str
    score: float
    characters: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Mask:
    """Where the main car is on an image of `width` x `height` pixels.

    `soft`: (rows, columns) float32, 0..1, how much of each cell the car covers; the cells part the whole image evenly,
    whatever its shape, so they need not be square; all zero when there is no car. `score`: 0..1, how sure the model is
    of what it shows, 0 without a car.
    """

    model: str
    version: str
    width: int
    height: int
    soft: npt.NDArray[np.float32]
    score: float

    @property
    def area(self) -> float:
        """Share of the image that the car covers, 0..1."""
        return float(self.soft.mean())

    @property
    def box(self) -> Box | None:
        """The car's box; None without a car."""
        return box_of(self.soft)

    @property
    def cut(self) -> frozenset[str]:
        """Edges of the image that the car runs over: "left", "top", "right", "bottom"."""
        inside = self.soft >= HALF
        edges = {"left": inside[:, 0], "top": inside[0], "right": inside[:, -1], "bottom": inside[-1]}
        return frozenset(name for name, cells in edges.items() if cells.any())

    def at(self, width: int, height: int) -> npt.NDArray[np.float32]:
        """Return the soft mask as (height, width), for example at the image's own size or that of a map over it."""
        picture = Image.fromarray(self.soft).resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(picture, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class View:
    """From which side the main car on an image of `width` x `height` pixels is seen, and its wheels.

    `view`: one of the model's labels; `confidence`: calibrated chance that it is right, 0..1; `chances`: every view
    with its chance, best first, in all 1. `vehicle`: chance that a car is there, whole enough to say its side, 0..1;
    when it is low the values before mean little. `wheels`: the tyres, best first, each a box of four corners.
    `present`: chance that a vehicle is there or a part of one, 0..1. `coarse`: (rows, columns) float32, 0..1, how much
    of each cell the car covers, roughly; the cells part the whole image evenly.
    """

    model: str
    version: str
    width: int
    height: int
    view: str
    confidence: float
    chances: tuple[tuple[str, float], ...]
    vehicle: float
    wheels: tuple[Finding, ...]
    present: float
    coarse: npt.NDArray[np.float32]
