"""Training samples of `vehicle_mask`: photos cropped and recoloured, cars cut out and put elsewhere. No torch.

Every sample is a pure function of the photos and a random generator, so that a resumed run sees the same samples.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from imaging.training.mask_photos import Masked

UInt8Image = npt.NDArray[np.uint8]
FloatMap = npt.NDArray[np.float32]
# Share of the samples that are composites, of the plain photos that are seen from near, and of empty scenes.
COMPOSITES, NEAR, EMPTY = 0.36, 0.22, 0.16
# From this share of a sample on a car is the main one; below it, nothing is told to be there or not.
LEAST = 0.01


@dataclass(frozen=True, slots=True)
class Sample:
    """`image` (S, S, 3) uint8; at half its size `target`, the main car 0..1, and `weight` >= 0."""

    image: UInt8Image
    target: FloatMap
    weight: FloatMap


@dataclass(frozen=True, slots=True)
class Layers:
    """A picture (H, W, 3) float32 0..255 with a mask and a trust, (H, W) float32 0..1."""

    picture: FloatMap
    mask: FloatMap
    trust: FloatMap


@dataclass(frozen=True, slots=True)
class Sources:
    """What samples are made of: `masked` photos whose mask is known whole, `boxed` ones of which only a part is known,
    `scenes` to put cars into, and pictures of `nothing` that is a vehicle."""

    masked: Sequence[Masked]
    boxed: Sequence[Masked]
    scenes: Sequence[UInt8Image]
    nothing: Sequence[UInt8Image]


def sample_make(sources: Sources, size: int, rng: np.random.Generator, *, boxed: float) -> Sample:
    """Draw one sample of `size` pixels; `boxed` is the share of the photos of which only boxes are known."""
    chance = rng.random()
    if chance < EMPTY:
        layers = _scene(sources, size, rng)
    elif chance < EMPTY + COMPOSITES:
        layers = _composite(sources, size, rng)
    else:
        few = bool(sources.boxed) and rng.random() < boxed
        layers = _photo(_one(sources.boxed if few else sources.masked, rng), size, rng)
    if rng.random() < 0.5:
        layers = Layers(layers.picture[:, ::-1], layers.mask[:, ::-1], layers.trust[:, ::-1])
    return _finished(layers, rng)


def _one(things: Sequence[Masked], rng: np.random.Generator) -> Masked:
    return things[int(rng.integers(len(things)))]


def _photo(masked: Masked, size: int, rng: np.random.Generator) -> Layers:
    """The photo, a part of it, or a look from near at a part of its car."""
    height, width = masked.mask.shape
    near = rng.random() < NEAR
    share = math.exp(rng.uniform(math.log(0.15), math.log(0.5))) if near else rng.uniform(0.6, 1.0) ** 0.7
    aspect = math.exp(rng.normal(0, 0.28))
    wide, high = min(1.0, share * aspect) * width, min(1.0, share / aspect) * height
    focus = _somewhere(masked, rng) if near else (width / 2, height / 2)
    spread = (0.35, 0.35) if near else (0.5 * (width - wide) / wide, 0.5 * (height - high) / high)
    left = _inside(focus[0] - wide / 2 + wide * spread[0] * rng.uniform(-1, 1), width - wide)
    top = _inside(focus[1] - high / 2 + high * spread[1] * rng.uniform(-1, 1), height - high)
    return _cropped(masked, (left, top, left + wide, top + high), size)


def _somewhere(masked: Masked, rng: np.random.Generator) -> tuple[float, float]:
    """A pixel (x, y) of the car."""
    rows, columns = np.nonzero(masked.mask > 0.5)
    if not len(rows):
        return masked.mask.shape[1] / 2, masked.mask.shape[0] / 2
    index = int(rng.integers(len(rows)))
    return float(columns[index]), float(rows[index])


def _inside(value: float, limit: float) -> float:
    return min(max(0.0, value), max(0.0, limit))


def _cropped(masked: Masked, box: tuple[float, float, float, float], size: int) -> Layers:
    return Layers(
        _resized(masked.pixels, box, (size, size)), *(_plane(x, box, (size, size)) for x in (masked.mask, masked.trust))
    )


def _resized(pixels: UInt8Image, box: tuple[float, float, float, float], size: tuple[int, int]) -> FloatMap:
    """The part `box` (left, top, right, bottom) at `size` (width, height)."""
    small = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    return np.asarray(small, dtype=np.float32)


def _plane(plane: FloatMap, box: tuple[float, float, float, float], size: tuple[int, int]) -> FloatMap:
    return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR, box=box))


def _scene(sources: Sources, size: int, rng: np.random.Generator) -> Layers:
    """A scene by itself, without a car: a picture of something else, drawn colours, a thing of no meaning before a
    street; or a street alone, whose cars nobody marked, so that only what is far above or below its middle is empty."""
    chance = rng.random()
    if chance < 0.45 and sources.nothing:
        return _empty(part(sources.nothing[int(rng.integers(len(sources.nothing)))], size, rng))
    if chance < 0.55:
        return _empty(drawn(size, rng))
    street = _street(sources, size, rng)
    if chance < 0.9:
        return _thing(street, sources, rng)
    trust = np.zeros((size, size), dtype=np.float32)
    trust[: size // 5] = trust[-size // 6 :] = 1.0
    return Layers(street, np.zeros((size, size), dtype=np.float32), trust)


def part(picture: UInt8Image, size: int, rng: np.random.Generator) -> FloatMap:
    """Any part of a picture, stretched."""
    height, width = picture.shape[:2]
    wide, high = width * rng.uniform(0.3, 1.0), height * rng.uniform(0.3, 1.0)
    left, top = rng.uniform(0, width - wide + 1e-6), rng.uniform(0, height - high + 1e-6)
    return _resized(picture, (left, top, left + wide, top + high), (size, size))


def _thing(street: FloatMap, sources: Sources, rng: np.random.Generator) -> Layers:
    """Something large before a street that is no car: a rounded shape of another picture's colours, with a shadow.

    Known to be no car is that shape; the street's own cars stay untold.
    """
    size = len(street)
    inner = part(sources.nothing[int(rng.integers(len(sources.nothing)))], size, rng) if sources.nothing else street
    shape = Image.new("L", (size, size))
    middle = np.array([rng.normal(0.5, 0.1), rng.normal(0.55, 0.08)]) * size
    angles = np.sort(rng.uniform(0, 2 * math.pi, int(rng.integers(5, 12))))
    reach = rng.uniform(0.15, 0.45, len(angles))[:, None] * size * np.array([1.2, 0.8])
    points = middle + reach * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    ImageDraw.Draw(shape).polygon([(float(x), float(y)) for x, y in points], fill=255)
    soft = (
        np.asarray(shape.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.004, 0.02)) * size)), dtype=np.float32)
        / 255
    )
    rows, columns = np.nonzero(soft > 0.5)
    if not len(rows):
        return _empty(inner)
    place = (slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1))
    mixed = _shadow(street, place) * (1 - soft[..., None]) + inner * soft[..., None]
    return Layers(
        np.asarray(mixed, dtype=np.float32), np.zeros_like(soft), np.where(soft > 0.9, 1.0, 0.0).astype(np.float32)
    )


def _empty(picture: FloatMap) -> Layers:
    plain = np.zeros(picture.shape[:2], dtype=np.float32)
    return Layers(picture, plain, plain + 1.0)


def drawn(size: int, rng: np.random.Generator) -> FloatMap:
    """Blots of colour of several sizes over each other, with edges: no street, and no car."""
    picture = np.zeros((size, size, 3), dtype=np.float32) + rng.uniform(30, 220, 3).astype(np.float32)
    for cells in (2, 5, 16, 64):
        noise = Image.fromarray(rng.integers(0, 255, (cells, cells, 3)).astype(np.uint8))
        kind = Image.Resampling.NEAREST if rng.random() < 0.3 else Image.Resampling.BICUBIC
        picture += (np.asarray(noise.resize((size, size), kind), dtype=np.float32) - 127) * rng.uniform(0.05, 0.4)
    return np.clip(picture, 0, 255)


def _street(sources: Sources, size: int, rng: np.random.Generator) -> FloatMap:
    """A part of a street scene, or what surrounds the car on another photo."""
    scene = sources.scenes[int(rng.integers(len(sources.scenes)))]
    height, width = scene.shape[:2]
    share = rng.uniform(0.35, 1.0)
    wide, high = share * width, min(1.0, share * math.exp(rng.normal(0.15, 0.2))) * height
    left, top = rng.uniform(0, width - wide + 1e-6), rng.uniform(0, height - high + 1e-6)
    return _resized(scene, (left, top, left + wide, top + high), (size, size))


def _composite(sources: Sources, size: int, rng: np.random.Generator) -> Layers:
    """A cut-out car before another scene, sometimes with a smaller one behind it that does not count."""
    other = _one(sources.masked, rng)
    chance = rng.random()
    if chance < 0.5:
        # Another photo keeps its light, road and houses; the car that stood there is told nothing of where it shows.
        ground = _photo_whole(other, size, rng)
    else:
        ground = _empty(_street(sources, size, rng) if chance < 0.92 else drawn(size, rng))
    if rng.random() < 0.3:
        ground = _pasted(ground, _one(sources.masked, rng), rng, reach=(0.2, 0.45), main=False)
    return _pasted(ground, _one(sources.masked, rng), rng, reach=(0.45, 1.15), main=True)


def _photo_whole(masked: Masked, size: int, rng: np.random.Generator) -> Layers:
    height, width = masked.mask.shape
    share = rng.uniform(0.7, 1.0, 2)
    left, top = (1 - share) * (width, height) * rng.random(2)
    layers = _cropped(masked, (left, top, left + share[0] * width, top + share[1] * height), size)
    near = _filtered(layers.mask, ImageFilter.BoxBlur(3)) > 0.02
    return Layers(layers.picture, np.zeros_like(layers.mask), layers.trust * ~near)


def _pasted(ground: Layers, car: Masked, rng: np.random.Generator, *, reach: tuple[float, float], main: bool) -> Layers:
    """Put the car of `car` on `ground`; `reach` limits its width by the sample's."""
    size = ground.mask.shape[0]
    rows, columns = np.nonzero(car.mask > 0.5)
    if len(rows) < 100:
        return ground
    box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    wide = size * rng.uniform(*reach)
    high = wide * (box[3] - box[1]) / (box[2] - box[0]) * math.exp(rng.normal(0.15, 0.25))
    shrink = min(1.0, 1.15 * size / high)
    shape = (max(8, round(wide * shrink)), max(8, round(high * shrink)))
    bounds = (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
    picture = _recoloured(_resized(car.pixels, bounds, shape), rng)
    alpha = _plane(car.mask, bounds, shape)
    left, top = _place(shape, size, rng, main=main)
    return _over(ground, picture, _softened(alpha, rng), (left, top), main=main)


def _place(shape: tuple[int, int], size: int, rng: np.random.Generator, *, main: bool) -> tuple[int, int]:
    """Left and top edge: the main car near the middle, another one anywhere and higher up, as what is behind."""
    spread = 0.12 if main else 0.4
    left = (size - shape[0]) / 2 + rng.normal(0, spread) * size
    middle = rng.normal(0.56, 0.09) if main else rng.normal(0.42, 0.08)
    return round(left), round(middle * size - shape[1] / 2)


def _softened(alpha: FloatMap, rng: np.random.Generator) -> FloatMap:
    """The edge of a cut-out, drawn in a little and blurred, or what lay behind the car would come along."""
    soft = _filtered(alpha, ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.2))))
    return np.clip((soft - 0.35) / 0.5, 0, 1)


