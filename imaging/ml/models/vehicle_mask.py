"""Where the main car is: a soft mask over the photo, of one car alone.

Network in: (1, S, S, 3) float32 RGB 0..255, the whole photo stretched to a square. Out: (1, S / 2, S / 2, 1) float32,
the chance of each cell to belong to the main car. A car that fills little of the photo gets a second look from nearer.
"""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from imaging.ml.card import Card
from imaging.ml.model import UInt8Image, image_check, squared
from imaging.ml.regions import regions_find
from imaging.ml.types import HALF, Box, Finding, Mask, Prediction, box_of

FloatMap = npt.NDArray[np.float32]
BoolMap = npt.NDArray[np.bool_]

WHOLE: Final[Box] = (0.0, 0.0, 1.0, 1.0)
_EIGHT: Final = np.ones((3, 3), dtype=bool)
# How far the mask may reach beyond where it is certain: cells in which the car's edge fades.
_FADE: Final = 3
# A second look's window by the car's longer side, both as shares of the photo.
ROOM: Final = 1.25
# Cells along a side of the mask of a photo that was looked at from near: more show nothing that was seen.
_FINEST: Final = 640


# Cells along a side of what an outline is drawn around, and by how many of them it may be off.
_OUTLINED: Final = 96
_STRAIGHT: Final = 0.7


class Runs(Protocol):
    """What is needed of a loaded network."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(1, S, S, 3)."""

    def run(self, batch: FloatMap) -> FloatMap:
        """Return the chances of one photo."""


class VehicleMask:
    """See the card for thresholds and how far to trust it."""

    def __init__(self, card: Card, network: Runs) -> None:
        """`network` is the loaded file of `card`."""
        self.card, self.name, self.version = card, card.name, card.version
        self._network = network
        self._side = network.input_shape[1]

    def mask(self, image: UInt8Image) -> Mask:
        """Return the soft mask of the main car on `image`, (H, W, 3) uint8 RGB of any size; ImageError otherwise.

        A mask whose car is smaller or less sure than the card's thresholds is empty.
        """
        width, height = image_check(image)
        soft = self.soft(image)
        certain = soft >= HALF
        score = float(soft[certain].mean()) if certain.any() else 0.0
        thresholds = self.card.thresholds
        if score < thresholds["score"] or soft.mean() < thresholds["area"]:
            return Mask(self.name, self.version, width, height, np.zeros_like(soft), 0.0)
        return Mask(self.name, self.version, width, height, soft, score)

    def predict(self, image: UInt8Image) -> Prediction:
        """Return the outline of the main car as the only finding; none when there is no car."""
        found = self.mask(image)
        return Prediction(self.name, self.version, found.width, found.height, self.outline(found))

    def outline(self, found: Mask) -> tuple[Finding, ...]:
        """Return the outline of what a mask shows as the only finding; none when that is no car."""
        if not found.score:
            return ()
        coarse = _coarse(found.soft)
        rows, columns = coarse.shape
        regions = regions_find(coarse, grow=HALF, floor=HALF, limit=1, tolerance=_STRAIGHT)
        return tuple(
            Finding(self.card.labels[0], found.score, tuple((_unit(x / columns), _unit(y / rows)) for x, y in outline))
            for outline in (region.polygon for region in regions)
        )

    def soft(self, image: UInt8Image) -> FloatMap:
        """Return the chances of the main car on a photo, (rows, columns), whatever the card's thresholds say."""
        far = main_car(self._look(image, WHOLE))
        window = closer_window(far, self.card.parameters["closer"])
        return far if window is None else self._nearer(image, far, window)

    def _nearer(self, image: UInt8Image, far: FloatMap, window: Box) -> FloatMap:
        """Look at the window alone and put what is seen there into a mask of as fine cells as that look's."""
        cells = min(_FINEST, round(len(far) / (window[2] - window[0])))
        # The window is moved to the edges of cells, or the car would be off by a part of one.
        left, top, right, bottom = (round(edge * cells) for edge in window)
        near = main_car(self._look(image, (left / cells, top / cells, right / cells, bottom / cells)))
        if not (near >= HALF).any():
            return far
        fine = np.zeros((cells, cells), dtype=np.float32)
        part = Image.fromarray(near).resize((right - left, bottom - top), Image.Resampling.BILINEAR)
        fine[top:bottom, left:right] = np.asarray(part)
        return fine

    def _look(self, image: UInt8Image, window: Box) -> FloatMap:
        height, width = image.shape[:2]
        left, right = round(window[0] * width), max(1, round(window[2] * width))
        top, bottom = round(window[1] * height), max(1, round(window[3] * height))
        small = squared(image[min(top, bottom - 1) : bottom, min(left, right - 1) : right], self._side)
        return np.clip(self._network.run(small[None])[0, ..., 0], 0.0, 1.0)


