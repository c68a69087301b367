"""Makes a crop of a photo out of a drawn plate: car around it, perspective, light, dirt, blur, few pixels, JPEG."""

from __future__ import annotations

import io
import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from imaging.ops.rectify import perspective
from imaging.training.plate_drawing import DrawnPlate

Rng = np.random.Generator
Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
# How much of its own size lies around the plate before the camera looks at it.
MARGIN = 0.5


def crop_make(plate: DrawnPlate, rng: Rng) -> Pixels:
    """Return (H, W, 3) uint8 RGB: the plate as a detector's box would cut it out, 12 to 140 px high."""
    seen = _looked_at(_mounted(Image.fromarray(plate.pixels), rng), plate.pixels.shape[1], plate.pixels.shape[0], rng)
    lit = _lit(np.asarray(_shrunk(seen, plate.lines, rng), dtype=np.float32), rng)
    return _photographed(lit, rng)


def _mounted(plate: Image.Image, rng: Rng) -> Image.Image:
    """The plate on something like a car: a shaded surface with a few edges, maybe a holder around the plate."""
    across, down = round(plate.width * MARGIN), round(plate.height * MARGIN)
    wide, high = plate.width + 2 * across, plate.height + 2 * down
    corners = rng.uniform(10, 245, 3) + rng.normal(0, 25, (2, 2, 3))
    car = Image.fromarray(np.clip(corners, 0, 255).astype(np.uint8)).resize((wide, high), Image.Resampling.BILINEAR)
    pen = ImageDraw.Draw(car)
    for _ in range(int(rng.integers(0, 5))):
        tone = tuple(int(value) for value in rng.integers(0, 255, 3))
        level = float(rng.uniform(0, high))
        pen.line((0, level, wide, level + rng.normal(0, 15)), fill=tone, width=int(rng.integers(2, 30)))
    if rng.random() < 0.4:
        edge = int(rng.uniform(2, 12))
        tone = tuple(int(value) for value in rng.integers(0, 70, 3))
        pen.rectangle((across - edge, down - edge, wide - across + edge, high - down + edge), fill=tone)
    car.paste(plate, (across, down))
    return car


def _looked_at(car: Image.Image, wide: int, high: int, rng: Rng) -> Image.Image:
    """What a box around the plate shows when the camera stands aside, above, and is held askew."""
    corners = _corners(wide, high, rng)
    low, far = corners.min(axis=0), corners.max(axis=0)
    size = far - low
    low = low - size * rng.uniform(-0.015, 0.1, 2) * (rng.random() < 0.85)
    far = far + size * rng.uniform(-0.015, 0.1, 2) * (rng.random() < 0.85)
    out = np.maximum(8, np.round(far - low)).astype(int)
    offset = np.array([round(wide * MARGIN), round(high * MARGIN)])
    flat = np.array([(0.0, 0.0), (wide, 0.0), (wide, high), (0.0, high)]) + offset
    matrix = perspective(corners - low, flat)
    return car.transform((int(out[0]), int(out[1])), Image.Transform.PERSPECTIVE, matrix, Image.Resampling.BILINEAR)


def _corners(wide: int, high: int, rng: Rng) -> npt.NDArray[np.float64]:
    """Where the plate's corners come to lie, clockwise from the top left, in pixels."""
    turn = math.radians(float(rng.normal(0, 3) if rng.random() < 0.75 else rng.uniform(-18, 18)))
    narrow = rng.uniform(0.55, 1.0) if rng.random() < 0.35 else 1.0
    box = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], dtype=np.float64) * (narrow, 1.0)
    # One end nearer than the other, and a slant.
    far = rng.normal(0, 0.05)
    box[[0, 3], 1] = high / 2 + (box[[0, 3], 1] - high / 2) * (1 + far)
    box[[1, 2], 1] = high / 2 + (box[[1, 2], 1] - high / 2) * (1 - far)
    box[:2, 0] += rng.normal(0, 0.06) * high
    turned = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    return np.asarray(box @ turned)


def _shrunk(seen: Image.Image, lines: int, rng: Rng) -> Image.Image:
    """Few pixels: a crop of one line 12 to 80 px high."""
    high = math.exp(rng.uniform(math.log(12), math.log(80))) * (1.0 if lines == 1 else 1.7)
    scale = min(1.5, high / seen.height)
    size = (max(4, round(seen.width * scale)), max(4, round(seen.height * scale)))
    way = (Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)[int(rng.integers(3))]
    return seen.resize(size, way)


def _lit(pixels: Floats, rng: Rng) -> Floats:
    """Exposure, cast, shadow, glare, dirt."""
    high, wide = pixels.shape[:2]
    pixels = 255 * (pixels / 255) ** math.exp(rng.normal(0, 0.3)) * rng.uniform(0.45, 1.15)
    pixels = pixels * (1 + rng.normal(0, 0.05, 3)) + rng.uniform(-10, 25)
    down, across = np.mgrid[0:high, 0:wide].astype(np.float32) / np.float32(max(high, 1))
    if rng.random() < 0.25:
        slope, level = rng.normal(0, 0.6), rng.uniform(0, 1)
        edge = 1 / (
            1 + np.exp(-np.clip((down - slope * (across - wide / high / 2) - level) * rng.uniform(4, 40), -30, 30))
        )
        pixels = pixels * (1 - rng.uniform(0.2, 0.6) * edge)[..., None]
    if rng.random() < 0.2:
        distance = (down - rng.uniform(0, 1)) ** 2 + (across - rng.uniform(0, wide / high)) ** 2
        pixels = pixels + (rng.uniform(40, 160) * np.exp(-distance / rng.uniform(0.02, 0.4)))[..., None]
    if rng.random() < 0.25:
        coarse = Image.fromarray(rng.uniform(0, 1, (4, 14)).astype(np.float32)).resize(
            (wide, high), Image.Resampling.BICUBIC
        )
        dirt = np.clip((np.asarray(coarse) - 0.55) * 2.5, 0, 0.8)[..., None] * rng.uniform(0.3, 0.9)
        pixels = pixels * (1 - dirt) + dirt * rng.uniform(60, 130)
    return np.asarray(pixels, dtype=np.float32)


def _photographed(pixels: Floats, rng: Rng) -> Pixels:
    """Blur, noise and JPEG."""
    picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    high = picture.height
    if rng.random() < 0.6:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 0.015 * high + 0.4))))
    noisy = np.asarray(picture, dtype=np.float32) + rng.normal(0, rng.uniform(0, 9), (high, picture.width, 1))
    picture = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
    if rng.random() < 0.15:
        picture = picture.convert("L").convert("RGB")
    if rng.random() < 0.2:
        picture = picture.filter(ImageFilter.UnsharpMask(2, int(rng.integers(50, 200)), 0))
    if rng.random() < 0.6:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=int(rng.integers(35, 95)))
        picture = Image.open(buffer).convert("RGB")
    return np.asarray(picture)


def nothing_make(rng: Rng) -> Pixels:
    """Return (H, W, 3) uint8 RGB: a piece of car without a plate."""
    size = (int(rng.uniform(60, 300)), int(rng.uniform(30, 90)))
    car = _mounted(Image.new("RGB", size, tuple(int(value) for value in rng.integers(0, 255, 3))), rng)
    return _photographed(_lit(np.asarray(_shrunk(car, 1, rng), dtype=np.float32), rng), rng)
