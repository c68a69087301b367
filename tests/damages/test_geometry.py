"""Polygons: known shapes by table, laws by hypothesis."""

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from itertools import combinations
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from damages import geometry
from damages.geometry import Box, PixelBox, Point, Polygon, PolygonError

UNIT = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
RIGHT_HALF = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))
MIDDLE = ((0.25, 0.0), (0.75, 0.0), (0.75, 1.0), (0.25, 1.0))
TRIANGLE = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
BOW_TIE = ((0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0))
SPIKED = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (-0.5, 0.0))
LINE = ((0.1, 0.1), (0.2, 0.2), (0.4, 0.4))
DOT = ((0.3, 0.3), (0.3, 0.3), (0.3, 0.3))

shares = st.floats(min_value=0, max_value=1)
points = st.tuples(shares, shares)
polygons = st.lists(points, min_size=3, max_size=8).map(tuple)
extents = st.integers(min_value=1, max_value=12_000)


def contains(outer: Box, inner: Box, slack: float = 1e-9) -> bool:
    return (
        outer.left <= inner.left + slack
        and outer.top <= inner.top + slack
        and outer.right >= inner.right - slack
        and outer.bottom >= inner.bottom - slack
    )


@pytest.mark.parametrize(
    ("polygon", "expected"),
    [(UNIT, 1.0), (LEFT_HALF, 0.5), (TRIANGLE, 0.5), (BOW_TIE, 0.5), (SPIKED, 0.5), (LINE, 0.0), (DOT, 0.0)],
)
def test_area(polygon: Polygon, expected: float) -> None:
    assert geometry.area(polygon) == pytest.approx(expected)


def test_area_does_not_depend_on_direction() -> None:
    assert geometry.area(tuple(reversed(TRIANGLE))) == geometry.area(TRIANGLE)


def test_two_points_are_no_polygon() -> None:
    with pytest.raises(PolygonError):
        geometry.area(((0.0, 0.0), (1.0, 1.0)))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (UNIT, UNIT, 1.0),
        (UNIT, LEFT_HALF, 0.5),
        (LEFT_HALF, RIGHT_HALF, 0.0),  # they touch
        (LEFT_HALF, MIDDLE, 1 / 3),
        (TRIANGLE, LEFT_HALF, 0.375 / 0.625),
        (BOW_TIE, UNIT, 0.5),
        (LINE, UNIT, 0.0),
        (LINE, LINE, 0.0),
        (DOT, LINE, 0.0),
    ],
)
def test_iou(first: Polygon, second: Polygon, expected: float) -> None:
    assert geometry.iou(first, second) == pytest.approx(expected)


@given(polygons, polygons)
def test_iou_is_symmetric_and_bounded(first: Polygon, second: Polygon) -> None:
    assert geometry.iou(first, second) == geometry.iou(second, first)
    assert 0 <= geometry.iou(first, second) <= geometry.share_of_smaller(first, second) + 1e-9 <= 1 + 1e-9


@given(polygons)
def test_a_polygon_overlaps_itself_wholly_if_it_has_an_area(polygon: Polygon) -> None:
    assume(geometry.area(polygon) > 1e-9)
    assert geometry.iou(polygon, polygon) == pytest.approx(1)


@given(polygons, points)
def test_iou_does_not_change_when_both_move(polygon: Polygon, shift: Point) -> None:
    assume(geometry.area(polygon) > 1e-6)
    first, second = polygon, geometry.shifted(polygon, 0.1, 0.05)
    assert geometry.iou(geometry.shifted(first, *shift), geometry.shifted(second, *shift)) == pytest.approx(
        geometry.iou(first, second), abs=1e-6
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"), [(UNIT, LEFT_HALF, 1.0), (LEFT_HALF, MIDDLE, 0.5), (LEFT_HALF, RIGHT_HALF, 0.0)]
)
def test_share_of_smaller(first: Polygon, second: Polygon, expected: float) -> None:
    assert geometry.share_of_smaller(first, second) == pytest.approx(expected)


@given(st.permutations([(0.2, 0.3), (0.6, 0.3), (0.6, 0.9), (0.2, 0.9)]))
def test_box_from_corners_in_any_order(corners: Sequence[Point]) -> None:
    assert geometry.box_from_corners(corners) == Box(0.2, 0.3, 0.6, 0.9)


def test_box_of_nothing_is_refused() -> None:
    with pytest.raises(PolygonError):
        geometry.box_from_corners([])


def test_box_polygon_runs_clockwise_from_the_top_left() -> None:
    assert geometry.box_polygon(Box(0.1, 0.2, 0.3, 0.4)) == ((0.1, 0.2), (0.3, 0.2), (0.3, 0.4), (0.1, 0.4))