def main_car(chances: FloatMap) -> FloatMap:
    """Return the chances with all but one car taken out: of the pieces the largest, those near the middle favoured.

    Panes and gaps that the piece surrounds belong to it.
    """
    labels, count = ndimage.label(chances >= HALF, _EIGHT)
    if not count:
        return np.zeros_like(chances)
    main = labels == 1 + int(np.argmax(_weights(labels, count)))
    filled = _without_holes(main)
    kept = np.where(_grown(filled, _FADE) & ((labels == 0) | filled), chances, 0.0)
    return np.asarray(np.where(filled & ~main, 1.0, kept), dtype=np.float32)


def _without_holes(mask: BoolMap) -> BoolMap:
    """The mask with all that it surrounds: what does not reach the map's edge outside of it."""
    labels, count = ndimage.label(~mask)
    open_ = np.zeros(count + 1, dtype=bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        open_[edge] = True
    open_[0] = False
    return np.asarray(~open_[labels], dtype=bool)


def _grown(mask: BoolMap, cells: int) -> BoolMap:
    """The mask and what lies within a square of so many cells around it."""
    grown = mask.copy()
    for shift in range(1, cells + 1):
        grown[shift:] |= mask[:-shift]
        grown[:-shift] |= mask[shift:]
    wide = grown.copy()
    for shift in range(1, cells + 1):
        wide[:, shift:] |= grown[:, :-shift]
        wide[:, :-shift] |= grown[:, shift:]
    return wide


def _weights(labels: npt.NDArray[np.int32], count: int) -> npt.NDArray[np.float64]:
    """Weight of each piece: its cells, one in the middle counting twice one at the edge."""
    rows, columns = (np.abs(np.linspace(-1, 1, side)) for side in labels.shape)
    middle = 1.0 - 0.5 * np.maximum(rows[:, None], columns[None])
    weights = np.bincount(labels.ravel(), weights=middle.ravel(), minlength=count + 1)[1:]
    return np.asarray(weights, dtype=np.float64)


def closer_window(chances: FloatMap, most: float) -> Box | None:
    """Return what to look at again: the car with some room around it, as a share of the photo; None when that
    would be more than `most`, or when there is no car."""
    box = box_of(chances)
    if box is None:
        return None
    left, top, right, bottom = box
    share = ROOM * max(right - left, bottom - top)
    if share > most:
        return None
    # As wide and as high a share of the photo, or the car would be stretched as no photo ever is.
    start = min(max(0.0, (left + right - share) / 2), 1.0 - share)
    above = min(max(0.0, (top + bottom - share) / 2), 1.0 - share)
    return start, above, start + share, above + share


def _coarse(soft: FloatMap) -> FloatMap:
    """The mask in about 96 cells a side: an outline needs no more, and its corners cost more time than the network."""
    step = max(1, len(soft) // _OUTLINED)
    picture = Image.fromarray(soft).reduce(step) if step > 1 else soft
    return np.asarray(picture, dtype=np.float32)


def build(card: Card, network: Runs) -> VehicleMask:
    """Entry point of the registry."""
    return VehicleMask(card, network)


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))
