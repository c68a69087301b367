"""Where on a photo: polygons, boxes and the shapes the four HTTP families print them in. Pure functions, no Django.

A polygon is a tuple of (x, y) points normalised to its image: (0, 0) is the top left corner, (1, 1) the bottom right,
the last point is joined to the first. Coordinates are finite; what comes from a client is checked by `polygon_checked`.
A polygon may cross itself (its loops count by the even-odd rule) or be degenerate: lines, points and spikes enclose
nothing.
"""

import math
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

Point = tuple[float, float]
Polygon = tuple[Point, ...]

MIN_POINTS = 3
# A drawn outline has tens of points; beyond this it is an attack on the polygon arithmetic, not a drawing.
MAX_POINTS = 1_000
# Decimals of a normalised coordinate that areas are computed with.
_DECIMALS = 9
# Decimals of a pixel that survive a division by the image's width and the multiplication back.
_PIXEL_DECIMALS = 6


class PolygonError(ValueError):
    """A client's polygon cannot be used; the message says why in words the client may read."""


class Box(NamedTuple):
    """An upright rectangle by its edges, in the unit of the points it was made from (y grows downwards)."""

    left: float
    top: float
    right: float
    bottom: float


class PixelBox(NamedTuple):
    """An upright rectangle in whole pixels: top left corner and extent, never thinner than one pixel."""

    x: int
    y: int
    width: int
    height: int


def box_from_corners(corners: Iterable[Point]) -> Box:
    """Return the smallest upright box around the corners, whatever their order; raise PolygonError on none."""
    points = tuple(corners)
    if not points:
        raise PolygonError("A box needs corners.")
    xs, ys = zip(*points, strict=True)
    return Box(min(xs), min(ys), max(xs), max(ys))


def bounding_box(polygon: Polygon) -> Box:
    """Return the polygon's upright bounding box, normalised like the polygon."""
    return box_from_corners(polygon)


def box_polygon(box: Box) -> Polygon:
    """Return the box as four points, clockwise on the screen from its top left corner."""
    return (box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)


def area(polygon: Polygon) -> float:
    """Return the enclosed area as a share of the image (0 for a line or a point)."""
    return float(_region(polygon).area)


def centre(polygon: Polygon) -> Point:
    """Return the middle of the bounding box: unlike the centroid it is defined for lines and points as well."""
    left, top, right, bottom = bounding_box(polygon)
    return (left + right) / 2, (top + bottom) / 2


def iou(first: Polygon, second: Polygon) -> float:
    """Return intersection over union of the two regions, 0..1; 0 when neither encloses anything."""
    common = _common_area(first, second)
    return _share(common, area(first) + area(second) - common)


def share_of_smaller(first: Polygon, second: Polygon) -> float:
    """Return intersection over the smaller of the two areas, 0..1: 1 when one lies within the other."""
    return _share(_common_area(first, second), min(area(first), area(second)))


def outline(polygons: Iterable[Polygon]) -> Polygon:
    """Return one outline around all the polygons: their union's, holes filled, or the convex hull of separate ones.

    It does not depend on the order of the polygons. If none of them encloses an area it is their bounding box.
    """
    # Sorted, since a union's last digits depend on the order of its parts.
    parts = tuple(sorted(polygons))
    union = shapely.union_all([_region(part) for part in parts])
    hull = (union if isinstance(union, shapely.Polygon) else union.convex_hull).normalize()
    if not isinstance(hull, shapely.Polygon) or hull.is_empty:
        return box_polygon(box_from_corners(point for part in parts for point in part))
    return tuple((float(x), float(y)) for x, y in hull.exterior.coords[:-1])


def meeting(polygons: Iterable[Polygon]) -> tuple[tuple[int, int], ...]:
    """Return the sorted index pairs (lower first) of the polygons whose regions touch or overlap, by an R-tree."""
    regions = np.array([_region(polygon) for polygon in polygons], dtype=object)
    pairs = shapely.STRtree(regions).query(regions, predicate="intersects").T.tolist()
    return tuple(sorted((first, second) for first, second in pairs if first < second))


def shifted(polygon: Polygon, dx: float, dy: float) -> Polygon:
    """Return the polygon moved by (dx, dy), normalised; it may leave the image."""
    return tuple((x + dx, y + dy) for x, y in polygon)


def diagonal(polygon: Polygon, aspect: float) -> float:
    """Return the bounding box's diagonal in image heights; `aspect` is the image's width over its height."""
    left, top, right, bottom = bounding_box(polygon)
    return math.hypot((right - left) * aspect, bottom - top)


def distance(first: Point, second: Point, aspect: float) -> float:
    """Return the distance of two normalised points in image heights; `aspect` is the image's width over its height."""
    return math.hypot((first[0] - second[0]) * aspect, first[1] - second[1])


