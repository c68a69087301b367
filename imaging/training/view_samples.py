"""Training samples of `view_and_wheels`: photos mirrored, cropped and recoloured, looks from too near, cars put into
other scenes, parts of photos and pictures without a vehicle.

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
from imaging.training import mask_samples
from imaging.training.mask_samples import camera, drawn, light
from imaging.training.things import things_draw
from imaging.training.view_photos import CLOSE, NOTHING, Viewed

UInt8Image = npt.NDArray[np.uint8]
FloatMap = npt.NDArray[np.float32]
Wheels = tuple[tuple[float, float, float], ...]

STRIDE = 8
# Share of the samples that are drawn blots, that are drawn things, that are made as those of vehicle_mask are, and of
# the rest that are looks from near at any photo.
EMPTY, THINGS, COMPOSED, NEAR = 0.03, 0.12, 0.3, 0.1
# Of the composed ones as vehicle_mask's recipe has it; and the car's share of a sample from which on it is there, and
# below which it is not.
BOXED, THERE, GONE = 0.12, 0.15, 0.005
# vehicle_mask is sure of a pixel whose chance is this near to 0 or 1: 0 is anything, 1 is certain.
SURE = 0.6
# How far a tyre's centre is learned around it, in cells.
SPREAD = 0.9


@dataclass(frozen=True, slots=True)
class Source:
    """A labelled photo with its pixels (H, W, 3) uint8, not larger than needed, and how sure vehicle_mask is of the car
    there, (H, W) uint8 0..255; None where it was not asked."""

    photo: Viewed
    pixels: UInt8Image
    car: UInt8Image | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """`image` (S, S, 3) uint8. `view`: number of the view in VIEWS, -1 where no side can be named. `vehicle`: 1 where
    it can. `heat` (S / 8, S / 8), 0..1; `box` (S / 8, S / 8, 3): shift right and down in cells and the logarithm of
    the radius, where `inside` (S / 8, S / 8) is 1. `marked`: 1 where we know of all wheels. `present`: 1 where a
    vehicle or a part of one is. `car` (S / 8, S / 8), 0..1, how much of a cell it covers, where `known` (S / 8, S / 8)
    is 1. `vehicle` and `present` are -1 where we do not know."""

    image: UInt8Image
    view: int
    vehicle: float
    heat: FloatMap
    box: FloatMap
    inside: FloatMap
    marked: float
    present: float
    car: FloatMap
    known: FloatMap


def mirrored(view: str) -> str:
    """Return the view of the mirrored photo: left and right change places."""
    return view.replace("left", "?").replace("right", "left").replace("?", "right")


def sample_make(
    sources: Sequence[Source],
    chances: npt.NDArray[np.float64],
    size: int,
    rng: np.random.Generator,
    *,
    masked: mask_samples.Sources | None = None,
) -> Sample:
    """Draw one sample of `size` pixels; `chances` of the sources sum to 1; `masked`: what composed ones are made of."""
    chance = rng.random()
    if chance < EMPTY:
        return _labelled(_Cut(drawn(size, rng), NOTHING, (), None), rng)
    if masked is not None and chance < EMPTY + THINGS:
        pictures = [one.pixels for one in sources if one.photo.view == NOTHING] + list(masked.nothing)
        return _labelled(_Cut(things_draw(pictures, size, rng), NOTHING, (), None), rng)
    if masked is not None and chance < EMPTY + THINGS + COMPOSED:
        return _composed(mask_samples.sample_make(masked, size, rng, boxed=BOXED))
    source = sources[int(rng.choice(len(sources), p=chances))]
    if source.photo.view != NOTHING and rng.random() < NEAR:
        near = replace(source, photo=replace(source.photo, view=CLOSE, wheels=None))
        return _near(_labelled(_cropped(near, size, share=rng.uniform(0.15, 0.3), rng=rng), rng), source)
    cut = _cropped(source, size, share=rng.uniform(0.78, 1.0), rng=rng)
    return _labelled(_mirrored(cut) if rng.random() < 0.5 else cut, rng)


@dataclass(frozen=True, slots=True)
class _Cut:
    """A part of a photo (S, S, 3), its view, its wheels by that part; how much of each cell (S / 8, S / 8) the car
    covers, and how much of it is known."""

    picture: FloatMap
    view: str
    wheels: Wheels | None
    car: tuple[FloatMap, FloatMap] | None


def _mirrored(cut: _Cut) -> _Cut:
    wheels = None if cut.wheels is None else tuple((1.0 - x, y, radius) for x, y, radius in cut.wheels)
    car = None if cut.car is None else (cut.car[0][:, ::-1], cut.car[1][:, ::-1])
    return _Cut(cut.picture[:, ::-1], mirrored(cut.view), wheels, car)


def _cropped(source: Source, size: int, *, share: float, rng: np.random.Generator) -> _Cut:
    """A part of the photo; wheels whose centre it leaves out are gone."""
    height, width = source.pixels.shape[:2]
    aspect = math.exp(rng.normal(0, 0.08))
    wide, high = min(1.0, share * aspect), min(1.0, share / aspect)
    left, top = (1.0 - wide) * rng.random(), (1.0 - high) * rng.random()
    box = (left * width, top * height, (left + wide) * width, (top + high) * height)
    small = Image.fromarray(source.pixels).resize((size, size), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    picture, car = np.asarray(small, dtype=np.float32), _car_in(source, size // STRIDE, box)
    if source.photo.wheels is None:
        return _Cut(picture, source.photo.view, None, car)
    moved = (((x - left) / wide, (y - top) / high, radius / high) for x, y, radius in source.photo.wheels)
    inside = tuple(one for one in moved if 0.0 <= one[0] < 1.0 and 0.0 <= one[1] < 1.0)
    return _Cut(picture, source.photo.view, inside, car)


def _car_in(source: Source, cells: int, box: tuple[float, float, float, float]) -> tuple[FloatMap, FloatMap] | None:
    """How much of each cell of a part of the photo the car covers, and how much of it vehicle_mask is sure of."""
    if source.car is None:
        return None
    sure = (np.abs(source.car.astype(np.int16) - 127) > SURE * 127).astype(np.uint8) * 255
    planes = (Image.fromarray(one).resize((cells, cells), Image.Resampling.BOX, box=box) for one in (source.car, sure))
    car, known = (np.asarray(plane, dtype=np.float32) / 255.0 for plane in planes)
    return car, known


def _labelled(cut: _Cut, rng: np.random.Generator) -> Sample:
    image = camera(np.clip(light(cut.picture, rng), 0, 255).astype(np.uint8), rng)
    cells = image.shape[0] // STRIDE
    heat, box = np.zeros((cells, cells), dtype=np.float32), np.zeros((cells, cells, 3), dtype=np.float32)
    for wheel in cut.wheels or ():
        _mark(heat, box, wheel)
    inside = (heat > 0.3).astype(np.float32)
    number = VIEWS.index(cut.view) if cut.view in VIEWS else -1
    car, known = _car_told(cut, cells)
    present = float(cut.view != NOTHING)
    return Sample(
        image, number, float(number >= 0), heat, box, inside, float(cut.wheels is not None), present, car, known
    )


def _car_told(cut: _Cut, cells: int) -> tuple[FloatMap, FloatMap]:
    """The car in each cell, and where that is known: where vehicle_mask is sure, and everywhere without a vehicle."""
    nowhere = np.zeros((cells, cells), dtype=np.float32)
    if cut.view == NOTHING:
        return nowhere, nowhere + 1.0
    if cut.car is None:
        return nowhere, nowhere
    return np.ascontiguousarray(cut.car[0]), np.ascontiguousarray(cut.car[1])


def _near(sample: Sample, source: Source) -> Sample:
    """A look from near at a photo: a vehicle is there if the car covers enough of it, none if it covers nothing."""
    if source.car is None:
        return replace(sample, present=-1.0)
    share = float(sample.car.mean())
    return replace(sample, present=1.0 if share >= THERE else 0.0 if share <= GONE else -1.0)


def _composed(made: mask_samples.Sample) -> Sample:
    """A sample of vehicle_mask's: it knows where the car is, and of neither side nor wheels."""
    car, known = (_pooled(plane, STRIDE // 2) for plane in (made.target, made.weight))
    nowhere = np.zeros_like(car)
    box = np.zeros((*car.shape, 3), dtype=np.float32)
    share = float(car.mean())
    empty = share == 0.0 and float(known.min()) > 0.99
    present = 1.0 if share >= mask_samples.LEAST else 0.0 if empty else -1.0
    vehicle = 0.0 if empty else -1.0
    return Sample(made.image, -1, vehicle, nowhere, box, nowhere, 0.0, present, car, known)


def _pooled(plane: FloatMap, step: int) -> FloatMap:
    side = plane.shape[0] // step
    return np.ascontiguousarray(plane.reshape(side, step, side, step).mean(axis=(1, 3)), dtype=np.float32)


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
