"""Regions of a probability map: who joins, who is dropped, what outline comes out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from imaging.ml.regions import regions_find

Heat = npt.NDArray[np.float32]


def heat(rows: int = 12, columns: int = 16, **cells: float) -> Heat:
    """A map of zeros with some cells set: heat(r3c4=0.9)."""
    values = np.zeros((rows, columns), dtype=np.float32)
    for name, value in cells.items():
        row, column = name[1:].split("c")
        values[int(row), int(column)] = value
    return values


def box(polygon: tuple[tuple[float, float], ...]) -> tuple[float, float, float, float]:
    points = np.asarray(polygon)
    return (*points.min(axis=0), *points.max(axis=0))


def test_single_cell_becomes_a_polygon_as_large_as_the_cell() -> None:
    (region,) = regions_find(heat(r3c4=0.8), grow=0.3, floor=0.1)
    assert box(region.polygon) == (4.0, 3.0, 5.0, 4.0)
    assert len(region.polygon) >= 3


def test_block_is_outlined_in_x_and_y_not_row_and_column() -> None:
    values = heat()
    values[2:4, 5:11] = 0.9
    (region,) = regions_find(values, grow=0.3, floor=0.5)
    assert box(region.polygon) == (5.0, 2.0, 11.0, 4.0)
    assert region.score == pytest.approx(0.9)


def test_block_at_the_corner_of_the_map_keeps_its_size() -> None:
    values = heat()
    values[9:12, 13:16] = 0.9
    (region,) = regions_find(values, grow=0.3, floor=0.5)
    assert box(region.polygon) == (13.0, 9.0, 16.0, 12.0)


def test_weak_cells_join_a_strong_one_but_make_no_region_alone() -> None:
    values = heat()
    values[2, 2:8] = 0.4
    values[2, 2:6] = 0.9
    values[9, 2:8] = 0.4
    (region,) = regions_find(values, grow=0.3, floor=0.7)
    assert box(region.polygon) == (2.0, 2.0, 8.0, 3.0)


@pytest.mark.parametrize(("gap", "count"), [(0, 2), (1, 1)])
def test_gap_joins_fragments(gap: int, count: int) -> None:
    values = heat()
    values[4, 2:6] = 0.9
    values[4, 8:12] = 0.9
    assert len(regions_find(values, grow=0.3, floor=0.5, gap=gap)) == count


def test_joined_fragments_are_one_outline_over_both() -> None:
    values = heat()
    values[4, 2:6] = 0.9
    values[4, 8:12] = 0.9
    (region,) = regions_find(values, grow=0.3, floor=0.5, gap=1)
    assert box(region.polygon) == (2.0, 4.0, 12.0, 5.0)


def test_best_come_first_and_no_more_than_the_limit() -> None:
    values = heat()
    for column, score in ((1, 0.5), (5, 0.9), (9, 0.7)):
        values[2:4, column : column + 2] = score
    found = regions_find(values, grow=0.3, floor=0.1, limit=2)
    assert [round(region.score, 2) for region in found] == [0.9, 0.7]


def test_nothing_on_an_empty_map() -> None:
    assert regions_find(heat(), grow=0.3, floor=0.1) == []


@given(
    arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.floats(0, 1, width=32)),
    st.integers(0, 2),
)
def test_any_map_gives_polygons_within_it(values: Heat, gap: int) -> None:
    for region in regions_find(values, grow=0.4, floor=0.2, gap=gap):
        left, top, right, bottom = box(region.polygon)
        assert 0 <= left < right <= values.shape[1]
        assert 0 <= top < bottom <= values.shape[0]
        assert 0.2 <= region.score <= 1
        assert len(region.polygon) >= 3


@given(arrays(np.float32, (8, 8), elements=st.floats(0, 1, width=32)), st.floats(0, 1))
def test_floor_only_drops_regions(values: Heat, floor: float) -> None:
    everything = regions_find(values, grow=0.4, floor=0.0)
    kept = [(region.score, region.polygon) for region in everything if region.score >= floor]
    assert [(region.score, region.polygon) for region in regions_find(values, grow=0.4, floor=floor)] == kept


def test_a_relative_level_cuts_the_halo_off_but_keeps_the_score() -> None:
    values = heat()
    values[3:8, 3:9] = 0.5
    values[5, 5:7] = 0.9
    (wide,) = regions_find(values, grow=0.4, floor=0.5)
    (tight,) = regions_find(values, grow=0.4, floor=0.5, relative=0.7)
    assert tight.score == wide.score
    assert box(wide.polygon) == pytest.approx((3, 3, 9, 8), abs=0.51)
    assert box(tight.polygon) == pytest.approx((5, 5, 7, 6), abs=0.51)
    assert len(tight.cells[0]) == 2
