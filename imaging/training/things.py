"""Drawn things that are no vehicle, on grounds of all kinds: what people photograph by mistake has no end. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from imaging.training.mask_samples import drawn, part

UInt8Image = npt.NDArray[np.uint8]
FloatMap = npt.NDArray[np.float32]

# Corners along an outline, and the most things on one picture.
_CORNERS, _MOST = 72, 5


def things_draw(pictures: Sequence[UInt8Image], size: int, rng: np.random.Generator) -> FloatMap:
    """Draw one to four things on a ground, (size, size, 3) 0..255; `pictures`, of no vehicle, lend grounds and skins.

    The numbers are choices by eye, for variety alone.
    """
    picture = _surface(pictures, size, rng)
    for _ in range(int(rng.integers(1, _MOST))):
        alpha = _outline(size, rng)[..., None]
        skin = _surface(pictures, size, rng) * _shading(size, rng)[..., None]
        picture = picture * (1 - alpha) + skin * alpha
    return np.asarray(np.clip(picture, 0, 255), dtype=np.float32)


def _surface(pictures: Sequence[UInt8Image], size: int, rng: np.random.Generator) -> FloatMap:
    """One colour running into another, blots, or a part of a picture."""
    chance = rng.random()
    if chance < 0.5 or not pictures:
        return _running(size, rng)
    if chance < 0.65:
        return drawn(size, rng)
    return part(pictures[int(rng.integers(len(pictures)))], size, rng)


def _running(size: int, rng: np.random.Generator) -> FloatMap:
    """Two colours, alike or not, and a fine grain."""
    first = rng.uniform(10, 250, 3)
    second = np.clip(first + rng.normal(0, 50, 3), 0, 255)
    slope = _ramp(size, rng)[..., None]
    grain = rng.standard_normal((size, size, 1)) * rng.uniform(0, 5)
    return np.asarray(np.clip(first * (1 - slope) + second * slope + grain, 0, 255), dtype=np.float32)


def _ramp(size: int, rng: np.random.Generator) -> FloatMap:
    """0..1 across the picture in some direction, (size, size)."""
    angle = rng.uniform(0, 2 * math.pi)
    rows, columns = np.mgrid[:size, :size] / size - 0.5
    return np.asarray(np.clip(0.5 + rows * math.sin(angle) + columns * math.cos(angle), 0, 1), dtype=np.float32)


def _shading(size: int, rng: np.random.Generator) -> FloatMap:
    """Light from one side, and sometimes a gleam: what makes a thing round."""
    light = 1.0 + (_ramp(size, rng) - 0.5) * rng.uniform(0, 1.2)
    if rng.random() < 0.4:
        middle, reach = rng.uniform(0.3, 0.7, 2), rng.uniform(0.03, 0.15)
        rows, columns = np.mgrid[:size, :size] / size
        away = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2
        light = light + rng.uniform(0.2, 0.9) * np.exp(-away / (2 * reach**2))
    return np.asarray(light, dtype=np.float32)


def _outline(size: int, rng: np.random.Generator) -> FloatMap:
    """A blot, a box, a stroke or petals, its edge a little soft, (size, size) 0..1."""
    canvas = Image.new("L", (size, size))
    pen, chance = ImageDraw.Draw(canvas), rng.random()
    middle = rng.uniform(0.25, 0.75, 2) * size
    wide, high = np.exp(rng.uniform(np.log(0.08), np.log(0.5), 2)) * size
    if chance < 0.2:
        corner = min(wide, high) * rng.uniform(0, 1)
        box = (middle[0] - wide, middle[1] - high, middle[0] + wide, middle[1] + high)
        pen.rounded_rectangle(box, radius=corner, fill=255)
    elif chance < 0.35:
        points = rng.uniform(0, size, (int(rng.integers(2, 5)), 2))
        pen.line([(float(x), float(y)) for x, y in points], fill=255, width=int(rng.uniform(0.02, 0.15) * size) + 1)
    else:
        pen.polygon([(float(x), float(y)) for x, y in middle + _around(rng) * (wide, high)], fill=255)
    turned = canvas.rotate(float(rng.uniform(0, 360)))
    soft = turned.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 2.0))))
    return np.asarray(soft, dtype=np.float32) / 255


def _around(rng: np.random.Generator) -> FloatMap:
    """Corners of an outline about the origin, of radius about 1: waves along it make it round, odd or petalled."""
    angles = np.linspace(0, 2 * math.pi, _CORNERS, endpoint=False)
    radius = np.ones(_CORNERS)
    for waves in rng.integers(1, 9, size=int(rng.integers(0, 4))):
        radius += rng.uniform(0, 0.45) * np.cos(waves * angles + rng.uniform(0, 2 * math.pi))
    radius = np.clip(radius, 0.15, 1.6)
    return np.asarray(np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1), dtype=np.float32)
