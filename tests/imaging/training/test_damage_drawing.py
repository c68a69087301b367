"""Drawn damage and drawn look-alikes: where they say they are, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from imaging.training.damage_drawing import (
    Draw,
    FloatMap,
    chip_draw,
    damage_draw,
    dent_draw,
    scratch_draw,
    scuff_draw,
    spot_find,
)
from imaging.training.damage_lookalikes import DRAWN

SIZE = 160


def panel() -> FloatMap:
    """A smooth panel with a shade, so that a dent has something to bend."""
    shade = np.linspace(80, 160, SIZE, dtype=np.float32)
    return np.repeat(np.repeat(shade[:, None, None], SIZE, axis=1), 3, axis=2)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("draw", [scratch_draw, scuff_draw, chip_draw, dent_draw])
def test_the_mask_lies_where_the_pixels_changed(draw: Draw, seed: int) -> None:
    image = panel()
    mask = draw(image, (80.0, 70.0), np.random.default_rng(seed))
    assert mask.shape == (SIZE, SIZE)
    assert set(np.unique(mask)) <= {0.0, 1.0}
    changed = np.abs(image - panel()).max(axis=2)
    assert np.isfinite(image).all()
    if mask.any():
        assert changed[mask > 0].mean() > 3 * changed[mask == 0].mean()
        rows, columns = np.nonzero(mask)
        assert abs(rows.mean() - 70) < 60
        assert abs(columns.mean() - 80) < 60


@pytest.mark.parametrize("at", [(0.0, 0.0), (159.9, 159.9), (0.0, 159.9)])
@pytest.mark.parametrize("draw", [scratch_draw, scuff_draw, chip_draw, dent_draw])
def test_corners_are_no_trouble(draw: Draw, at: tuple[float, float]) -> None:
    for seed in range(4):
        assert draw(panel(), at, np.random.default_rng(seed)).shape == (SIZE, SIZE)


def test_what_nobody_would_see_is_not_labelled() -> None:
    seen = []
    for seed in range(60):
        image = panel()
        mask = scratch_draw(image, (80.0, 80.0), np.random.default_rng(seed))
        if mask.any():
            seen.append(np.abs(image - panel()).max())
    assert min(seen) > 3


def test_kinds_come_mixed_and_the_same_for_a_seed() -> None:
    drawn = [damage_draw(panel(), (80.0, 80.0), np.random.default_rng(seed)) for seed in range(40)]
    again = [damage_draw(panel(), (80.0, 80.0), np.random.default_rng(seed)) for seed in range(40)]
    assert {category for category, _ in drawn} == {"scratch", "dent"}
    for (_, one), (_, two) in zip(drawn, again, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_spot_is_calm_and_on_the_surface() -> None:
    image = panel()
    image[:, : SIZE // 4] += np.random.default_rng(1).normal(0, 40, (SIZE, SIZE // 4, 3)).astype(np.float32)
    surface = np.ones((SIZE, SIZE), dtype=np.float32)
    surface[: SIZE // 2] = 0
    for seed in range(20):
        at = spot_find(image, surface, np.random.default_rng(seed))
        assert at is not None
        assert at[0] >= SIZE // 4 - 8
        assert at[1] >= SIZE // 2 - 8
    assert spot_find(image, np.zeros_like(surface), np.random.default_rng(1)) is None


@pytest.mark.parametrize("index", range(len(DRAWN)))
def test_look_alikes_change_the_tile_and_stay_numbers(index: int) -> None:
    for seed in range(5):
        image, again = panel(), panel()
        DRAWN[index](image, np.random.default_rng(seed))
        DRAWN[index](again, np.random.default_rng(seed))
        np.testing.assert_array_equal(image, again)
        assert np.isfinite(image).all()
        assert (image != panel()).any()
