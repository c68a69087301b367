"""Licence plates with their four corners: a map of plate centres over the photo, looked at in two or three sizes.

Network in: (1, 640, 640, 3) float32 RGB 0..255. Out: (1, 160, 160, 13) float32: the logit of a plate's centre; the
logarithms of the distances from the cell's centre to the left, top, right and bottom side, over 8 pixels; for each
corner, clockwise from the plate's top left, its shift against the box's corner as shares of the box's width and height.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from imaging.ml.card import Card
from imaging.ml.model import UInt8Image, image_check
from imaging.ml.tiling import Tile, crop, grid
from imaging.ml.types import Finding, Prediction

FloatMap = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

STRIDE = 4
REACH = 8.0
# A box that comes this near to a tile's inner edge, in pixels, is cut by it.
_EDGE = 2


class Runs(Protocol):
    """What is needed of a loaded network."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(1, S, S, 3)."""

    def run(self, batch: FloatMap) -> FloatMap:
        """Return the map of one tile."""


@dataclass(frozen=True, slots=True)
class Plates:
    """`boxes` (n, 4: left, top, right, bottom) and corners `quads` (n, 4, 2) in pixels, `scores` (n,) 0..1."""

    boxes: Floats
    quads: Floats
    scores: Floats


def plates_decode(values: FloatMap, *, floor: float) -> Plates:
    """Return the plates in a network's map (rows, columns, 13) with a score of at least `floor`, overlaps included.

    A centre is a cell that no neighbour beats (X. Zhou et al., "Objects as Points", 2019).
    """
    heat = values[..., 0]
    high = np.log(floor / (1.0 - floor))
    rows, columns = np.nonzero((heat >= high) & (heat == ndimage.maximum_filter(heat, size=3, mode="nearest")))
    cells = values[rows, columns].astype(np.float64)
    centre = np.stack([columns, rows], axis=1) * STRIDE + STRIDE / 2
    distance = REACH * np.exp(np.clip(cells[:, 1:5], -4.0, 5.0))
    boxes = np.concatenate([centre - distance[:, :2], centre + distance[:, 2:]], axis=1)
    return Plates(boxes, _quads(boxes, cells[:, 5:].reshape(-1, 4, 2)), 1.0 / (1.0 + np.exp(-cells[:, 0])))


def _quads(boxes: Floats, shifts: Floats) -> Floats:
    """Corners (n, 4, 2) that touch every side of their box: the shifts say how the plate lies, the box how large."""
    corners = boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
    size = (boxes[:, 2:] - boxes[:, :2])[:, None]
    loose = corners + np.clip(shifts, -0.45, 0.45) * size
    low, high = loose.min(axis=1, keepdims=True), loose.max(axis=1, keepdims=True)
    shares = (loose - low) / np.maximum(high - low, 1e-6)
    return np.asarray(boxes[:, None, :2] + shares * size)


def best_of(plates: Plates, *, overlap: float, limit: int) -> Plates:
    """Return the plates without the weaker ones of those that overlap by more than `overlap` (IoU), best first.

    A plate that lies nearly whole within a better one is the same plate seen in part.
    """
    order = np.argsort(-plates.scores, kind="stable")
    kept: list[int] = []
    for index in order:
        if len(kept) < limit and not _covered(plates.boxes[index], plates.boxes[kept], overlap):
            kept.append(int(index))
    return Plates(plates.boxes[kept], plates.quads[kept], plates.scores[kept])


def _covered(box: Floats, others: Floats, overlap: float) -> bool:
    if not len(others):
        return False
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    inside = np.prod(np.clip(sides, 0.0, None), axis=1)
    area, areas = np.prod(box[2:] - box[:2]), np.prod(others[:, 2:] - others[:, :2], axis=1)
    return bool(((inside > overlap * (area + areas - inside)) | (inside > 0.8 * np.minimum(area, areas))).any())


