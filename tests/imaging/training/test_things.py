"""Drawn things that are no vehicle."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging.training.things import things_draw


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([16, 48]), st.booleans())
def test_a_picture_of_the_wanted_size_and_range(seed: int, size: int, has_pictures: bool) -> None:
    pictures = [np.full((40, 60, 3), 120, dtype=np.uint8)] if has_pictures else []
    drawn = things_draw(pictures, size, np.random.default_rng(seed))
    assert drawn.shape == (size, size, 3)
    assert drawn.dtype == np.float32
    assert 0 <= drawn.min() <= drawn.max() <= 255


def test_the_same_numbers_draw_the_same_things_and_others_draw_others() -> None:
    first, again, other = (things_draw([], 48, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert np.abs(first - other).mean() > 5


def test_there_is_something_before_the_ground() -> None:
    edges = [np.abs(np.diff(things_draw([], 48, np.random.default_rng(seed)), axis=1)).max() for seed in range(20)]
    assert np.median(edges) > 25
