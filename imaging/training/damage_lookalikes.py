"""What damage is mistaken for, drawn on tiles without a label: gaps, drops, dirt, reflections, lettering. No torch.

Each function changes `image` (S, S, 3) float32, 0..255, in place.
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FloatMap = npt.NDArray[np.float32]
SIGNS = string.ascii_uppercase + string.digits


def gap_draw(image: FloatMap, rng: np.random.Generator) -> None:
    """A panel gap: a smooth dark line from edge to edge with a bright rim."""
    size = image.shape[0]
    heading, bend = rng.uniform(0, 2 * math.pi), rng.normal(0, 0.35)
    along = np.linspace(-0.8, 0.8, 40)
    turned = heading + bend * along
    path = rng.uniform(0.2, 0.8, 2) * size + np.stack([np.cos(turned), np.sin(turned)], 1) * along[:, None] * size
    picture = Image.new("L", (2 * size, 2 * size))
    ImageDraw.Draw(picture).line([(2 * x, 2 * y) for x, y in path], fill=255, width=int(rng.integers(3, 10)))
    line = _plane(picture.resize((size, size), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(0.6)))
    image += np.roll(line, int(rng.choice([-2, 2])), axis=int(rng.integers(2)))[..., None] * rng.uniform(0, 40)
    image *= 1.0 - line[..., None] * rng.uniform(0.35, 0.9)


def drops_draw(image: FloatMap, rng: np.random.Generator) -> None:
    """Rain on the paint: round drops, each with a bright side and a dark one."""
    size, middle = image.shape[0], rng.uniform(0, image.shape[0], 2)
    light, shade = Image.new("L", (size, size)), Image.new("L", (size, size))
    for x, y in middle + rng.normal(0, size / 5, (int(rng.integers(10, 90)), 2)):
        radius = float(rng.uniform(0.8, 3.5))
        for picture, shift in ((shade, 0.0), (light, 0.4 * radius)):
            box = (x - radius - shift, y - radius - shift, x + radius - shift, y + radius - shift)
            ImageDraw.Draw(picture).ellipse(box, fill=int(rng.integers(120, 255)))
    image -= _plane(shade.filter(ImageFilter.GaussianBlur(0.7)))[..., None] * rng.uniform(10, 35)
    image += _plane(light.filter(ImageFilter.GaussianBlur(0.7)))[..., None] * rng.uniform(10, 45)


def dirt_draw(image: FloatMap, rng: np.random.Generator) -> None:
    """A film of dust or mud: patches of a dull colour without an edge, finely speckled."""
    size = image.shape[0]
    coarse = Image.fromarray(rng.uniform(0, 1, (int(rng.integers(4, 10)),) * 2).astype(np.float32))
    film = np.clip(np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC)) - rng.uniform(0.3, 0.7), 0, 1)
    speckle = rng.uniform(0.5, 1.0, (size, size))
    alpha = (np.clip(film * 2, 0, 1) * speckle * rng.uniform(0.1, 0.5)).astype(np.float32)[..., None]
    image += alpha * (np.array([128, 112, 92]) * rng.uniform(0.6, 1.3) - image)


def reflection_draw(image: FloatMap, rng: np.random.Generator) -> None:
    """What the paint mirrors: a soft band of light, or the sharp edge of something bright or dark."""
    size = image.shape[0]
    picture = Image.new("L", (size, size))
    if rng.random() < 0.5:
        ends = [(float(x), float(y)) for x, y in rng.uniform(-0.2, 1.2, (3, 2)) * size]
        ImageDraw.Draw(picture).line(ends, fill=255, width=int(rng.integers(4, 40)))
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(2, 12))))
    else:
        ring = [(float(x), float(y)) for x, y in rng.uniform(-0.3, 1.3, (4, 2)) * size]
        ImageDraw.Draw(picture).polygon(ring, fill=255)
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 3))))
    image += _plane(picture)[..., None] * rng.uniform(-45, 55)


def lettering_draw(image: FloatMap, rng: np.random.Generator) -> None:
    """A model's name or a sticker: a few signs in one colour, at times on a plate of another."""
    size = image.shape[0]
    text = "".join(rng.choice(list(SIGNS), int(rng.integers(1, 9))))
    picture = Image.new("L", (size, size))
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(float(rng.uniform(7, 40)))
    corner = tuple(float(value) for value in rng.uniform(0.05, 0.8, 2) * size)
    if rng.random() < 0.3:
        box = pen.textbbox((corner[0], corner[1]), text, font=font)
        back = Image.new("L", (size, size))
        ImageDraw.Draw(back).rectangle((box[0] - 4, box[1] - 4, box[2] + 4, box[3] + 4), fill=255)
        _cover(image, back, rng)
    pen.text((corner[0], corner[1]), text, fill=255, font=font)
    _cover(image, picture.rotate(float(rng.normal(0, 8)), Image.Resampling.BILINEAR), rng)


DRAWN: tuple[Callable[[FloatMap, np.random.Generator], None], ...] = (
    gap_draw,
    drops_draw,
    dirt_draw,
    reflection_draw,
    lettering_draw,
)


def lookalike_draw(image: FloatMap, rng: np.random.Generator) -> None:
    """Draw one of them, each as often as the others."""
    DRAWN[int(rng.integers(len(DRAWN)))](image, rng)


def _cover(image: FloatMap, picture: Image.Image, rng: np.random.Generator) -> None:
    image += _plane(picture)[..., None] * (rng.uniform(0, 255, 3).astype(np.float32) - image) * rng.uniform(0.6, 1.0)


def _plane(picture: Image.Image) -> FloatMap:
    return np.asarray(picture, dtype=np.float32) / 255.0