class PlateDetector:
    """See the card for sizes, thresholds and how far to trust it."""

    def __init__(self, card: Card, network: Runs) -> None:
        """`network` is the loaded file of `card`."""
        self.card, self.name, self.version = card, card.name, card.version
        self._network = network
        self._tile = network.input_shape[1]

    def predict(self, image: UInt8Image) -> Prediction:
        """Return the plates on `image`, (H, W, 3) uint8 RGB of any size, at the card's threshold."""
        return self.propose(image, floor=self.card.thresholds["score"])

    def propose(self, image: UInt8Image, *, floor: float) -> Prediction:
        """Return all plates with a score of at least `floor`: what a curve or a second look needs."""
        width, height = image_check(image)
        picture = Image.fromarray(image)
        found = [part for size in self.sizes(width, height) for part in self._seen(picture, size, floor)]
        joined = Plates(*(np.concatenate([getattr(part, name) for part in found]) for name in Plates.__slots__))
        limit, overlap = int(self.card.parameters["limit"]), self.card.thresholds["overlap"]
        plates = best_of(_within(joined, width, height), overlap=overlap, limit=limit)
        return Prediction(self.name, self.version, width, height, tuple(_findings(plates, width, height)))

    def sizes(self, width: int, height: int) -> list[tuple[int, int]]:
        """Sizes in pixels at which a photo is looked at: whole; from afar, for plates that fill it; and, from a
        certain size on, closer."""
        whole = min(self._tile / max(width, height), self.card.parameters["zoom"])
        close = min(self.card.parameters["closest"], self.card.parameters["side"] / max(width, height))
        scales = [whole, whole * self.card.parameters["afar"]]
        if close > self.card.parameters["closer"] * whole:
            scales.append(close)
        return [(max(1, round(width * scale)), max(1, round(height * scale))) for scale in scales]

    def _seen(self, picture: Image.Image, size: tuple[int, int], floor: float) -> Iterator[Plates]:
        """Plates of every tile of the photo brought to `size`, in the photo's pixels."""
        scale = np.array([picture.width / size[0], picture.height / size[1]])
        if size != picture.size:
            picture = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        pixels = np.asarray(picture)
        for window in grid(*size, tile=self._tile, overlap=int(self.card.parameters["overlap"])):
            part = crop(pixels, window, tile=self._tile)
            found = plates_decode(self._network.run(part[None].astype(np.float32))[0], floor=floor)
            yield _moved(_whole(found, window, size, self._tile), window, scale)


def _whole(plates: Plates, window: Tile, size: tuple[int, int], tile: int) -> Plates:
    """Leave out what a tile's inner edge cuts: the neighbour sees it whole."""
    inner = np.array([window.left > 0, window.top > 0, window.left + tile < size[0], window.top + tile < size[1]])
    beyond = np.concatenate([plates.boxes[:, :2] < _EDGE, plates.boxes[:, 2:] > tile - _EDGE], axis=1)
    keep = ~(beyond & inner).any(axis=1)
    return Plates(plates.boxes[keep], plates.quads[keep], plates.scores[keep])


def _moved(plates: Plates, window: Tile, scale: Floats) -> Plates:
    corner = np.array([window.left, window.top])
    boxes = (plates.boxes + np.tile(corner, 2)) * np.tile(scale, 2)
    return Plates(boxes, (plates.quads + corner) * scale, plates.scores)


def _within(plates: Plates, width: int, height: int) -> Plates:
    """Cut the boxes to the photo; what has less than a pixel left is gone."""
    limits = np.array([width, height], dtype=np.float64)
    boxes = np.clip(plates.boxes, 0, np.tile(limits, 2))
    keep = ((boxes[:, 2:] - boxes[:, :2]) >= 1.0).all(axis=1)
    return Plates(boxes[keep], np.clip(plates.quads, 0, limits)[keep], plates.scores[keep])


def _findings(plates: Plates, width: int, height: int) -> Iterator[Finding]:
    for quad, score in zip(plates.quads / [width, height], plates.scores, strict=True):
        yield Finding("plate", float(score), tuple((float(x), float(y)) for x, y in quad))


def build(card: Card, network: Runs) -> PlateDetector:
    """Entry point of the registry."""
    return PlateDetector(card, network)
