"""A tilted plate made upright: the perspective of its four corners undone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Point = tuple[float, float]
CORNERS = 4
# No crop is made larger than this, however the corners lie.
LONGEST = 1024


def rectified(image: NDArray[np.uint8], polygon: Sequence[Point], *, margin: float = 0.0) -> NDArray[np.uint8]:
    """Return the part of `image`, (H, W, 3) uint8 RGB, within `polygon` as an upright crop (h, w, 3) uint8 RGB.

    `polygon`: four corners 0..1 of the photo, clockwise from the thing's own top left; they may lie outside the photo,
    whose edge pixels then go on. `margin` grows the crop on every side, as a share of its height. The crop is about as
    large as the thing in the photo. ValueError unless there are four corners with some room between them.
    """
    corners = _corners(image, polygon)
    width, height = crop_size(corners)
    grow = margin * height
    size = (max(1, round(width + 2 * grow)), max(1, round(height + 2 * grow)))
    target = np.array([(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)]) + grow
    part, offset = _part(image, corners, grow)
    matrix = perspective(target, corners - offset)
    return np.asarray(part.transform(size, Image.Transform.PERSPECTIVE, matrix, Image.Resampling.BICUBIC))


def crop_size(corners: NDArray[np.float64]) -> tuple[float, float]:
    """Return width and height in pixels of an upright crop of `corners` (4, 2): the longer of each pair of sides."""
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    width, height = max(sides[0], sides[2]), max(sides[1], sides[3])
    scale = min(1.0, LONGEST / max(width, height))
    return max(1.0, float(width * scale)), max(1.0, float(height * scale))


def perspective(source: NDArray[np.float64], target: NDArray[np.float64]) -> list[float]:
    """Return the eight numbers of the homography that takes four `source` points to four `target` points, (4, 2) each.

    In the order in which Pillow's transform wants them. ValueError when three points of `source` lie on one line.
    """
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    try:
        return [float(value) for value in np.linalg.solve(np.array(rows, dtype=np.float64), np.array(values))]
    except np.linalg.LinAlgError as error:
        raise ValueError("the corners leave no room between them") from error


def _corners(image: NDArray[np.uint8], polygon: Sequence[Point]) -> NDArray[np.float64]:
    """The corners in pixels of `image`."""
    points = np.asarray(polygon, dtype=np.float64)
    if points.shape != (CORNERS, 2) or not np.isfinite(points).all():
        raise ValueError(f"a plate has {CORNERS} corners")
    corners = points * (image.shape[1], image.shape[0])
    x, y = corners.T
    if abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) < 1.0:
        raise ValueError("the corners leave no room between them")
    return corners


def _part(
    image: NDArray[np.uint8], corners: NDArray[np.float64], grow: float
) -> tuple[Image.Image, NDArray[np.float64]]:
    """The pixels around `corners` and where they begin; what lies outside the photo repeats its edge."""
    more = 2 * grow + 2
    low = np.floor(corners.min(axis=0) - more).astype(int)
    high = np.ceil(corners.max(axis=0) + more).astype(int)
    low, high = np.maximum(low, -LONGEST), np.minimum(high, np.array(image.shape[1::-1]) + LONGEST)
    columns = np.clip(np.arange(low[0], max(low[0] + 1, high[0])), 0, image.shape[1] - 1)
    rows = np.clip(np.arange(low[1], max(low[1] + 1, high[1])), 0, image.shape[0] - 1)
    return Image.fromarray(image[np.ix_(rows, columns)]), low.astype(np.float64)
