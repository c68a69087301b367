"""Faces, near and far: BlazeFace (short range) on tiles of the photo in several sizes, and a second look at each find,
for which BlazeFace (full range), the part "check", is asked as well.

Network in: (1, S, S, 3) float32 RGB -1..1, S = 128 (short) or 192 (full). Out: (1, n, 16) float32: per anchor a box
(centre as the shift from the anchor's, then width and height) and six points of the face, in pixels; (1, n, 1) float32:
the logit of a face; n = 896 or 2304. V. Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile
GPUs", 2019; the anchors and the joining of boxes are those of MediaPipe's face detection graphs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from imaging.ml.card import Card
from imaging.ml.model import UInt8Image, image_check
from imaging.ml.tiling import starts
from imaging.ml.types import Finding, Prediction

FloatMap = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

# Anchors lie in the middle of the cells of grids: by how many there are, the pixels of a cell and the anchors on it.
_GRIDS: Final = {896: ((8, 2), (16, 6)), 2304: ((4, 1),)}
# A second look takes any face, however unlikely: what counts is the mean of all looks.
_FAINT: Final = 0.02
# A face of which such a share lies within a better one is a part of that.
_PART: Final = 0.7
# Rows of a strip when a photo is brought to another size.
_STRIP: Final = 256
# Grey beyond the photo's edge, as the network sees it.
_MIDDLE: Final = 127.5


class Runs(Protocol):
    """What is needed of a loaded network."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(1, S, S, 3)."""

    @property
    def output_shapes(self) -> tuple[tuple[int, ...], ...]:
        """(1, n, 16) and (1, n, 1)."""

    def run_all(self, batch: FloatMap) -> tuple[FloatMap, ...]:
        """Return (1, n, 16) boxes and points, (1, n, 1) logits."""


@dataclass(frozen=True, slots=True)
class Faces:
    """`boxes` (n, 4: left, top, right, bottom) in pixels and `scores` (n,) 0..1."""

    boxes: Floats
    scores: Floats


@dataclass(frozen=True, slots=True)
class Level:
    """The photo in some size: `pixels` (h, w, 3) uint8, and its width and height as shares of the photo's (2,)."""

    pixels: UInt8Image
    scale: Floats


_NOTHING: Final = Faces(np.zeros((0, 4)), np.zeros(0))


class Eye:
    """One network with its anchors: candidates in a tile."""

    def __init__(self, network: Runs) -> None:
        """`network`: one of the two BlazeFaces. KeyError if its anchors are not known."""
        self._network = network
        self.side = network.input_shape[1]
        self._anchors = anchors(self.side, network.output_shapes[0][1])

    def seen(self, batch: FloatMap, *, floor: float) -> Faces:
        """Candidates in one tile (1, S, S, 3) with a score of at least `floor`, overlaps included."""
        values, logits = self._network.run_all(batch)
        scores = logits.ravel()
        found = np.flatnonzero(scores >= np.log(floor / (1 - floor)))
        if not len(found):
            return _NOTHING
        cells = values[0, found, :4].astype(np.float64)
        centre, half = self._anchors[found] + cells[:, :2], cells[:, 2:] / 2
        boxes = np.concatenate([centre - half, centre + half], axis=1)
        return Faces(boxes, 1 / (1 + np.exp(-np.clip(scores[found].astype(np.float64), -50, 50))))


