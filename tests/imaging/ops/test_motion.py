"""The global shift between two frames is found where there is one, and distrusted where there is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from imaging.ops.video import shift_between
from tests import media


def view(left: int, top: int, seed: int = 5) -> NDArray[np.uint8]:
    """Return a window of 320 x 240 px into a larger scene."""
    return media.scene(640, 480, seed)[top : top + 240, left : left + 320]


@settings(max_examples=30, deadline=None)
@given(dx=st.integers(-90, 90), dy=st.integers(-60, 60))
def test_a_pan_is_measured(dx: int, dy: int) -> None:
    """The camera moves right and down by (dx, dy): the picture moves left and up."""
    shift = shift_between(view(160, 120), view(160 + dx, 120 + dy))
    assert shift.dx == pytest.approx(-dx / 320, abs=0.012)
    assert shift.dy == pytest.approx(-dy / 240, abs=0.012)
    assert shift.confidence > 0.8


def test_the_same_frame_has_not_moved() -> None:
    shift = shift_between(view(0, 0), view(0, 0))
    assert (shift.dx, shift.dy) == (0, 0)
    assert shift.confidence == pytest.approx(1)


def test_another_scene_has_no_confidence() -> None:
    assert shift_between(view(0, 0, 5), view(0, 0, 6)).confidence < 0.5


def test_nothing_to_see_has_no_confidence() -> None:
    blank = np.full((240, 320, 3), 90, np.uint8)
    assert shift_between(blank, blank).confidence == 0


def test_frames_of_two_sizes_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="size"):
        shift_between(view(0, 0), view(0, 0)[:100])
