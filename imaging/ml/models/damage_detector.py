"""Where something is wrong on a car: a map of damage over the photo, cut into outlined findings.

Network in: (1, S, S, 3) float32 RGB 0..255. Out: (1, S / 4, S / 4, 1 + K) float32, the chance of damage and, when the
card has K > 1 labels, the chance of each of them.

A photo is looked at from near and, if the card has the parameter `far`, once more from afar: the two maps are joined by
the mean of their logits. The card's `slope` and `offset` turn a region's score into the chance that it is damage, as
people label it (J. Platt, "Probabilistic Outputs for Support Vector Machines", 1999).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from imaging.ml.card import Card
from imaging.ml.model import UInt8Image, image_check
from imaging.ml.regions import Region, regions_find
from imaging.ml.tiling import Tile, crop, grid, stitch
from imaging.ml.types import Box, Finding, Prediction, box_of

FloatMap = npt.NDArray[np.float32]
_WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
# Chances nearer to 0 or 1 than this say no more.
_EDGE = 1e-4
# The vehicle's mask is widened by this share of the photo's longer side: damage sits on its outline too.
_MARGIN = 0.02


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

    def predict(self, image: UInt8Image, *, within: FloatMap | None = None) -> Prediction:
        """Return the damages on `image`, (H, W, 3) uint8 RGB of any size, at the card's threshold; see `propose`."""
        return self.propose(image, floor=self.card.thresholds["score"], within=within)

    def propose(self, image: UInt8Image, *, floor: float, within: FloatMap | None = None) -> Prediction:
        """Return all findings with a score of at least `floor`: what a curve or a second look needs.

        `within` (h, w), 0..1: the chance that the vehicle is there, over the whole photo at any resolution; what lies
        beside the vehicle is not looked at, and a photo too large for all of it to be seen from near is cut to the
        vehicle first. None: damage may be anywhere.
        """
        width, height = image_check(image)
        if within is None:
            return self.outline(self.heat(image), width, height, floor=floor)
        part = _WHOLE if self._near_enough(width, height) else around(within)
        left, top, right, bottom = in_pixels(part, width, height)
        heat = restricted(self.heat(image[top:bottom, left:right]), _cut(within, part))
        seen = self.outline(heat, right - left, bottom - top, floor=floor)
        moved = tuple(_moved(one, (left, top, right, bottom), width, height) for one in seen.findings)
        return replace(seen, width=width, height=height, findings=moved)

    def outline(self, heat: FloatMap, width: int, height: int, *, floor: float) -> Prediction:
        """Return the findings in the map of a photo of `width` x `height` pixels, scores from `floor` on."""
        regions = regions_find(
            heat[..., 0],
            grow=self.card.thresholds["grow"],
            floor=self._uncalibrated(floor),
            gap=int(self.card.parameters["gap"]),
            limit=int(self.card.parameters["limit"]),
            relative=self.card.parameters.get("relative", 0.0),
        )
        columns, rows = (side / self.card.parameters["stride"] for side in self._working_size(width, height))
        findings = (self._finding(region, heat, columns, rows) for region in regions)
        kept = tuple(finding for finding in findings if finding.score >= floor)
        return Prediction(self.name, self.version, width, height, kept)

    def heat(self, image: UInt8Image) -> FloatMap:
        """Return the map of `image` at its working size: (rows, columns, channels), stride 4."""
        picture = Image.fromarray(image)
        width, height = self._working_size(picture.width, picture.height)
        near = self._look(picture, width, height)
        far = self.card.parameters.get("far", 0.0)
        if not far:
            return near
        return joined([near, self._look(picture, max(1, round(width * far)), max(1, round(height * far)))])

    def _look(self, picture: Image.Image, width: int, height: int) -> FloatMap:
        seen = picture
        if (width, height) != picture.size:
            seen = picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        stride = int(self.card.parameters["stride"])
        return stitch(self._maps(np.asarray(seen)), width=width, height=height, stride=stride)

    def _maps(self, image: UInt8Image) -> Iterator[tuple[Tile, FloatMap]]:
        overlap, stride = int(self.card.parameters["overlap"]), int(self.card.parameters["stride"])
        for window in grid(image.shape[1], image.shape[0], tile=self._tile, overlap=overlap, step=stride):
            part = crop(image, window, tile=self._tile)
            yield window, self._network.run(part[None].astype(np.float32))[0]

    def _near_enough(self, width: int, height: int) -> bool:
        """Whether the whole photo is seen as large as the card asks for."""
        return max(width, height) * self.card.parameters["zoom"] <= self.card.parameters["side"]

    def _working_size(self, width: int, height: int) -> tuple[int, int]:
        return working_size(width, height, zoom=self.card.parameters["zoom"], side=int(self.card.parameters["side"]))

    def _finding(self, region: Region, heat: FloatMap, columns: float, rows: float) -> Finding:
        polygon = tuple((_unit(x / columns), _unit(y / rows)) for x, y in region.polygon)
        return Finding(label=self._label(region, heat), score=self._calibrated(region.score), polygon=polygon)

    def _calibrated(self, score: float) -> float:
        slope, offset = self._calibration()
        return min(1.0, score) if (slope, offset) == (1.0, 0.0) else _chance(slope * _logit(score) + offset)

    def _uncalibrated(self, score: float) -> float:
        """The score of a map whose chance is `score`; a hair less, as rounding must not lose what stands on it."""
        slope, offset = self._calibration()
        return score if (slope, offset) == (1.0, 0.0) else _chance((_logit(score) - offset) / slope) - 1e-6

    def _calibration(self) -> tuple[float, float]:
        return self.card.parameters.get("slope", 1.0), self.card.parameters.get("offset", 0.0)

    def _label(self, region: Region, heat: FloatMap) -> str:
        if len(self.card.labels) == 1:
            return self.card.labels[0]
        cells = heat[region.cells]
        votes = (cells[:, 1:] * cells[:, :1]).sum(axis=0)
        return self.card.labels[int(np.argmax(votes))]


