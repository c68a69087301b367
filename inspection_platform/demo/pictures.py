"""The demo's photos: a car drawn from three sides on a yard, with scratches where they are wanted.

Drawn with Pillow at a modest size, so that the models are quick about them. Units: the car's length is ten, x to the
right, y downwards from the belt line; a `view` is one side of the car.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

WIDTH: Final = 800
HEIGHT: Final = 600
VIEWS: Final = ("left", "right", "front")
#: Pixels of one unit and where the belt line's left end is.
_UNIT: Final = 67
_LEFT: Final = (WIDTH - 10 * _UNIT) // 2
_BELT: Final = int(HEIGHT * 0.5)
#: Where the wall and the ground begin, as shares of the height.
_WALL: Final = 0.30
_GROUND: Final = 0.62

Point = tuple[float, float]
Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Scratch:
    """A scratch on one view: where it begins (units), how far it runs, and the seed of its shape."""

    view: str
    x: float
    y: float
    length: float
    seed: int


@dataclass(frozen=True, slots=True)
class Photo:
    """A drawn photo as JPEG, with the boxes of its scratches as polygons, 0..1 of the photo."""

    name: str
    data: bytes
    scratches: tuple[tuple[Point, ...], ...]


def photos_draw(*, paint: Colour, scratches: Sequence[Scratch], seed: int) -> tuple[Photo, ...]:
    """Draw the car from its sides; `seed` changes the light and the grain, not the car."""
    return tuple(
        _photo(view, paint, [one for one in scratches if one.view == view], np.random.default_rng((seed, number)))
        for number, view in enumerate(VIEWS)
    )


def _photo(view: str, paint: Colour, scratches: Sequence[Scratch], rng: np.random.Generator) -> Photo:
    picture = Image.fromarray(_yard(rng))
    draw = ImageDraw.Draw(picture)
    _DRAWERS[view](draw, paint)
    boxes = [_scratch(draw, one) for one in scratches]
    data = io.BytesIO()
    _as_camera(picture, rng).save(data, "JPEG", quality=90)
    return Photo(f"{view}.jpg", data.getvalue(), tuple(_polygon(box) for box in boxes))


def _yard(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Sky, a wall and wet asphalt, (HEIGHT, WIDTH, 3)."""
    rows = np.linspace(0, 1, HEIGHT)[:, None]
    sky, asphalt = np.array([176, 198, 222]) * (1.05 - 0.2 * rows), np.array([92, 94, 98]) * (0.75 + 0.4 * rows)
    column = np.where(rows < _GROUND, sky, asphalt)
    column[int(_WALL * HEIGHT) : int(_GROUND * HEIGHT)] = (148, 140, 130)
    blotches = rng.normal(0, 5, (HEIGHT // 8, WIDTH // 8)).repeat(8, 0).repeat(8, 1).astype(np.float32)
    yard = column[:, None, :].astype(np.float32) * np.float32(rng.uniform(0.92, 1.06)) + blotches[:, :, None]
    return np.asarray(yard.clip(0, 255), np.uint8)


def _as_camera(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A lens is a little soft and a sensor a little grainy."""
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.7)), np.float32)
    grain = 3 * rng.standard_normal((HEIGHT, WIDTH, 1), np.float32)
    return Image.fromarray((soft + grain).clip(0, 255).astype(np.uint8))


def _at(*points: Point) -> list[Point]:
    return [(_LEFT + x * _UNIT, _BELT + y * _UNIT) for x, y in points]


def _shade(paint: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, int(part * factor)) for part in paint)
    return red, green, blue


def _side(draw: ImageDraw.ImageDraw, paint: Colour, *, mirrored: bool) -> None:
    """A hatchback from the side; mirrored, its nose points to the right."""

    def at(*points: Point) -> list[Point]:
        return _at(*[(10 - x, y) if mirrored else (x, y) for x, y in points])

    def box(x0: float, y0: float, x1: float, y1: float) -> list[Point]:
        (ax, ay), (bx, by) = at((x0, y0), (x1, y1))
        return [(min(ax, bx), min(ay, by)), (max(ax, bx), max(ay, by))]

    dark, glass = _shade(paint, 0.62), (38, 48, 60)
    draw.polygon(at((0.1, 2.15), (9.95, 2.15), (9.4, 2.45), (0.6, 2.45)), fill=(48, 48, 52))
    draw.polygon(at((2.3, 0.1), (3.7, -1.3), (7.2, -1.35), (9.2, 0.1)), fill=dark)
    draw.polygon(at((0.1, 0.6), (0.5, 0.2), (2.3, 0), (9.2, 0), (9.8, 0.3), (9.9, 1.8), (0.1, 1.8)), fill=paint)
    draw.polygon(at((0.1, 1.35), (9.9, 1.35), (9.9, 1.8), (0.1, 1.8)), fill=_shade(paint, 0.82))
    draw.polygon(at((2.8, 0), (3.9, -1.15), (5.3, -1.18), (5.3, 0)), fill=glass)
    draw.polygon(at((5.45, 0), (5.45, -1.18), (7.0, -1.2), (8.4, 0)), fill=glass)
    for x in (2.75, 5.38, 7.9):
        draw.line(at((x, 0.05), (x, 1.75)), fill=dark, width=3)
    for x in (4.7, 7.2):
        draw.rectangle(box(x, 0.3, x + 0.5, 0.42), fill=dark)
    draw.rectangle(box(0.12, 0.65, 0.55, 0.95), fill=(244, 238, 205))
    draw.rectangle(box(9.6, 0.45, 9.9, 0.95), fill=(168, 22, 24))
    for x in (2.0, 8.1):
        draw.ellipse(box(x - 0.85, 0.95, x + 0.85, 2.65), fill=(22, 22, 24))
        draw.ellipse(box(x - 0.52, 1.28, x + 0.52, 2.32), fill=(164, 167, 172))
        draw.ellipse(box(x - 0.13, 1.67, x + 0.13, 1.93), fill=(58, 58, 60))


def _front(draw: ImageDraw.ImageDraw, paint: Colour) -> None:
    """The car from the front."""
    dark = _shade(paint, 0.62)
    draw.polygon(_at((2.0, 2.3), (8.0, 2.3), (7.6, 2.6), (2.4, 2.6)), fill=(48, 48, 52))
    for x in (2.2, 6.9):
        draw.rectangle(_at((x, 1.5), (x + 0.9, 2.5)), fill=(22, 22, 24))
    draw.polygon(_at((2.9, 0), (3.4, -1.5), (6.6, -1.5), (7.1, 0)), fill=dark)
    draw.polygon(_at((3.1, -0.1), (3.55, -1.35), (6.45, -1.35), (6.9, -0.1)), fill=(38, 48, 60))
    draw.polygon(_at((2.0, 0.4), (2.5, 0), (7.5, 0), (8.0, 0.4), (8.0, 2.1), (2.0, 2.1)), fill=paint)
    draw.rectangle(_at((2.0, 1.35), (8.0, 2.1)), fill=_shade(paint, 0.85))
    for x in (2.15, 6.95):
        draw.rectangle(_at((x, 0.5), (x + 0.9, 0.95)), fill=(244, 238, 205))
    draw.rectangle(_at((3.5, 0.55), (6.5, 1.0)), fill=(30, 30, 33))
    draw.rectangle(_at((4.2, 1.45), (5.8, 1.8)), fill=(240, 240, 238), outline=(40, 40, 40))


_DRAWERS: Final[Mapping[str, Callable[[ImageDraw.ImageDraw, Colour], None]]] = {
    "left": partial(_side, mirrored=False),
    "right": partial(_side, mirrored=True),
    "front": _front,
}


def _scratch(draw: ImageDraw.ImageDraw, scratch: Scratch) -> Box:
    """A bright jagged line through the paint with a dark edge; returns its box in px."""
    rng = np.random.default_rng(scratch.seed)
    count = max(3, int(scratch.length * 6))
    steps = rng.normal((scratch.length / count, 0.02), (0.02, 0.05), (count, 2))
    start = np.array([[scratch.x, scratch.y]])
    path = np.vstack([start, start + steps.cumsum(axis=0)])
    points = _at(*[(float(x), float(y)) for x, y in path])
    draw.line([(x, y + 2) for x, y in points], fill=(60, 60, 62), width=3, joint="curve")
    draw.line(points, fill=(232, 230, 226), width=4, joint="curve")
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs) - 4, min(ys) - 4, max(xs) + 4, max(ys) + 6


def _polygon(box: Box) -> tuple[Point, ...]:
    left, top, right, bottom = box
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return tuple((min(max(x / WIDTH, 0.0), 1.0), min(max(y / HEIGHT, 0.0), 1.0)) for x, y in corners)
