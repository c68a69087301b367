"""Covering regions: what is inside is gone, what is outside stays, a tilted plate is covered as far as it reaches."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from shapely.geometry.base import BaseGeometry

from imaging.ops.anonymise import CELLS, Margin, Method, anonymise, blur, fill, grown, pixelate, regions, short_side

NONE = Margin()
Outline = Sequence[tuple[float, float]]

coordinates = st.floats(-0.5, 1.5, allow_nan=False)
outlines = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=7)
sizes = st.integers(1, 60)
margins = st.builds(Margin, share=st.floats(0, 1), px=st.floats(0, 10))


def noise(width: int, height: int) -> NDArray[np.uint8]:
    return np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3), dtype=np.uint8)


def square(left: float, top: float, right: float, bottom: float) -> Outline:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def touched(shape: shapely.Geometry, width: int, height: int) -> NDArray[np.bool_]:
    """Which pixel squares a shape touches, by shapely alone."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.asarray(shapely.intersects(shapely.box(columns, rows, columns + 1, rows + 1), shape))


@settings(max_examples=80, deadline=None)
@given(sizes, sizes, st.lists(outlines, max_size=3), st.sampled_from(Method), margins)
def test_every_pixel_outside_the_grown_outlines_is_untouched(
    width: int, height: int, drawn: list[Outline], method: Method, margin: Margin
) -> None:
    image = noise(width, height)
    before = image.copy()
    covered = anonymise(image, drawn, method=method, margin=margin)
    reach = np.zeros((height, width), np.bool_)
    for outline in drawn:
        reach |= touched(grown(outline, width=width, height=height, margin=margin), width, height)
    assert np.array_equal(covered[~reach], image[~reach])
    assert np.array_equal(image, before), "the photo itself stays as it is"
    assert covered.shape == image.shape
    assert covered.dtype == np.uint8


@settings(max_examples=80, deadline=None)
@given(sizes, sizes, outlines, margins)
def test_every_pixel_an_outline_touches_is_inside_its_region(
    width: int, height: int, outline: Outline, margin: Margin
) -> None:
    points = [(x * width, y * height) for x, y in outline]
    shape: BaseGeometry = shapely.Polygon(points) if len(points) > 2 else shapely.MultiPoint(points)
    if not shape.is_valid or not shape.area:
        shape = shapely.MultiPoint(points).convex_hull
    inside = np.zeros((height, width), np.bool_)
    for region in regions([outline], width=width, height=height, margin=margin):
        inside[region.rows, region.columns] |= region.inside
    assert inside[touched(shape, width, height)].all()


@given(st.sampled_from(Method))
def test_the_same_photo_gives_the_same_picture(method: Method) -> None:
    image, outline = noise(50, 40), square(0.2, 0.2, 0.8, 0.6)
    first = anonymise(image, [outline], method=method, margin=NONE)
    assert np.array_equal(first, anonymise(image, [outline], method=method, margin=NONE))


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("side", [60, 240, 480])
def test_what_is_left_is_bounded_by_the_cells_at_any_size(method: Method, side: int) -> None:
    """The finest pattern a region can hold afterwards is one of cells: finer detail is gone at every size."""
    image = noise(side * 2, side)
    inside = anonymise(image, [square(0, 0, 1, 1)], method=method, margin=NONE).astype(np.float64)
    cell = side / CELLS
    fine = np.abs(np.fft.rfft2(inside.mean(axis=2)))
    rows, columns = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side * 2)[None, :]
    finer = np.hypot(rows, columns) > 2 / cell
    share = (fine[finer] ** 2).sum() / (np.abs(np.fft.rfft2(image.mean(axis=2)))[finer] ** 2).sum()
    assert share < (0.005 if method is Method.PIXELATE else 0.0005)
    assert len(np.unique(inside.reshape(-1, 3), axis=0)) <= (6 * CELLS * CELLS if method is Method.PIXELATE else 10**9)


def test_a_fill_keeps_one_colour() -> None:
    image = noise(40, 30)
    [region] = regions([square(0.25, 0.25, 0.75, 0.75)], width=40, height=30, margin=NONE)
    covered = fill(image, [square(0.25, 0.25, 0.75, 0.75)], margin=NONE)[region.rows, region.columns]
    assert len(np.unique(covered[region.inside], axis=0)) == 1


@pytest.mark.parametrize("height", [12, 30, 100, 300])
@pytest.mark.parametrize("method", list(Method))
def test_plates_with_another_text_come_out_nearly_alike(height: int, method: Method) -> None:
    margin = Margin(share=0.15)
    plates = [_plate(text, height) for text in ("AB12345", "XK98760")]
    covered = [anonymise(plate, [square(0, 0, 1, 1)], method=method, margin=margin) for plate in plates]
    before, after = _distance(*plates), _distance(*covered)
    assert before > 60
    assert after < before / 5


def _plate(text: str, height: int) -> NDArray[np.uint8]:
    picture = Image.new("RGB", (round(height * 4.6), height), "white")
    font = ImageFont.load_default(size=height * 0.8)
    ImageDraw.Draw(picture).text((height * 0.3, 0), text, fill="black", font=font)
    return np.asarray(picture)


def _distance(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Root mean square difference of two pictures, 0..255."""
    return float(np.sqrt(((one.astype(np.float64) - other) ** 2).mean()))


@pytest.mark.parametrize("angle", range(0, 180, 15))
def test_the_short_side_follows_the_angle(angle: int) -> None:
    turn = math.radians(angle)
    along, across = np.array([math.cos(turn), math.sin(turn)]), np.array([-math.sin(turn), math.cos(turn)])
    plate = shapely.Polygon([50 * along + 10 * across, -50 * along + 10 * across, -50 * along - 10 * across,
                             50 * along - 10 * across])  # fmt: skip
    assert short_side(plate) == pytest.approx(20)


def test_a_margin_grows_by_the_short_side() -> None:
    shape = grown(square(0.1, 0.4, 0.9, 0.6), width=100, height=100, margin=Margin(share=0.5, px=3))
    assert shape.bounds == pytest.approx((10 - 13, 40 - 13, 90 + 13, 60 + 13))


@pytest.mark.parametrize(
    "outline",
    [
        [(0.5, 0.5)], [(0.1, 0.1), (0.9, 0.9)], [(0.2, 0.2)] * 4, [(0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)],
        [(0.1, 0.5), (0.5, 0.5), (0.9, 0.5)],
    ],
)  # fmt: skip
def test_strange_outlines_are_covered_all_the_same(outline: Outline) -> None:
    image = noise(80, 60)
    covered = fill(image, [outline], margin=NONE)
    for x, y in outline:
        row, column = min(59, int(y * 60)), min(79, int(x * 80))
        assert (covered[row, column] != image[row, column]).any()


def test_outlines_beyond_the_photo_change_nothing() -> None:
    image = noise(20, 20)
    assert np.array_equal(pixelate(image, [square(1.5, 1.5, 2, 2), square(-3, 0, -2, 1)], margin=NONE), image)
    assert np.array_equal(blur(image, [], margin=NONE), image)


def test_a_grid_needs_a_cell() -> None:
    with pytest.raises(ValueError, match="one cell"):
        blur(noise(5, 5), [square(0, 0, 1, 1)], margin=NONE, cells=0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1)])
def test_the_thinnest_photos(shape: tuple[int, int]) -> None:
    image = noise(shape[1], shape[0])
    for method in Method:
        assert anonymise(image, [square(0, 0, 1, 1)], method=method, margin=Margin(0.2)).shape == image.shape