def anchors(side: int, count: int) -> Floats:
    """Return the centres (count, 2: x, y) in pixels that a network with an input of `side` pixels counts from."""
    return np.concatenate([_grid(side // stride, stride, each) for stride, each in _GRIDS[count]])


def _grid(cells: int, stride: int, count: int) -> Floats:
    rows, columns = np.mgrid[:cells, :cells]
    centres = (np.stack([columns.ravel(), rows.ravel()], axis=1) + 0.5) * stride
    return np.repeat(centres, count, axis=0)


def joined(faces: Faces, *, overlap: float, limit: int) -> Faces:
    """Return the faces with those that overlap by more than `overlap` (IoU) joined to one, best first, at most `limit`.

    The box is the mean of the joined ones weighted by their scores, the score the best of them: BlazeFace's own way,
    steadier than the best box alone.
    """
    order = np.argsort(-faces.scores, kind="stable")
    boxes, scores = faces.boxes[order], faces.scores[order]
    kept: list[Floats] = []
    best: list[float] = []
    while len(scores) and len(kept) < limit:
        inside, area, areas = _shared(boxes[0], boxes)
        same = inside > overlap * (area + areas - inside)
        kept.append(np.average(boxes[same], axis=0, weights=scores[same]))
        best.append(scores[0])
        boxes, scores = boxes[~same], scores[~same]
    return Faces(np.asarray(kept).reshape(-1, 4), np.asarray(best))


def whole(faces: Faces) -> Faces:
    """Leave out what lies nearly whole within a better face, best first: it is a part of it."""
    keep: list[int] = []
    for index in np.argsort(-faces.scores, kind="stable"):
        inside, area, areas = _shared(faces.boxes[index], faces.boxes[keep])
        if not (inside > _PART * np.minimum(area, areas)).any():
            keep.append(int(index))
    return Faces(faces.boxes[keep], faces.scores[keep])


def _shared(box: Floats, others: Floats) -> tuple[Floats, float, Floats]:
    """Areas: what `box` shares with each of `others`, its own, and theirs."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    inside = np.prod(np.clip(sides, 0.0, None), axis=1)
    return inside, float(np.prod(box[2:] - box[:2])), np.prod(others[:, 2:] - others[:, :2], axis=1)


class FaceDetector:
    """See the card for sizes, thresholds and how far to trust it."""

    def __init__(self, card: Card, network: Runs, check: Runs) -> None:
        """`network` and `check` are the loaded files of `card`: short range and full range."""
        self.card, self.name, self.version = card, card.name, card.version
        self._near, self._far = Eye(network), Eye(check)

    def predict(self, image: UInt8Image) -> Prediction:
        """Return the faces on `image`, (H, W, 3) uint8 RGB of any size, at the card's threshold."""
        return self.propose(image, floor=self.card.thresholds["score"])

    def propose(self, image: UInt8Image, *, floor: float) -> Prediction:
        """Return all faces with a score of at least `floor`: what a curve or a second look needs."""
        width, height = image_check(image)
        levels = self.levels(image)
        found = _together(self._checked(levels, box) for box in self.first_look(levels).boxes)
        faces = whole(self._joined(found))
        keep = faces.scores >= floor
        findings = _findings(self._grown(faces.boxes[keep]), faces.scores[keep], width, height)
        return Prediction(self.name, self.version, width, height, tuple(findings))

    def scales(self, width: int, height: int) -> list[float]:
        """Scales at which a photo of that size is looked at: from the closest look to all of it in one tile."""
        closest = min(self.card.parameters["zoom"], (self.card.parameters["pixels"] / (width * height)) ** 0.5)
        all_of_it, step = self._near.side / max(width, height), self.card.parameters["step"]
        scales = [closest] if closest > all_of_it else []
        while scales and scales[-1] > all_of_it * step:
            scales.append(scales[-1] / step)
        return [*scales, all_of_it]

    def levels(self, image: UInt8Image) -> list[Level]:
        """Return the photo as it is, and after it in every size it is looked at, each made from the one before."""
        height, width = image.shape[:2]
        made = [Level(image, np.ones(2))]
        for scale in self.scales(width, height):
            size = max(1, round(width * scale)), max(1, round(height * scale))
            made.append(Level(_resized(made[-1].pixels, size), np.array(size) / (width, height)))
        return made

    def first_look(self, levels: list[Level]) -> Faces:
        """Return the candidates in all sizes, in the photo's pixels, each once."""
        return self._joined(_together(self._on(level) for level in levels[1:]))

    def _on(self, level: Level) -> Faces:
        width = max(self._near.side, level.pixels.shape[1])
        memory = np.empty((self._near.side, width, 3), dtype=np.float32)
        found = _together(self._band(level.pixels, top, memory) for top in self._starts(len(level.pixels)))
        return Faces(found.boxes / np.tile(level.scale, 2), found.scores)

    def _starts(self, length: int) -> list[int]:
        return starts(length, self._near.side, int(self.card.parameters["overlap"]))

    def _band(self, pixels: UInt8Image, top: int, memory: FloatMap) -> Faces:
        """Candidates in one row of tiles, which is made ready in one go, in the same `memory` as all others."""
        side, floor = self._near.side, self.card.thresholds["first"]
        band = _ready(pixels[top : top + side], memory)[None]
        lefts = self._starts(pixels.shape[1])
        return _together(
            _moved(self._near.seen(band[:, :, left : left + side], floor=floor), (left, top), 1.0) for left in lefts
        )

    def _joined(self, faces: Faces) -> Faces:
        limit = int(self.card.parameters["limit"])
        return joined(_sound(faces), overlap=self.card.thresholds["overlap"], limit=limit)

    def _checked(self, levels: list[Level], box: Floats) -> Faces:
        """Look again at a candidate, in several sizes and mirrored, with both networks: one face or none.

        The score is the mean of the two networks' means, so each can refuse what the other takes for a face: wheels
        and lamps are faces to the one, lettering to the other. The box is the mean of all looks.
        """
        parameters, least = self.card.parameters, self.card.thresholds["again"]
        first = self._again(levels, box, self._near, parameters["middle"])
        if first.scores.mean() < least:
            return _NOTHING
        sizes = (parameters["small"], parameters["large"])
        near = _together([first, *(self._again(levels, box, self._near, size) for size in sizes)])
        if near.scores.mean() < least:
            return _NOTHING
        far = _together(self._again(levels, box, self._far, parameters[size]) for size in ("middle", "large"))
        both = _together([near, far])
        mean = np.average(both.boxes, axis=0, weights=np.maximum(both.scores, _FAINT))
        return Faces(mean[None], (near.scores.mean(keepdims=True) + far.scores.mean(keepdims=True)) / 2)

    def _again(self, levels: list[Level], box: Floats, eye: Eye, face: float) -> Faces:
        """Two looks at a crop around `box` in which the face is `face` px wide: as it is, and mirrored."""
        zoom = face / (box[2] - box[0])
        corner = (box[:2] + box[2:]) / 2 - eye.side / 2 / zoom
        memory = np.empty((eye.side, eye.side, 3), dtype=np.float32)
        ready = _ready(_cut(levels, corner, eye.side / zoom, eye.side), memory)[None]
        straight = self._middle(eye, ready, face)
        mirror = self._middle(eye, ready[:, :, ::-1], face)
        looks = _together([straight, Faces(_mirrored(mirror.boxes, eye.side), mirror.scores)])
        return _moved(looks, corner * zoom, 1 / zoom)

    def _middle(self, eye: Eye, batch: FloatMap, face: float) -> Faces:
        """The best face about the middle of a tile; where there is none, a box of the expected size, score 0."""
        found = eye.seen(batch, floor=_FAINT)
        away = np.abs((found.boxes[:, :2] + found.boxes[:, 2:] - eye.side) / 2).max(axis=1, initial=0)
        near = Faces(found.boxes[away < face / 2], found.scores[away < face / 2])
        if not len(near.scores):
            low, high = (eye.side - face) / 2, (eye.side + face) / 2
            return Faces(np.array([[low, low, high, high]]), np.zeros(1))
        return joined(_sound(near), overlap=self.card.thresholds["overlap"], limit=1)

    def _grown(self, boxes: Floats) -> Floats:
        """From the network's squares, brow to chin, to what people call a face: hairline to chin, without the ears."""
        by = [self.card.parameters[name] for name in ("left", "up", "right", "down")]
        size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        return np.asarray(boxes + size * (np.array(by) * [-1, -1, 1, 1]))


def _ready(part: UInt8Image, memory: FloatMap) -> FloatMap:
    """Pixels as the networks want them, -1..1, in `memory`, with grey where the photo ends before it does."""
    height, width = part.shape[:2]
    inner = memory[:height, :width]
    np.multiply(part, np.float32(1 / _MIDDLE), out=inner)
    inner -= 1
    memory[height:] = 0
    memory[:, width:] = 0
    return memory


def _moved(faces: Faces, corner: tuple[float, float] | Floats, scale: float) -> Faces:
    """Faces of a tile whose corner lies at `corner`, in pixels `scale` times as large."""
    if not len(faces.scores):
        return faces
    return Faces((faces.boxes + np.tile(corner, 2)) * scale, faces.scores)


def _mirrored(boxes: Floats, width: int) -> Floats:
    left, top, right, bottom = boxes.T
    return np.stack([width - right, top, width - left, bottom], axis=1)


def _resized(image: UInt8Image, size: tuple[int, int]) -> UInt8Image:
    """The picture in another size (width, height), made in strips: Pillow would hold a large photo whole once more."""
    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    result = np.empty((size[1], size[0], 3), dtype=np.uint8)
    ratio = height / size[1]
    for top in range(0, size[1], _STRIP):
        rows = min(_STRIP, size[1] - top)
        result[top : top + rows] = _part(image, (0.0, top * ratio, width, (top + rows) * ratio), (size[0], rows))
    return result


def _part(image: UInt8Image, box: tuple[float, float, float, float], size: tuple[int, int]) -> UInt8Image:
    """What lies in `box` (left, top, right, bottom; fractions of a pixel count) in another size (width, height)."""
    height, width = image.shape[:2]
    # As far as the filter reaches beyond the box.
    reach = math.ceil(max(1.0, (box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1])) + 1
    left, top = max(0, math.floor(box[0]) - reach), max(0, math.floor(box[1]) - reach)
    right, bottom = min(width, math.ceil(box[2]) + reach), min(height, math.ceil(box[3]) + reach)
    piece = Image.fromarray(image[top:bottom, left:right])
    inner = (max(0.0, box[0] - left), max(0.0, box[1] - top), min(right, box[2]) - left, min(bottom, box[3]) - top)
    return np.asarray(piece.resize(size, Image.Resampling.BILINEAR, box=inner))


def _cut(levels: list[Level], corner: Floats, side: float, tile: int) -> UInt8Image:
    """The square of `side` pixels at `corner` as `tile` x `tile` pixels, grey where the photo ends.

    Taken from the smallest size of the photo that is large enough: a large face needs no large photo.
    """
    enough = [level for level in levels if tile / side <= level.scale[0] <= 1.0]
    level = min(enough, key=lambda one: one.pixels.size, default=levels[0])
    limits = np.array(levels[0].pixels.shape[1::-1])
    low, high = np.clip(corner, 0, limits), np.clip(corner + side, 0, limits)
    place = np.rint((low - corner) * tile / side).astype(int)
    size = np.rint((high - corner) * tile / side).astype(int) - place
    canvas = np.full((tile, tile, 3), round(_MIDDLE), dtype=np.uint8)
    if (size > 0).all():
        left, top, right, bottom = (np.concatenate([low, high]) * np.tile(level.scale, 2)).tolist()
        part = _part(level.pixels, (left, top, right, bottom), (int(size[0]), int(size[1])))
        canvas[place[1] : place[1] + size[1], place[0] : place[0] + size[0]] = part
    return canvas


def _together(parts: Iterable[Faces]) -> Faces:
    some = [part for part in parts if len(part.scores)]
    if not some:
        return _NOTHING
    return Faces(np.concatenate([part.boxes for part in some]), np.concatenate([part.scores for part in some]))


def _sound(faces: Faces) -> Faces:
    """Leave out boxes without an extent."""
    keep = ((faces.boxes[:, 2:] - faces.boxes[:, :2]) >= 1.0).all(axis=1)
    return Faces(faces.boxes[keep], faces.scores[keep])


def _findings(boxes: Floats, scores: Floats, width: int, height: int) -> Iterator[Finding]:
    """Findings in 0..1 of the photo; what has less than a pixel left within it is gone."""
    limits = np.array([width, height, width, height])
    for box, score in zip(np.clip(boxes, 0, limits), scores, strict=True):
        if (box[2:] - box[:2] >= 1.0).all() or (limits[:2] == 1).any():
            left, top, right, bottom = (box / limits).tolist()
            yield Finding("face", float(score), ((left, top), (right, top), (right, bottom), (left, bottom)))


def build(card: Card, network: Runs, check: Runs) -> FaceDetector:
    """Entry point of the registry."""
    return FaceDetector(card, network, check)