def joined(maps: Sequence[FloatMap]) -> FloatMap:
    """Join maps of one photo, of any resolutions, on the grid of the first: mean logit of damage, mean of the kinds."""
    rows, columns = maps[0].shape[:2]
    fitted = [maps[0], *(_resized(one, rows, columns) for one in maps[1:])]
    edged = np.clip(np.stack([one[..., 0] for one in fitted]), _EDGE, 1 - _EDGE)
    mean = np.stack(fitted).mean(axis=0)
    mean[..., 0] = 1.0 / (1.0 + np.exp(-np.log(edged / (1.0 - edged)).mean(axis=0)))
    return np.asarray(mean, dtype=np.float32)


def restricted(heat: FloatMap, within: FloatMap) -> FloatMap:
    """Lower the chance of damage where the vehicle, widened by a margin, is not; `within` as in `propose`."""
    rows, columns = heat.shape[:2]
    car = _resized(within[..., None], rows, columns)[..., 0]
    wide = ndimage.maximum_filter(car, size=2 * round(_MARGIN * max(rows, columns)) + 1)
    kept = heat.copy()
    # From an even chance on it is the vehicle: its soft edge must not weaken what lies on it.
    kept[..., 0] *= np.minimum(1.0, 2.0 * wide)
    return kept


def around(within: FloatMap) -> Box:
    """Return the box, 0..1 of the photo, of the vehicle in `within` with a margin; the whole photo without one."""
    left, top, right, bottom = box_of(within) or _WHOLE
    return max(0.0, left - _MARGIN), max(0.0, top - _MARGIN), min(1.0, right + _MARGIN), min(1.0, bottom + _MARGIN)


def in_pixels(part: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the left, top, right and bottom edge in pixels, at least one pixel apart."""
    left, top = min(width - 1, int(part[0] * width)), min(height - 1, int(part[1] * height))
    return left, top, max(left + 1, math.ceil(part[2] * width)), max(top + 1, math.ceil(part[3] * height))


def _cut(plane: FloatMap, part: Box) -> FloatMap:
    left, top, right, bottom = in_pixels(part, plane.shape[1], plane.shape[0])
    return plane[top:bottom, left:right]


def _moved(finding: Finding, box: tuple[int, int, int, int], width: int, height: int) -> Finding:
    """The finding of a part of the photo, `box` in pixels, as one of the whole photo."""
    left, top, right, bottom = box
    points = (((left + x * (right - left)) / width, (top + y * (bottom - top)) / height) for x, y in finding.polygon)
    return replace(finding, polygon=tuple((_unit(x), _unit(y)) for x, y in points))


def _resized(plane: FloatMap, rows: int, columns: int) -> FloatMap:
    channels = (Image.fromarray(np.ascontiguousarray(plane[..., index])) for index in range(plane.shape[2]))
    fitted = [np.asarray(one.resize((columns, rows), Image.Resampling.BILINEAR)) for one in channels]
    return np.asarray(np.stack(fitted, axis=2), dtype=np.float32)


def working_size(width: int, height: int, *, zoom: float, side: int) -> tuple[int, int]:
    """Size in pixels at which a photo is looked at: enlarged `zoom` times, its longer side at most `side`."""
    scale = min(zoom, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def build(card: Card, network: Runs) -> DamageDetector:
    """Entry point of the registry."""
    return DamageDetector(card, network)


def _logit(chance: float) -> float:
    edged = min(1.0 - _EDGE, max(_EDGE, chance))
    return math.log(edged / (1.0 - edged))


def _chance(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit))


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))
