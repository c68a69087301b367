"""Making regions of a photo unrecognisable: polygons grown by a margin, then blurred, pixelated or filled.

Blur and mosaic both reduce a region to a coarse grid first, whose cells are a share of the region's own short side
(of a plate: its height). So what is left is bounded by the number of cells, not by a radius that is strong on a small
region and weak on a large one, and no sharpening brings back what a cell has averaged. A solid fill keeps one colour.

Work is done inside the regions' bounding boxes alone; beyond them the photo is copied once and not looked at.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from operator import itemgetter
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image
from shapely.geometry.base import BaseGeometry

UInt8Image = NDArray[np.uint8]
Outline = Sequence[tuple[float, float]]

#: Cells across the short side of a region. A character of a plate is about half as wide as the plate is high, so with
#: three cells across the grown plate a character is about one cell.
CELLS: Final = 3
#: Cells are never smaller, px: the smallest plates are as high as two of them.
_LEAST_CELL: Final = 4
# A pixel that an outline touches has its centre within half a diagonal of it, which is less than this.
_LEAST_GROWTH: Final = 1.0
_TRIANGLE: Final = 3
# Corners of a quarter of a circle: enough to keep the least growth above half a diagonal everywhere.
_ROUNDNESS: Final = 4


class Method(StrEnum):
    """How a region is made unrecognisable."""

    BLUR = "blur"
    PIXELATE = "pixelate"
    FILL = "fill"


@dataclass(frozen=True, slots=True)
class Margin:
    """How far outlines are grown: a share of a region's own short side, and pixels on top of it."""

    share: float = 0.0
    px: float = 0.0


@dataclass(frozen=True, slots=True)
class Region:
    """A grown outline on a photo: the box it lies in (px), which of its pixels it holds, and its short side (px)."""

    rows: slice
    columns: slice
    inside: NDArray[np.bool_]
    short: float


def anonymise(
    image: UInt8Image, outlines: Iterable[Outline], *, method: Method, margin: Margin, cells: int = CELLS
) -> UInt8Image:
    """Return a copy of `image`, (H, W, 3) uint8, whose regions inside the grown `outlines` are unrecognisable.

    Outlines are polygons as findings have them: (x, y) in 0..1 of the photo, origin top left; what lies outside of it
    is cut off. Every pixel that a grown outline touches is changed, every other one keeps its value. `cells` (1 or
    more) are left across the short side of each region. ValueError for fewer.
    """
    if cells < 1:
        raise ValueError("a region needs one cell at least")
    result = image.copy()
    for region in regions(outlines, width=image.shape[1], height=image.shape[0], margin=margin):
        _cover(result, region, method, cells)
    return result


def blur(image: UInt8Image, outlines: Iterable[Outline], *, margin: Margin, cells: int = CELLS) -> UInt8Image:
    """`anonymise` by a coarse grid whose cells run into each other."""
    return anonymise(image, outlines, method=Method.BLUR, margin=margin, cells=cells)


def pixelate(image: UInt8Image, outlines: Iterable[Outline], *, margin: Margin, cells: int = CELLS) -> UInt8Image:
    """`anonymise` by a coarse grid whose cells are seen."""
    return anonymise(image, outlines, method=Method.PIXELATE, margin=margin, cells=cells)


def fill(image: UInt8Image, outlines: Iterable[Outline], *, margin: Margin) -> UInt8Image:
    """`anonymise` by one colour a region, the median of what was there."""
    return anonymise(image, outlines, method=Method.FILL, margin=margin)


def grown(outline: Outline, *, width: int, height: int, margin: Margin) -> BaseGeometry:
    """The outline in pixels of a `width` x `height` photo, grown by `margin` and by a pixel at least.

    An outline that crosses itself counts with everything between its points, a line or a point as something thin.
    """
    points = [(x * width, y * height) for x, y in outline]
    shape: BaseGeometry = shapely.Polygon(points) if len(points) >= _TRIANGLE else shapely.MultiPoint(points)
    if not shape.is_valid or not shape.area:
        shape = shapely.MultiPoint(points).convex_hull
    by = max(margin.share * short_side(shape) + margin.px, _LEAST_GROWTH)
    return shape.buffer(by, quad_segs=_ROUNDNESS)


