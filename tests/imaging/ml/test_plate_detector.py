"""Decoding, sizes, tiles and the joining of plates, with a network that sees what a test paints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from imaging.ml.card import Card, ModelFile
from imaging.ml.model import ImageError
from imaging.ml.models.plate_detector import PlateDetector, Plates, best_of, build, plates_decode

RED = (255, 0, 0)


def card(**parameters: float) -> Card:
    numbers = {"zoom": 2.0, "afar": 0.5, "closer": 1.3, "closest": 1.0, "side": 1536.0, "overlap": 128.0, "limit": 50.0}
    return Card(
        name="plate_detector",
        version="0",
        labels=("plate",),
        thresholds={"score": 0.5, "overlap": 0.4},
        parameters=numbers | parameters,
        files=(ModelFile(Path("none"), "f" * 64, "float32", frozenset({"litert"})),),
        raw={},
    )


def cell(
    score: float, sides: tuple[float, float, float, float], shifts: NDArray[np.float64] | None = None
) -> list[float]:
    """The 13 numbers of a cell that sees a plate with `sides` pixels to its left, top, right and bottom."""
    moved = np.zeros(8) if shifts is None else shifts.ravel()
    return [np.log(score / (1 - score)), *np.log(np.asarray(sides) / 8.0), *moved]


def nothing(size: int = 160) -> NDArray[np.float32]:
    values = np.zeros((size, size, 13), dtype=np.float32)
    values[..., 0] = -20.0
    return values


class RedNetwork:
    """Sees a plate around all that is red in a tile; counts how often it is asked."""

    input_shape = (1, 640, 640, 3)

    def __init__(self) -> None:
        self.asked = 0

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.asked += 1
        rows, columns = np.nonzero((batch[0, ..., 0] > 200) & (batch[0, ..., 1] < 60))
        values = nothing()
        if len(rows):
            left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            row, column = int((top + bottom) / 2) // 4, int((left + right) / 2) // 4
            x, y = column * 4 + 2, row * 4 + 2
            values[row, column] = cell(0.9, (x - left, y - top, right - x, bottom - y))
        return values[None]


def photo(width: int, height: int, box: tuple[int, int, int, int] | None) -> NDArray[np.uint8]:
    pixels = np.full((height, width, 3), 90, dtype=np.uint8)
    if box is not None:
        pixels[box[1] : box[3], box[0] : box[2]] = RED
    return pixels


def corners(finding: tuple[tuple[float, float], ...], width: int, height: int) -> NDArray[np.float64]:
    return np.asarray(finding, dtype=np.float64) * np.array([width, height], dtype=np.float64)


def test_a_cell_becomes_a_box_with_corners() -> None:
    values = nothing()
    values[10, 20] = cell(0.8, (30, 10, 34, 14))
    found = plates_decode(values, floor=0.1)
    assert found.boxes == pytest.approx(np.array([[52, 32, 116, 56]]), abs=1e-3)
    assert found.scores == pytest.approx([0.8])
    assert found.quads[0] == pytest.approx(np.array([[52, 32], [116, 32], [116, 56], [52, 56]]), abs=1e-3)


def test_corners_tell_the_tilt_and_touch_every_side() -> None:
    values = nothing()
    # Left end down by a fifth of the height, right end up: the box is what the tilted plate needs.
    shifts = np.array([[0, 0.2], [0, 0], [0, -0.2], [0, 0]], dtype=np.float64)
    values[10, 20] = cell(0.8, (30, 10, 34, 14), shifts)
    quad = plates_decode(values, floor=0.1).quads[0]
    assert quad[0, 1] > quad[1, 1]
    assert quad[3, 1] > quad[2, 1]
    assert [quad[:, 0].min(), quad[:, 1].min(), quad[:, 0].max(), quad[:, 1].max()] == pytest.approx(
        [52, 32, 116, 56], abs=1e-3
    )


@given(st.lists(st.floats(-3, 3), min_size=8, max_size=8), st.integers(1, 158), st.integers(1, 158))
def test_whatever_the_shifts_the_corners_stay_in_the_box(shifts: list[float], row: int, column: int) -> None:
    values = nothing()
    values[row, column] = cell(0.8, (30, 10, 34, 14), np.asarray(shifts))
    found = plates_decode(values, floor=0.1)
    assert (found.quads[0] >= found.boxes[0, :2] - 1e-6).all()
    assert (found.quads[0] <= found.boxes[0, 2:] + 1e-6).all()


def test_a_neighbour_that_is_surer_wins() -> None:
    values = nothing()
    values[10, 20], values[10, 21] = cell(0.8, (30, 10, 34, 14)), cell(0.7, (30, 10, 34, 14))
    assert plates_decode(values, floor=0.1).scores == pytest.approx([0.8])
    assert len(plates_decode(values, floor=0.85).scores) == 0


def plates(*boxes: tuple[float, float, float, float]) -> Plates:
    rows = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    scores = np.linspace(0.9, 0.5, len(rows)) if len(rows) else np.zeros(0)
    return Plates(rows, rows[:, [[0, 1], [2, 1], [2, 3], [0, 3]]], scores)


@pytest.mark.parametrize(
    ("boxes", "kept"),
    [
        ([], 0),
        ([(0, 0, 40, 10), (2, 0, 42, 10)], 1),
        ([(0, 0, 40, 10), (60, 0, 100, 10)], 2),
        ([(0, 0, 40, 10), (0, 11, 40, 21)], 2),
        ([(0, 0, 100, 30), (30, 5, 50, 25)], 1),
    ],
)
def test_the_same_plate_counts_once(boxes: list[tuple[float, float, float, float]], kept: int) -> None:
    assert len(best_of(plates(*boxes), overlap=0.4, limit=50).scores) == kept


def test_no_more_plates_than_the_limit() -> None:
    many = plates(*((index * 50.0, 0.0, index * 50.0 + 40.0, 10.0) for index in range(9)))
    assert len(best_of(many, overlap=0.4, limit=4).scores) == 4


@pytest.mark.parametrize(
    ("size", "looks"),
    [
        ((416, 416), [(640, 640), (320, 320)]),
        ((100, 50), [(200, 100), (100, 50)]),
        ((640, 480), [(640, 480), (320, 240)]),
        ((1280, 720), [(640, 360), (320, 180), (1280, 720)]),
        ((4000, 3000), [(640, 480), (320, 240), (1536, 1152)]),
        ((1, 1), [(2, 2), (1, 1)]),
        ((1, 9000), [(1, 640), (1, 320), (1, 1536)]),
    ],
)
def test_sizes_at_which_a_photo_is_looked_at(size: tuple[int, int], looks: list[tuple[int, int]]) -> None:
    assert PlateDetector(card(), RedNetwork()).sizes(*size) == looks


@pytest.mark.parametrize(
    ("width", "height", "box"),
    [
        (416, 416, (100, 200, 180, 230)),
        (1280, 720, (600, 400, 690, 424)),
        (3000, 2000, (1500, 900, 1900, 1000)),
        (500, 300, (0, 0, 60, 20)),
    ],
)
def test_a_plate_is_found_once_where_it_is(width: int, height: int, box: tuple[int, int, int, int]) -> None:
    said = build(card(), RedNetwork()).predict(photo(width, height, box))
    assert (said.width, said.height, said.model) == (width, height, "plate_detector")
    assert len(said.findings) == 1
    quad = corners(said.findings[0].polygon, width, height)
    assert [*quad.min(axis=0), *quad.max(axis=0)] == pytest.approx(box, abs=0.005 * width + 3)


def test_no_plate_no_finding() -> None:
    assert build(card(), RedNetwork()).predict(photo(800, 600, None)).findings == ()


def test_work_is_bounded_for_huge_photos() -> None:
    network = RedNetwork()
    PlateDetector(card(), network).predict(photo(8000, 6000, None))
    assert network.asked <= 8


@pytest.mark.parametrize("shape", [(0, 5, 3), (5, 5), (5, 5, 4)])
def test_what_is_no_photo_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError):
        build(card(), RedNetwork()).predict(np.zeros(shape, dtype=np.uint8))
