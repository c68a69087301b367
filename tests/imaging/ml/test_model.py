"""Photos brought to a network's size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imaging.ml.model import squared
from tests.media import scene


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([8, 32]))
def test_any_photo_becomes_a_square(width: int, height: int, side: int) -> None:
    small = squared(np.full((height, width, 3), 90, dtype=np.uint8), side)
    assert small.shape == (side, side, 3)
    assert small.dtype == np.float32
    assert (small == 90).all()


@pytest.mark.parametrize("size", [(320, 240), (140, 130), (1600, 1200), (3001, 999)])
def test_sampling_changes_little(size: tuple[int, int]) -> None:
    photo = np.asarray(Image.fromarray(scene(320, 240)).resize(size, Image.Resampling.BICUBIC))
    whole = np.asarray(Image.fromarray(photo).resize((96, 96), Image.Resampling.BILINEAR), dtype=np.float32)
    off = np.abs(squared(photo, 96) - whole)
    assert off.mean() < 3


def test_a_part_of_a_photo_is_taken_as_it_is() -> None:
    photo = scene(900, 700)
    assert (squared(photo[100:600, 50:750], 64) == squared(photo[100:600, 50:750].copy(), 64)).all()
