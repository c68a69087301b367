"""From a probability map to outlined regions: hysteresis threshold, connected components, contours.

The method is the two-threshold linking of J. Canny, "A Computational Approach to Edge Detection" (1986), on a
probability instead of a gradient: weak cells join a region, only a strong cell makes it a proposal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage
from skimage import measure

FloatMap = npt.NDArray[np.float32]
BoolMap = npt.NDArray[np.bool_]
Points = tuple[tuple[float, float], ...]

_EIGHT = np.ones((3, 3), dtype=bool)
_TRIANGLE = 3


@dataclass(frozen=True, slots=True)
class Region:
    """One connected region of a map.

    `score` 0..1; `polygon` in cells of the map, x to the right and y down, 0 at the outer edge of the first cell;
    `cells` are the row and column indices of its strong enough cells.
    """

    score: float
    polygon: Points
    cells: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]


def regions_find(
    probability: FloatMap,
    *,
    grow: float,
    floor: float,
    gap: int = 0,
    limit: int = 100,
    tolerance: float = 0.35,
    relative: float = 0.0,
) -> list[Region]:
    """Return the regions of `probability` (rows, columns; 0..1), best first.

    `grow`: cells from this probability on belong to a region, so no score lies below it. `floor`: regions whose
    score stays below are dropped; it never changes the others.
    `gap`: fragments up to twice this many cells apart count as one region (a scratch broken by a highlight).
    `limit`: at most so many regions. `tolerance`: how far, in cells, the outline may deviate. `relative`: a region
    keeps its cells from this share of its best one on: the halo of a strong one does not widen its outline.
    """
    weak = probability >= grow
    joined = ndimage.binary_dilation(weak, _EIGHT, iterations=gap) if gap else weak
    labels, _ = ndimage.label(joined, _EIGHT)
    boxes = ndimage.find_objects(labels)
    scored = [
        (_peak(probability[box][weak[box] & (labels[box] == index)]), index, box) for index, box in enumerate(boxes, 1)
    ]
    best = sorted((entry for entry in scored if entry[0] >= floor), key=lambda entry: (-entry[0], entry[1]))[:limit]
    masks = (
        (score, _core(probability[box], weak[box] & (labels[box] == index), relative), box)
        for score, index, box in best
    )
    return [_region(score, mask, box, gap, tolerance) for score, mask, box in masks]


def _core(values: FloatMap, mask: BoolMap, relative: float) -> BoolMap:
    return np.asarray(mask & (values >= relative * values[mask].max()), dtype=bool)


def _peak(values: FloatMap) -> float:
    """Score of a region: the mean of its (up to) four best cells, steadier than the best one alone."""
    best = np.sort(values)[-4:]
    return float(best.mean())


def _region(score: float, mask: BoolMap, box: tuple[slice, slice], gap: int, tolerance: float) -> Region:
    rows, columns = np.nonzero(mask)
    top, left = box[0].start, box[1].start
    closed = _closed(mask, gap) if gap else mask
    outline = _outline(closed, tolerance)
    polygon = tuple((float(x) + left, float(y) + top) for x, y in outline)
    return Region(score=score, polygon=polygon, cells=(rows + top, columns + left))


def _closed(mask: BoolMap, gap: int) -> BoolMap:
    padded = np.pad(mask, gap + 1)
    shut = ndimage.binary_closing(padded, _EIGHT, iterations=gap)
    return np.asarray(shut[gap + 1 : -gap - 1, gap + 1 : -gap - 1], dtype=bool)


def _outline(mask: BoolMap, tolerance: float) -> list[tuple[float, float]]:
    """Longest contour of `mask` as (x, y) with at least three different points."""
    contours = measure.find_contours(np.pad(mask, 1).astype(np.float32), 0.5)
    longest = max(contours, key=len)
    # GEOS has the same method as scikit-image (D. Douglas and T. Peucker, 1973), compiled.
    simple = shapely.get_coordinates(
        shapely.simplify(shapely.linestrings(longest), tolerance, preserve_topology=False)
    )[:-1]
    points = simple if len(simple) >= _TRIANGLE else longest[:-1]
    # find_contours puts a sample at its cell's centre; one cell of padding and half a cell of centre shift it.
    return [(float(column) - 0.5, float(row) - 0.5) for row, column in points]
