"""A tilted rectangle comes out upright, whatever the camera did to it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from imaging.ops.rectify import Point, crop_size, perspective, rectified

WIDTH, HEIGHT = 400, 300
QUARTERS = ((200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30))


def turned(width: float, height: float, degrees: float) -> list[Point]:
    """Corners in pixels of a rectangle in the middle of the photo."""
    angle = math.radians(degrees)
    corners = [(-width / 2, -height / 2), (width / 2, -height / 2), (width / 2, height / 2), (-width / 2, height / 2)]
    return [
        (
            WIDTH / 2 + x * math.cos(angle) - y * math.sin(angle),
            HEIGHT / 2 + x * math.sin(angle) + y * math.cos(angle),
        )
        for x, y in corners
    ]


def between(one: Point, other: Point) -> Point:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


def photo(corners: list[Point]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A grey photo with the rectangle's four quarters in four colours, clockwise from its top left."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), (90, 90, 90))
    pen = ImageDraw.Draw(picture)
    middle = between(corners[0], corners[2])
    for index, colour in enumerate(QUARTERS):
        before, after = corners[index - 1], corners[(index + 1) % 4]
        pen.polygon(
            [corners[index], between(corners[index], after), middle, between(before, corners[index])], fill=colour
        )
    return np.asarray(picture)


def units(corners: list[Point]) -> list[Point]:
    return [(x / WIDTH, y / HEIGHT) for x, y in corners]


@pytest.mark.parametrize("degrees", [0, 7, -18, 45, 90, 180])
def test_turned_plate_comes_out_upright(degrees: float) -> None:
    corners = turned(160, 40, degrees)
    crop = rectified(photo(corners), units(corners))
    assert crop.shape == (40, 160, 3)
    seen = [crop[10, 40], crop[10, 120], crop[30, 120], crop[30, 40]]
    assert [tuple(int(value) for value in colour) for colour in seen] == list(QUARTERS)


def test_perspective_is_undone() -> None:
    corners = [(100.0, 80.0), (300.0, 120.0), (290.0, 170.0), (110.0, 190.0)]
    picture = Image.new("RGB", (WIDTH, HEIGHT), (90, 90, 90))
    ImageDraw.Draw(picture).polygon(corners, fill=(250, 10, 10))
    crop = rectified(np.asarray(picture), units(corners))
    inside = crop[3:-3, 3:-3].reshape(-1, 3).astype(int)
    assert np.abs(inside - (250, 10, 10)).max() < 12


def test_margin_shows_what_lies_around() -> None:
    corners = turned(100, 40, 10)
    crop = rectified(photo(corners), units(corners), margin=0.25)
    assert crop.shape == (60, 120, 3)
    assert crop[2, 60].tolist() == [90, 90, 90]
    assert crop[14, 30].tolist() == list(QUARTERS[0])


def test_corners_outside_repeat_the_edge() -> None:
    image = np.full((20, 30, 3), 50, dtype=np.uint8)
    crop = rectified(image, [(-0.5, -0.5), (1.5, -0.5), (1.5, 1.5), (-0.5, 1.5)])
    assert crop.shape == (40, 60, 3)
    assert (crop == 50).all()


@pytest.mark.parametrize(
    "polygon",
    [
        [],
        [(0.1, 0.1), (0.5, 0.1), (0.5, 0.5)],
        [(0.1, 0.1)] * 4,
        [(0.1, 0.1), (0.2, 0.2), (0.3, 0.3), (0.4, 0.4)],
        [(0.1, float("nan")), (0.5, 0.1), (0.5, 0.5), (0.1, 0.5)],
    ],
)
def test_what_is_no_quadrilateral_is_refused(polygon: list[Point]) -> None:
    with pytest.raises(ValueError, match="corners"):
        rectified(np.zeros((100, 100, 3), dtype=np.uint8), polygon)


def test_one_pixel_photo_gives_a_crop() -> None:
    assert rectified(np.full((1, 1, 3), 7, dtype=np.uint8), [(0, 0), (1, 0), (1, 1), (0, 1)]).tolist() == [[[7, 7, 7]]]


def test_crop_is_never_huge() -> None:
    assert crop_size(np.array([(0, 0), (90_000, 0), (90_000, 20_000), (0, 20_000)])) == pytest.approx(
        (1024, 227.6), abs=0.1
    )


@given(st.lists(st.floats(-8, 8), min_size=8, max_size=8))
def test_homography_takes_corners_to_corners(jitter: list[float]) -> None:
    source = np.array([(0.0, 0.0), (120.0, 0.0), (120.0, 40.0), (0.0, 40.0)])
    target = source + np.reshape(jitter, (4, 2))
    a, b, c, d, e, f, g, h = perspective(source, target)
    for (x, y), expected in zip(source, target, strict=True):
        below = g * x + h * y + 1
        assert ((a * x + b * y + c) / below, (d * x + e * y + f) / below) == pytest.approx(tuple(expected), abs=1e-6)