def _filtered(plane: FloatMap, blur: ImageFilter.Filter) -> FloatMap:
    picture = Image.fromarray((plane * 255).astype(np.uint8)).filter(blur)
    return np.asarray(picture, dtype=np.float32) / 255


def _over(ground: Layers, picture: FloatMap, alpha: FloatMap, at: tuple[int, int], *, main: bool) -> Layers:
    size, (left, top), (high, wide) = ground.mask.shape[0], at, alpha.shape
    rows = slice(max(0, top), min(size, top + high))
    columns = slice(max(0, left), min(size, left + wide))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return ground
    part = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    full = np.zeros((size, size), dtype=np.float32)
    full[rows, columns] = alpha[part]
    layer = np.zeros_like(ground.picture)
    layer[rows, columns] = picture[part]
    mixed = _shadow(ground.picture, (rows, columns)) * (1 - full[..., None]) + layer * full[..., None]
    mask = ground.mask * (1 - full) + (full if main else 0)
    return Layers(
        np.asarray(mixed, dtype=np.float32), mask, np.asarray(np.maximum(ground.trust, full), dtype=np.float32)
    )


def _shadow(picture: FloatMap, place: tuple[slice, slice]) -> FloatMap:
    """Darken the ground below a car."""
    size = picture.shape[0]
    rows, columns = place
    shade = Image.new("L", (size, size))
    deep = max(4, (rows.stop - rows.start) // 8)
    box = (columns.start, rows.stop - deep, columns.stop, rows.stop + deep // 2)
    ImageDraw.Draw(shade).ellipse(box, fill=170)
    soft = np.asarray(shade.filter(ImageFilter.BoxBlur(max(2, deep // 2))), dtype=np.float32) / 255
    return picture * (1 - soft[..., None])


def _recoloured(picture: FloatMap, rng: np.random.Generator) -> FloatMap:
    """The same car in another paint and light."""
    if rng.random() < 0.4:
        picture = picture[..., rng.permutation(3)]
    if rng.random() < 0.3:
        picture = 127 + (picture - 127) * rng.uniform(0.6, 1.2) + rng.uniform(-50, 60)
    return np.asarray(np.clip(picture * np.exp(rng.normal(0, 0.1, 3)), 0, 255), dtype=np.float32)


def _finished(layers: Layers, rng: np.random.Generator) -> Sample:
    """Light and camera over all, and the masks at half the size."""
    image = np.clip(light(layers.picture, rng), 0, 255).astype(np.uint8)
    target, trust = _halved(layers.mask), _halved(layers.trust)
    if 0 < target.mean() < LEAST:
        trust = trust * (target < 0.01)
    return Sample(camera(image, rng), target, trust)


def _halved(plane: FloatMap) -> FloatMap:
    half = plane.shape[0] // 2
    return np.ascontiguousarray(plane.reshape(half, 2, half, 2).mean(axis=(1, 3)), dtype=np.float32)


def light(picture: FloatMap, rng: np.random.Generator) -> FloatMap:
    """Brightness, contrast and cast of other cameras and hours; sometimes none of the colours."""
    if rng.random() < 0.1:
        picture = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    gain = np.exp(rng.normal(0, 0.2) + rng.normal(0, 0.08, 3)).astype(np.float32)
    lit = np.clip(picture * gain, 0, 255) / 255
    bent = lit ** np.float32(math.exp(rng.normal(0, 0.2))) * 255
    return np.asarray((bent - 127) * math.exp(rng.normal(0, 0.15)) + 127, dtype=np.float32)


def camera(image: UInt8Image, rng: np.random.Generator) -> UInt8Image:
    """Blur, noise and compression, each sometimes."""
    if rng.random() < 0.12:
        blur = ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.6)))
        image = np.asarray(Image.fromarray(image).filter(blur))
    if rng.random() < 0.15:
        noise = rng.normal(0, rng.uniform(2, 10), image.shape).astype(np.float32)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=int(rng.integers(35, 92)))
        image = np.array(Image.open(buffer))
    return np.ascontiguousarray(image)