def regions(outlines: Iterable[Outline], *, width: int, height: int, margin: Margin) -> Iterator[Region]:
    """The grown outlines as regions of a `width` x `height` photo; those that lie outside of it are left out."""
    for outline in outlines:
        shape = grown(outline, width=width, height=height, margin=margin)
        region = _region(shape, width, height)
        if region is not None:
            yield region


def short_side(shape: BaseGeometry) -> float:
    """The shorter side of the smallest rectangle (at any angle) around a shape, in its own unit; 0 for a line."""
    corners = shapely.get_coordinates(shape.minimum_rotated_rectangle)
    if len(corners) < _TRIANGLE:
        return 0.0
    return float(np.linalg.norm(np.diff(corners[:_TRIANGLE], axis=0), axis=1).min())


def _region(shape: BaseGeometry, width: int, height: int) -> Region | None:
    left, top, right, bottom = shape.bounds
    columns = slice(max(0, int(left)), min(width, int(np.ceil(right))))
    rows = slice(max(0, int(top)), min(height, int(np.ceil(bottom))))
    if columns.start >= columns.stop or rows.start >= rows.stop:
        return None
    inside = _inside(shape, rows, columns)
    return Region(rows, columns, inside, short_side(shape)) if inside.any() else None


def _inside(shape: BaseGeometry, rows: slice, columns: slice) -> NDArray[np.bool_]:
    """Which pixels of the box have their centre in the shape; holes do not count, they are covered too.

    Even-odd rule, row by row: each edge toggles all that is right of it. scikit-image's `draw.polygon` asks every pixel
    about every edge, which takes half a second for a face of 1400 px; this takes a hundredth of that.
    """
    toggles = np.zeros((rows.stop - rows.start, columns.stop - columns.start + 1), np.bool_)
    # The centre of the pixel with the index i is at i + 0.5.
    corners = shapely.get_coordinates(shapely.get_exterior_ring(shape)) - (columns.start + 0.5, rows.start + 0.5)
    for start, end in pairwise(corners):
        _toggle(toggles, *sorted((tuple(start), tuple(end)), key=itemgetter(1)))
    return np.logical_xor.accumulate(toggles, axis=1)[:, :-1]


def _toggle(toggles: NDArray[np.bool_], upper: tuple[float, ...], lower: tuple[float, ...]) -> None:
    """Mark in each row that the edge from `upper` to `lower` (x, y) crosses the first pixel to the right of it."""
    (x, y), (to_x, to_y) = upper, lower
    crossed = np.arange(max(0, math.ceil(y)), min(len(toggles), math.ceil(to_y)))
    if len(crossed):
        at = np.ceil(x + (crossed - y) * ((to_x - x) / (to_y - y)))
        toggles[crossed, np.clip(at, 0, toggles.shape[1] - 1).astype(np.intp)] ^= True


def _cover(image: UInt8Image, region: Region, method: Method, cells: int) -> None:
    """Write over one region of `image`, in place."""
    crop = image[region.rows, region.columns]
    if method is Method.FILL:
        crop[region.inside] = np.median(crop[region.inside], axis=0).astype(np.uint8)
    else:
        coarse = _COARSE[method](crop, max(_LEAST_CELL, region.short / cells))
        crop[region.inside] = coarse[region.inside]


def _smooth(crop: UInt8Image, cell: float) -> UInt8Image:
    return _gridded(crop, cell, Image.Resampling.BICUBIC)


def _mosaic(crop: UInt8Image, cell: float) -> UInt8Image:
    return _gridded(crop, cell, Image.Resampling.NEAREST)


def _gridded(crop: UInt8Image, cell: float, back: Image.Resampling) -> UInt8Image:
    """Reduce to cells of about `cell` px by their means, and enlarge again."""
    height, width = crop.shape[:2]
    size = max(1, round(width / cell)), max(1, round(height / cell))
    grid = Image.fromarray(crop).resize(size, Image.Resampling.BOX)
    return np.asarray(grid.resize((width, height), back))


_COARSE: Final[dict[Method, Callable[[UInt8Image, float], UInt8Image]]] = {
    Method.BLUR: _smooth,
    Method.PIXELATE: _mosaic,
}