def test_centre_is_that_of_the_box() -> None:
    assert geometry.centre(TRIANGLE) == (0.5, 0.5)
    assert geometry.centre(DOT) == pytest.approx((0.3, 0.3))


def test_outline_of_overlapping_polygons_is_their_union() -> None:
    assert set(geometry.outline([LEFT_HALF, MIDDLE])) >= {(0.0, 0.0), (0.75, 0.0), (0.75, 1.0), (0.0, 1.0)}
    assert geometry.area(geometry.outline([LEFT_HALF, MIDDLE])) == pytest.approx(0.75)


def test_outline_keeps_a_bay_of_the_union() -> None:
    low = ((0.0, 0.8), (1.0, 0.8), (1.0, 1.0), (0.0, 1.0))
    tall = ((0.0, 0.0), (0.2, 0.0), (0.2, 1.0), (0.0, 1.0))
    assert geometry.area(geometry.outline([low, tall])) == pytest.approx(0.36)


def test_outline_fills_a_hole() -> None:
    bars = [
        ((0.0, 0.0), (1.0, 0.0), (1.0, 0.1), (0.0, 0.1)),
        ((0.0, 0.9), (1.0, 0.9), (1.0, 1.0), (0.0, 1.0)),
        ((0.0, 0.0), (0.1, 0.0), (0.1, 1.0), (0.0, 1.0)),
        ((0.9, 0.0), (1.0, 0.0), (1.0, 1.0), (0.9, 1.0)),
    ]
    assert geometry.area(geometry.outline(bars)) == pytest.approx(1)


def test_outline_of_separate_polygons_is_convex() -> None:
    left = ((0.0, 0.0), (0.1, 0.0), (0.1, 1.0), (0.0, 1.0))
    right = ((0.9, 0.0), (1.0, 0.0), (1.0, 1.0), (0.9, 1.0))
    assert geometry.area(geometry.outline([left, right])) == pytest.approx(1)


@pytest.mark.parametrize("polygon", [LINE, DOT])
def test_outline_of_a_degenerate_polygon_is_its_box(polygon: Polygon) -> None:
    assert geometry.outline([polygon]) == geometry.box_polygon(geometry.bounding_box(polygon))


