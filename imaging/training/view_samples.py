"""Training samples of `view_and_wheels`: photos mirrored, cropped and recoloured, looks from too near, empty scenes.

A pure function of the photos and a random generator, so that a resumed run sees the same samples. No torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from imaging.ml.models.view_and_wheels import VIEWS
from imaging.training.mask_samples import camera, drawn, light
from imaging.training.view_photos import CLOSE, Viewed

UInt8Image = npt.NDArray[np.uint8]
FloatMap = npt.NDArray[np.float32]
Wheels = tuple[tuple[float, float, float], ...]

STRIDE = 8
# Share of the samples in which no side can be named: drawn ones, and looks from near at any photo.
EMPTY, NEAR = 0.04, 0.08
# How far a tyre's centre is learned around it, in cells.
SPREAD = 0.9


@dataclass(frozen=True, slots=True)
class Source:
    """A labelled photo with its pixels (H, W, 3) uint8, not larger than needed."""

    photo: Viewed
    pixels: UInt8Image


@dataclass(frozen=True, slots=True)
class Sample:
    """`image` (S, S, 3) uint8. `view`: number of the view in VIEWS, -1 where no side can be named. `vehicle`: 1 where
    it can. `heat` (S / 8, S / 8), 0..1; `box` (S / 8, S / 8, 3): shift right and down in cells and the logarithm of
    the radius, where `inside` (S / 8, S / 8) is 1. `marked`: 1 where we know of all wheels."""

    image: UInt8Image
    view: int
    vehicle: float
    heat: FloatMap
    box: FloatMap
    inside: FloatMap
    marked: float


def mirrored(view: str) -> str:
    """Return the view of the mirrored photo: left and right change places."""
    return view.replace("left", "?").replace("right", "left").replace("?", "right")


def sample_make(
    sources: Sequence[Source], chances: npt.NDArray[np.float64], size: int, rng: np.random.Generator
) -> Sample:
    """Draw one sample of `size` pixels; `chances` of the sources sum to 1."""
    if rng.random() < EMPTY:
        return _labelled(drawn(size, rng), CLOSE, (), rng)
    source = sources[int(rng.choice(len(sources), p=chances))]
    if rng.random() < NEAR:
        source = replace(source, photo=replace(source.photo, view=CLOSE, wheels=None))
        picture, _ = _cropped(source, size, share=rng.uniform(0.15, 0.3), rng=rng)
        return _labelled(picture, CLOSE, None, rng)
    picture, wheels = _cropped(source, size, share=rng.uniform(0.78, 1.0), rng=rng)
    view = source.photo.view
    if rng.random() < 0.5:
        picture, view = picture[:, ::-1], mirrored(view)
        wheels = None if wheels is None else tuple((1.0 - x, y, radius) for x, y, radius in wheels)
    return _labelled(picture, view, wheels, rng)


def _cropped(source: Source, size: int, *, share: float, rng: np.random.Generator) -> tuple[FloatMap, Wheels | None]:
    """A part of the photo, and its wheels by that part; those whose centre it leaves out are gone."""
    height, width = source.pixels.shape[:2]
    aspect = math.exp(rng.normal(0, 0.08))
    wide, high = min(1.0, share * aspect), min(1.0, share / aspect)
    left, top = (1.0 - wide) * rng.random(), (1.0 - high) * rng.random()
    box = (left * width, top * height, (left + wide) * width, (top + high) * height)
    small = Image.fromarray(source.pixels).resize((size, size), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    if source.photo.wheels is None:
        return np.asarray(small, dtype=np.float32), None
    moved = (((x - left) / wide, (y - top) / high, radius / high) for x, y, radius in source.photo.wheels)
    inside = tuple(one for one in moved if 0.0 <= one[0] < 1.0 and 0.0 <= one[1] < 1.0)
    return np.asarray(small, dtype=np.float32), inside


def _labelled(picture: FloatMap, view: str, wheels: Wheels | None, rng: np.random.Generator) -> Sample:
    image = camera(np.clip(light(picture, rng), 0, 255).astype(np.uint8), rng)
    cells = image.shape[0] // STRIDE
    heat, box = np.zeros((cells, cells), dtype=np.float32), np.zeros((cells, cells, 3), dtype=np.float32)
    for wheel in wheels or ():
        _mark(heat, box, wheel)
    inside = (heat > 0.3).astype(np.float32)
    number = VIEWS.index(view) if view in VIEWS else -1
    return Sample(image, number, float(number >= 0), heat, box, inside, float(wheels is not None))


def _mark(heat: FloatMap, box: FloatMap, wheel: tuple[float, float, float]) -> None:
    """Put a tyre into the maps in place: a Gaussian around its centre, and what leads from each cell there to it."""
    cells = len(heat)
    column, row = wheel[0] * cells - 0.5, wheel[1] * cells - 0.5
    rows, columns = np.mgrid[:cells, :cells]
    bell = np.exp(-((columns - column) ** 2 + (rows - row) ** 2) / (2 * SPREAD**2)).astype(np.float32)
    bell /= max(1e-6, float(bell.max()))
    nearer = bell > heat
    size = np.full(heat.shape, math.log(max(wheel[2], 1e-3)))
    box[nearer] = np.stack([column - columns, row - rows, size], axis=2)[nearer]
    heat[nearer] = bell[nearer]
