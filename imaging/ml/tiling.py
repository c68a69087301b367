"""Overlapping tiles over a photo, and the stitching of their maps into one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

UInt8Image = npt.NDArray[np.uint8]
FloatMap = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tile:
    """A square window: its left and top edge in pixels of the photo."""

    left: int
    top: int


def starts(length: int, tile: int, overlap: int, step: int = 1) -> list[int]:
    """Left edges of windows of `tile` pixels that cover `length`, neighbours sharing at least `overlap` pixels.

    All edges are multiples of `step` (the stride of the network's map), so maps of neighbours fall on one grid.
    """
    if length <= tile:
        return [0]
    count = -(-(length - overlap) // (tile - overlap))
    last = -(-(length - tile) // step) * step
    return sorted({round(index * last / (count - 1) / step) * step for index in range(count)})


def grid(width: int, height: int, *, tile: int, overlap: int, step: int = 1) -> list[Tile]:
    """Tiles that cover a photo of `width` x `height` pixels, row by row."""
    return [
        Tile(left, top) for top in starts(height, tile, overlap, step) for left in starts(width, tile, overlap, step)
    ]


def crop(image: UInt8Image, window: Tile, *, tile: int, fill: int = 127) -> UInt8Image:
    """Cut `window` out of `image` (H, W, 3); what lies beyond the photo is grey `fill`."""
    part = image[window.top : window.top + tile, window.left : window.left + tile]
    if part.shape[:2] == (tile, tile):
        return part
    canvas = np.full((tile, tile, image.shape[2]), fill, dtype=np.uint8)
    canvas[: part.shape[0], : part.shape[1]] = part
    return canvas


def stitch(maps: Iterable[tuple[Tile, FloatMap]], *, width: int, height: int, stride: int) -> FloatMap:
    """Blend the tiles' maps (rows, columns, channels) to the map of the whole photo, each cell `stride` pixels wide.

    Cells near a tile's edge see less around them, so they count less where tiles overlap.
    """
    rows, columns = -(-height // stride), -(-width // stride)
    total: FloatMap | None = None
    weights = np.zeros((rows, columns, 1), dtype=np.float32)
    for window, values in maps:
        if total is None:
            total = np.zeros((rows, columns, values.shape[2]), dtype=np.float32)
        top, left = window.top // stride, window.left // stride
        height_here, width_here = min(values.shape[0], rows - top), min(values.shape[1], columns - left)
        ramp = _ramp(values.shape[0], values.shape[1])[:height_here, :width_here]
        total[top : top + height_here, left : left + width_here] += values[:height_here, :width_here] * ramp
        weights[top : top + height_here, left : left + width_here] += ramp
    if total is None:
        raise ValueError("no tile to stitch")
    return np.asarray(total / np.maximum(weights, 1e-6))


def _ramp(rows: int, columns: int) -> FloatMap:
    """Weights (rows, columns, 1): 1 in the middle, falling to a small value over the outer eighth."""

    def side(length: int) -> FloatMap:
        distance = np.minimum(np.arange(length), np.arange(length)[::-1]) + 1.0
        return np.minimum(distance / max(1.0, length / 8), 1.0).astype(np.float32)

    return np.outer(side(rows), side(columns)).astype(np.float32)[:, :, None]