@given(st.lists(polygons, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_outline_covers_all_and_ignores_order(parts: list[Polygon], random: Random) -> None:
    whole = geometry.outline(parts)
    shuffled = list(parts)
    random.shuffle(shuffled)
    assert geometry.outline(shuffled) == whole
    assert len(whole) >= geometry.MIN_POINTS
    for part in parts:
        if geometry.area(part) > 1e-6:
            assert geometry.area(whole) >= geometry.area(part) - 1e-9
            assert geometry.share_of_smaller(whole, part) == pytest.approx(1, abs=1e-3)


def test_meeting_names_each_pair_once() -> None:
    far = geometry.shifted(TRIANGLE, 5.0, 0.0)
    assert geometry.meeting([RIGHT_HALF, far, MIDDLE, LINE, LEFT_HALF, DOT]) == ((0, 2), (0, 4), (2, 4))
    assert geometry.meeting([]) == ()


@given(st.lists(polygons, max_size=6))
def test_whatever_overlaps_meets(parts: list[Polygon]) -> None:
    pairs = set(geometry.meeting(parts))
    for first, second in combinations(range(len(parts)), 2):
        assert (first, second) in pairs or geometry.iou(parts[first], parts[second]) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("polygon", "aspect", "expected"),
    [
        (UNIT, 1.0, 1.0),
        (UNIT, 2.0, 2.0),
        (LEFT_HALF, 2.0, 1.0),
        (((0.0, 0.1), (0.1, 0.0), (1.0, 0.9), (0.9, 1.0)), 1.0, 9.0),  # a bar on the diagonal
        (LINE, 1.0, math.inf),
        (DOT, 1.0, 1.0),
    ],
)
def test_elongation(polygon: Polygon, aspect: float, expected: float) -> None:
    assert geometry.elongation(polygon, aspect) == pytest.approx(expected)


@given(polygons, st.floats(min_value=0.1, max_value=10))
def test_elongation_is_at_least_one(polygon: Polygon, aspect: float) -> None:
    assert geometry.elongation(polygon, aspect) >= 1


@pytest.mark.parametrize(
    ("polygon", "reason"),
    [
        (((0.1, 0.1), (0.2, 0.2)), "needs 3"),
        ((), "needs 3"),
        (((0.5, 0.5),) * (geometry.MAX_POINTS + 1), "needs 3"),
        (((0.1, 0.1), (0.2, math.nan), (0.3, 0.3)), "not finite"),
        (((0.1, 0.1), (math.inf, 0.2), (0.3, 0.3)), "not finite"),
        (((0.1, 0.1), (10**400, 0.2), (0.3, 0.3)), "not a number"),
        (((0.1, 0.1), ("left", 0.2), (0.3, 0.3)), "not a number"),
        (((0.1, 0.1), (None, 0.2), (0.3, 0.3)), "not a number"),
        (((0.1, 0.1), (1.02, 0.1), (0.3, 0.3)), "outside"),
        (((0.1, -0.03), (0.2, 0.1), (0.3, 0.3)), "outside"),
        (LINE, "no area"),
        (((1.0, 0.1), (1.01, 0.1), (1.01, 0.3)), "no area"),  # all of it in the tolerated pixel
    ],
)
def test_a_clients_bad_polygon_is_refused_with_its_reason(polygon: Polygon, reason: str) -> None:
    with pytest.raises(PolygonError, match=reason):
        geometry.polygon_checked(polygon, width=100, height=50)


def test_one_pixel_outside_is_clamped() -> None:
    checked = geometry.polygon_checked(((-0.01, 0.0), (1.01, -0.02), (0.5, 1.02)), width=100, height=50)
    assert checked == ((0.0, 0.0), (1.0, 0.0), (0.5, 1.0))


@given(polygons, extents, extents)
def test_a_checked_polygon_passes_unchanged(polygon: Polygon, width: int, height: int) -> None:
    assume(geometry.area(polygon) > 0)
    assert geometry.polygon_checked(polygon, width=width, height=height) == polygon


@given(st.permutations([(960, 240), (1921, 240), (1921, 1200), (960, 1200)]))
def test_pixel_corners_in_any_order_one_beyond_the_edge(corners: Sequence[Point]) -> None:
    polygon = geometry.box_from_pixels(corners, width=1920, height=1200)
    assert polygon == ((0.5, 0.2), (1.0, 0.2), (1.0, 1.0), (0.5, 1.0))


@pytest.mark.parametrize(
    "corners",
    [[], [(10, 10)], [(10, 10), (10, 20), (10, 30), (10, 40)], [(0, 0), (1922, 0), (0, 9)], [(0, 0), ("a", 1), (2, 2)]],
)
def test_bad_pixel_corners_are_refused(corners: list[Point]) -> None:
    with pytest.raises(PolygonError):
        geometry.box_from_pixels(corners, width=1920, height=1200)


@pytest.mark.parametrize(
    ("polygon", "expected"),
    [
        (UNIT, PixelBox(0, 0, 1920, 1200)),
        (((0.5, 0.2), (0.75, 0.2), (0.75, 0.3), (0.5, 0.3)), PixelBox(960, 240, 480, 120)),
        (DOT, PixelBox(576, 360, 1, 1)),
        (((1.0, 1.0), (1.0, 1.0), (1.0, 1.0)), PixelBox(1919, 1199, 1, 1)),
        (((0.0, 0.0), (0.0001, 0.0), (0.0, 0.0001)), PixelBox(0, 0, 1, 1)),
    ],
)
def test_to_pixel_box(polygon: Polygon, expected: PixelBox) -> None:
    assert geometry.to_pixel_box(polygon, width=1920, height=1200) == expected


@given(polygons, extents, extents)
def test_pixel_corners_cover_the_polygon_and_survive_the_way_back(polygon: Polygon, width: int, height: int) -> None:
    corners = geometry.to_pixel_corners(polygon, width=width, height=height)
    assert all(0 <= x <= width and 0 <= y <= height for x, y in corners)
    normalised = geometry.box_from_pixels(json.loads(json.dumps(corners)), width=width, height=height)
    assert contains(geometry.bounding_box(normalised), geometry.bounding_box(polygon), slack=1e-6)
    assert geometry.to_pixel_corners(normalised, width=width, height=height) == corners


@pytest.mark.parametrize(("left", "right"), [(31, 62), (123, 245), (124, 490)])
def test_whole_pixels_are_kept_where_division_and_back_misses_them(left: int, right: int) -> None:
    polygon = geometry.box_from_pixels([(left, 5), (right, 5), (right, 9)], width=1920, height=1200)
    assert geometry.to_pixel_box(polygon, width=1920, height=1200) == PixelBox(left, 5, right - left, 4)


def test_percent_centre_has_two_decimals() -> None:
    assert geometry.percent_centre(((0.1, 0.2), (0.12345, 0.2), (0.1, 0.4))) == (11.17, 30.0)


def test_diagonal_and_distance_are_in_image_heights() -> None:
    assert geometry.diagonal(((0.0, 0.0), (0.3, 0.0), (0.3, 0.4)), 1.0) == pytest.approx(0.5)
    assert geometry.diagonal(UNIT, 2.0) == pytest.approx(math.sqrt(5))
    assert geometry.distance((0.0, 0.0), (0.5, 0.0), 1.5) == pytest.approx(0.75)


def test_the_pure_modules_pull_in_no_django() -> None:
    code = "import sys, damages.families, damages.taxonomy; print('django' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout == "False\n"
