"""Where something is wrong on a car: a map of damage over the photo, cut into outlined findings.

Network in: (1, S, S, 3) float32 RGB 0..255. Out: (1, S / 4, S / 4, 1 + K) float32, the chance of damage and, when the
card has K > 1 labels, the chance of each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from imaging.ml.card import Card
from imaging.ml.model import UInt8Image, image_check
from imaging.ml.regions import Region, regions_find
from imaging.ml.tiling import Tile, crop, grid, stitch
from imaging.ml.types import Finding, Prediction

FloatMap = npt.NDArray[np.float32]


class Runs(Protocol):
    """What is needed of a loaded network."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(1, S, S, 3)."""

    def run(self, batch: FloatMap) -> FloatMap:
        """Return the map of one tile."""


class DamageDetector:
    """See the card for scales, thresholds and how far to trust it."""

    def __init__(self, card: Card, network: Runs) -> None:
        """`network` is the loaded file of `card`."""
        self.card, self.name, self.version = card, card.name, card.version
        self._network = network
        self._tile = network.input_shape[1]

    def predict(self, image: UInt8Image) -> Prediction:
        """Return the damages on `image`, (H, W, 3) uint8 RGB of any size, at the card's threshold."""
        return self.propose(image, floor=self.card.thresholds["score"])

    def propose(self, image: UInt8Image, *, floor: float) -> Prediction:
        """Return all findings with a score of at least `floor`: what a curve or a second look needs."""
        width, height = image_check(image)
        return self.outline(self.heat(image), width, height, floor=floor)

    def outline(self, heat: FloatMap, width: int, height: int, *, floor: float) -> Prediction:
        """Return the findings in the map of a photo of `width` x `height` pixels, scores from `floor` on."""
        regions = regions_find(
            heat[..., 0],
            grow=self.card.thresholds["grow"],
            floor=floor,
            gap=int(self.card.parameters["gap"]),
            limit=int(self.card.parameters["limit"]),
        )
        columns, rows = (side / self.card.parameters["stride"] for side in self._working_size(width, height))
        findings = tuple(self._finding(region, heat, columns, rows) for region in regions)
        return Prediction(self.name, self.version, width, height, findings)

    def heat(self, image: UInt8Image) -> FloatMap:
        """Return the map of `image` at its working size: (rows, columns, channels), stride 4."""
        picture = Image.fromarray(image)
        size = self._working_size(picture.width, picture.height)
        if size != picture.size:
            picture = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        stride = int(self.card.parameters["stride"])
        return stitch(self._maps(np.asarray(picture)), width=size[0], height=size[1], stride=stride)

    def _maps(self, image: UInt8Image) -> Iterator[tuple[Tile, FloatMap]]:
        overlap, stride = int(self.card.parameters["overlap"]), int(self.card.parameters["stride"])
        for window in grid(image.shape[1], image.shape[0], tile=self._tile, overlap=overlap, step=stride):
            part = crop(image, window, tile=self._tile)
            yield window, self._network.run(part[None].astype(np.float32))[0]

    def _working_size(self, width: int, height: int) -> tuple[int, int]:
        return working_size(width, height, zoom=self.card.parameters["zoom"], side=int(self.card.parameters["side"]))

    def _finding(self, region: Region, heat: FloatMap, columns: float, rows: float) -> Finding:
        polygon = tuple((_unit(x / columns), _unit(y / rows)) for x, y in region.polygon)
        return Finding(label=self._label(region, heat), score=min(1.0, region.score), polygon=polygon)

    def _label(self, region: Region, heat: FloatMap) -> str:
        if len(self.card.labels) == 1:
            return self.card.labels[0]
        cells = heat[region.cells]
        votes = (cells[:, 1:] * cells[:, :1]).sum(axis=0)
        return self.card.labels[int(np.argmax(votes))]


def working_size(width: int, height: int, *, zoom: float, side: int) -> tuple[int, int]:
    """Size in pixels at which a photo is looked at: enlarged `zoom` times, its longer side at most `side`."""
    scale = min(zoom, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def build(card: Card, network: Runs) -> DamageDetector:
    """Entry point of the registry."""
    return DamageDetector(card, network)


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))
