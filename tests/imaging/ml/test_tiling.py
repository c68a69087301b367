"""Tiles cover every pixel, and their maps come together again."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.ml.tiling import Tile, crop, grid, starts, stitch


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (1, [0]),
        (640, [0]),
        (641, [0, 4]),
        (960, [0, 320]),
        (1184, [0, 544]),
        (1185, [0, 272, 548]),
        (1536, [0, 448, 896]),
    ],
)
def test_starts_by_table(length: int, expected: list[int]) -> None:
    assert starts(length, 640, 96, 4) == expected


@given(st.integers(1, 5000), st.integers(0, 24))
def test_starts_cover_with_overlap(length: int, overlap: int) -> None:
    edges = starts(length, 64, overlap, 4)
    assert edges[0] == 0
    assert edges[-1] + 64 >= length
    assert all(edge % 4 == 0 for edge in edges)
    # Rounding to the grid may take up to a step from the shared strip.
    assert all(after - before <= 64 - overlap + 4 for before, after in itertools.pairwise(edges))


def test_grid_goes_row_by_row() -> None:
    assert grid(100, 70, tile=64, overlap=8) == [Tile(0, 0), Tile(36, 0), Tile(0, 6), Tile(36, 6)]


def test_crop_fills_beyond_the_photo_with_grey() -> None:
    image = np.full((10, 10, 3), 200, dtype=np.uint8)
    part = crop(image, Tile(4, 0), tile=16)
    assert part.shape == (16, 16, 3)
    assert (part[:10, :6] == 200).all()
    assert (part[10:] == 127).all()
    assert (part[:, 6:] == 127).all()


@given(st.integers(1, 300), st.integers(1, 300))
def test_stitching_the_pieces_of_a_map_gives_the_map(width: int, height: int) -> None:
    rows, columns = -(-height // 4), -(-width // 4)
    whole = np.random.default_rng(1).uniform(0, 1, (rows + 16, columns + 16, 2)).astype(np.float32)
    windows = grid(width, height, tile=64, overlap=16, step=4)
    pieces = [
        (window, whole[window.top // 4 : window.top // 4 + 16, window.left // 4 : window.left // 4 + 16])
        for window in windows
    ]
    np.testing.assert_allclose(stitch(pieces, width=width, height=height, stride=4), whole[:rows, :columns], atol=1e-5)


def test_no_tile_is_an_error() -> None:
    with pytest.raises(ValueError, match="no tile"):
        stitch([], width=8, height=8, stride=4)