def elongation(polygon: Polygon, aspect: float) -> float:
    """Return the long over the short side (>= 1) of the smallest rectangle, at any angle, around the polygon.

    Measured in true proportions: `aspect` is the image's width over its height. A line is infinitely long; a point is
    1. The rectangle is found by rotating calipers (Toussaint 1983) in GEOS.
    """
    points = shapely.MultiPoint([(x * aspect, y) for x, y in polygon])
    corners = tuple(shapely.get_coordinates(points.minimum_rotated_rectangle))[:3]
    if len(corners) < MIN_POINTS:
        return math.inf if len(corners) > 1 else 1.0
    first, second = (math.dist(a, b) for a, b in pairwise(corners))
    short, long = sorted((first, second))
    return long / short if short else math.inf


def polygon_checked(points: Iterable[Point], *, width: int, height: int) -> Polygon:
    """Return a client's normalised polygon, clamped to the image of `width` x `height` pixels.

    Raise PolygonError unless it has 3 to 1,000 points, all finite, none more than one pixel outside the image (clients
    print such corners), and encloses an area.
    """
    polygon = tuple((_number(x), _number(y)) for x, y in points)
    if not MIN_POINTS <= len(polygon) <= MAX_POINTS:
        raise PolygonError(f"A polygon needs {MIN_POINTS} to {MAX_POINTS} points.")
    clamped = tuple((_clamped(x, pixels=width), _clamped(y, pixels=height)) for x, y in polygon)
    if area(clamped) <= 0:
        raise PolygonError("The polygon encloses no area.")
    return clamped


def box_from_pixels(corners: Iterable[Point], *, width: int, height: int) -> Polygon:
    """Return the box of a client's corners (pixels, any order) as a checked, normalised polygon of four points.

    Raise PolygonError as `polygon_checked` does.
    """
    points = tuple((_number(x), _number(y)) for x, y in corners)
    normalised = tuple((x / width, y / height) for x, y in points)
    if len(points) < MIN_POINTS:
        raise PolygonError(f"A box needs at least {MIN_POINTS} of its corners.")
    return polygon_checked(box_polygon(box_from_corners(normalised)), width=width, height=height)


def to_pixel_box(polygon: Polygon, *, width: int, height: int) -> PixelBox:
    """Return the smallest box of whole pixels around the polygon within its image of `width` x `height` pixels."""
    left, top, right, bottom = bounding_box(polygon)
    x, across = _pixels(left, right, extent=width)
    y, down = _pixels(top, bottom, extent=height)
    return PixelBox(x, y, across, down)


def to_pixel_corners(polygon: Polygon, *, width: int, height: int) -> tuple[tuple[int, int], ...]:
    """Return the four corners of `to_pixel_box`, clockwise on the screen from the top left one."""
    x, y, across, down = to_pixel_box(polygon, width=width, height=height)
    return (x, y), (x + across, y), (x + across, y + down), (x, y + down)


def percent_centre(polygon: Polygon) -> Point:
    """Return the centre in percent of the image's width from the left and height from the top, two decimals."""
    x, y = centre(polygon)
    return round(100 * x, 2), round(100 * y, 2)


@lru_cache(maxsize=4096)
def _region(polygon: Polygon) -> BaseGeometry:
    """Return the polygon as a valid geometry. Cached: matching asks for the same polygon against many others."""
    if len(polygon) < MIN_POINTS:
        raise PolygonError(f"A polygon needs at least {MIN_POINTS} points.")
    # A billionth of the image is noise; kept, it drives GEOS into divisions by zero. "structure", because the default
    # method reads an outline that runs back over itself differently after a shift.
    snapped = shapely.Polygon([(round(x, _DECIMALS), round(y, _DECIMALS)) for x, y in polygon])
    return shapely.make_valid(snapped, method="structure", keep_collapsed=False)


def _common_area(first: Polygon, second: Polygon) -> float:
    # Sorted, because GEOS may differ in the last bit between a & b and b & a, and callers promise symmetry.
    one, other = sorted((first, second))
    return float(_region(one).intersection(_region(other)).area)


def _share(part: float, whole: float) -> float:
    return min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0


def _number(value: float) -> float:
    """Return the coordinate as a finite float; JSON lets clients write 1e999, NaN and text instead."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise PolygonError("A coordinate is not a number.") from error
    if not math.isfinite(number):
        raise PolygonError("A coordinate is not finite.")
    return number


def _clamped(value: float, *, pixels: int) -> float:
    slack = 1 / pixels + 1e-9
    if not -slack <= value <= 1 + slack:
        raise PolygonError("A point lies outside the image.")
    return min(max(value, 0.0), 1.0)


def _pixels(low: float, high: float, *, extent: int) -> tuple[int, int]:
    """Return first pixel and number of pixels that cover low..high of an axis `extent` pixels long."""
    # Rounded before floor and ceil, or a box would grow by a pixel each time it is sent back to us.
    first = math.floor(round(low * extent, _PIXEL_DECIMALS))
    last = math.ceil(round(high * extent, _PIXEL_DECIMALS))
    first = min(max(first, 0), extent - 1)
    return first, max(min(last, extent) - first, 1)
