"""From which side the main car is seen, where its wheels are, and roughly where it is itself.

The sides are the CAR'S OWN, as its driver says them: on `left` its front points to the left edge of the photo, on
`right` to the right edge. `front_left` shows its front and its left side, so that the side runs to the right of the
front; the other corners likewise. A corner is named where both faces are clear: the narrower of the two takes at least
a fifth of the car's width; else the view is that of the face that fills it.

Network in: (1, S, S, 3) float32 RGB 0..255, the whole photo stretched to a square. Out: (1, 10) float32, logits of the
eight views, of a car being there, whole enough to say its side, and of a vehicle or a part of one being there; and
(1, S / 8, S / 8, 5) float32, for each cell the chance of a tyre's centre, its shift right and down in cells, the
logarithm of the tyre's radius by the height, and how much of the cell the main car covers.
"""

from __future__ import annotations

import math
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from imaging.ml.card import Card
from imaging.ml.model import UInt8Image, image_check, squared
from imaging.ml.types import Finding, Prediction, View

FloatMap = npt.NDArray[np.float32]

# Around the car, each 45 degrees from its neighbours.
VIEWS: Final = ("front", "front_right", "right", "rear_right", "rear", "rear_left", "left", "front_left")
WHEEL: Final = "wheel"
STEP: Final = 45
# From so many degrees on a view is another side of the car, and not one seen a little askew.
CONTRARY: Final = 90
WHOLE: Final = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
# Places of the two chances behind the views, and of the car in a cell.
_SIDED, _PRESENT, _CAR = 8, 9, 4


class Runs(Protocol):
    """What is needed of a loaded network."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(1, S, S, 3)."""

    def run_all(self, batch: FloatMap) -> tuple[FloatMap, ...]:
        """Return the logits and the map of wheels of one photo, in any order."""


class ViewAndWheels:
    """See the card for thresholds and how far to trust it."""

    def __init__(self, card: Card, network: Runs) -> None:
        """`network` is the loaded file of `card`."""
        self.card, self.name, self.version = card, card.name, card.version
        self._network = network
        self._side = network.input_shape[1]

    def view(self, image: UInt8Image) -> View:
        """Return the view and the wheels on `image`, (H, W, 3) uint8 RGB of any size; ImageError otherwise."""
        width, height = image_check(image)
        logits, cells = self.look(image)
        return self.answer(logits, cells, width, height)

    def answer(self, logits: FloatMap, cells: FloatMap, width: int, height: int) -> View:
        """Return what the network's two answers say of a photo of `width` x `height` pixels."""
        chances = calibrated(logits[: len(VIEWS)], self.card.parameters["temperature"])
        ranked = sorted(zip(VIEWS, chances.tolist(), strict=True), key=lambda one: -one[1])
        sided, present = (_chance(float(logits[place])) for place in (_SIDED, _PRESENT))
        wheels = wheels_decode(cells, least=self.card.thresholds["wheel"], most=int(self.card.parameters["wheels"]))
        boxes = tuple(_boxed(one, width, height) for one in wheels)
        coarse = np.clip(cells[..., _CAR], 0.0, 1.0)
        return View(self.name, self.version, width, height, *ranked[0], tuple(ranked), sided, boxes, present, coarse)

    def predict(self, image: UInt8Image) -> Prediction:
        """Return the view as a finding over the whole photo, if a car is there, and the wheels."""
        seen = self.view(image)
        there = seen.vehicle >= self.card.thresholds["vehicle"]
        findings = (Finding(seen.view, seen.confidence, WHOLE), *seen.wheels) if there else ()
        ranked = tuple(sorted(findings, key=lambda finding: -finding.score))
        return Prediction(self.name, self.version, seen.width, seen.height, ranked)

    def contrary(self, seen: View, wanted: str) -> bool:
        """Say whether the photo surely shows a view 90 degrees or more away from `wanted`, one of VIEWS.

        Sure: a car is there, and the chances of all such views together reach the card's threshold `contrary`.
        """
        away = sum(chance for view, chance in seen.chances if degrees_apart(view, wanted) >= CONTRARY)
        thresholds = self.card.thresholds
        return seen.vehicle >= thresholds["vehicle"] and away >= thresholds["contrary"]

    def look(self, image: UInt8Image) -> tuple[FloatMap, FloatMap]:
        """Return the network's two answers: logits (10,) and the map of wheels and car (rows, columns, 5)."""
        found = self._network.run_all(squared(image, self._side)[None])
        logits, cells = sorted((one[0] for one in found), key=lambda one: one.ndim)
        return logits, cells


def degrees_apart(one: str, other: str) -> int:
    """Return by how many degrees two of VIEWS differ: 0, 45, 90, 135 or 180; ValueError for another word."""
    if strange := {one, other} - set(VIEWS):
        raise ValueError(f"not a view: {', '.join(sorted(strange))}")
    steps = abs(VIEWS.index(one) - VIEWS.index(other))
    return STEP * min(steps, len(VIEWS) - steps)


def calibrated(logits: npt.NDArray[Any], temperature: float) -> npt.NDArray[np.float64]:
    """Return chances that sum to 1, softened or sharpened (C. Guo et al., "On Calibration", 2017)."""
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max())
    return np.asarray(powers / powers.sum())


# A tyre: chance, centre (x, y) by the photo's width and height, radius by its height.
Wheel = tuple[float, float, float, float]


def wheels_decode(cells: FloatMap, *, least: float, most: int) -> list[Wheel]:
    """Return the tyres in a map of wheels, best first: cells surer than their neighbours, from the chance `least` on.

    A weaker one whose centre lies within a stronger tyre is left out; at most `most` are returned.
    """
    heat = cells[..., 0]
    rows, columns = np.nonzero(_peaks(heat) & (heat >= least))
    order = np.argsort(-heat[rows, columns], kind="stable")
    kept: list[Wheel] = []
    for row, column in zip(rows[order], columns[order], strict=True):
        wheel = _wheel(cells, int(row), int(column))
        if len(kept) < most and not any(_within(wheel, other) for other in kept):
            kept.append(wheel)
    return kept


def _peaks(heat: FloatMap) -> npt.NDArray[np.bool_]:
    """Which cells are no less sure than the eight around them."""
    padded = np.pad(heat, 1, constant_values=-np.inf)
    along = np.maximum(np.maximum(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    return np.asarray(heat >= np.maximum(np.maximum(along[:-2], along[1:-1]), along[2:]), dtype=bool)


def _chance(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(30.0, max(-30.0, logit))))


def _wheel(cells: FloatMap, row: int, column: int) -> Wheel:
    chance, right, down, size = (float(value) for value in cells[row, column, :_CAR])
    high, wide = cells.shape[:2]
    x, y = (column + 0.5 + right) / wide, (row + 0.5 + down) / high
    return min(1.0, chance), _unit(x), _unit(y), float(np.exp(np.clip(size, -6.0, 0.0)))


def _within(wheel: Wheel, other: Wheel) -> bool:
    return float(np.hypot(wheel[1] - other[1], wheel[2] - other[2])) < other[3]


def _boxed(wheel: Wheel, width: int, height: int) -> Finding:
    """The tyre as a box as wide as it is high: what is seen from aside is narrower."""
    chance, x, y, radius = wheel
    aside = radius * height / width
    left, right, top, bottom = (_unit(value) for value in (x - aside, x + aside, y - radius, y + radius))
    return Finding(WHEEL, chance, ((left, top), (right, top), (right, bottom), (left, bottom)))


def build(card: Card, network: Runs) -> ViewAndWheels:
    """Entry point of the registry."""
    return ViewAndWheels(card, network)


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))
