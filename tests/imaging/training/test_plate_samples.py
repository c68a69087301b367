"""Samples for the plate detector: the same for the same seed, labels where the plates are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from imaging.training.coco import Photo, Thing
from imaging.training.plate_samples import Sample, SampleRecipe, mosaic_make, perspective, sample_make

PLAIN = SampleRecipe(size=128, replace=0, paste=0, decoy=0, grey=0, jpeg=0)
BUSY = SampleRecipe(size=128, replace=0.8, paste=0.6, decoy=0.5)


def photo(*boxes: tuple[float, float, float, float], size: tuple[int, int] = (300, 200)) -> Photo:
    things = tuple(Thing("plate", (((x, y), (x + w, y), (x + w, y + h)),), (x, y, w, h)) for x, y, w, h in boxes)
    return Photo(Path("none.jpg"), *size, things, "none")


def pixels(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (300, 200)) -> NDArray[np.uint8]:
    canvas = np.full((size[1], size[0], 3), (30, 120, 30), dtype=np.uint8)
    for x, y, w, h in boxes:
        canvas[y : y + h, x : x + w] = (250, 40, 40)
    return canvas


BOX = (140, 90, 60, 16)


def equal(one: Sample, other: Sample) -> bool:
    pairs = ((getattr(one, name), getattr(other, name)) for name in Sample.__slots__)
    return all(np.array_equal(first, second, equal_nan=first.dtype.kind == "f") for first, second in pairs)


@pytest.mark.parametrize("seed", range(6))
def test_the_label_lies_on_the_plate(seed: int) -> None:
    sample = sample_make(photo(BOX), pixels(BOX), PLAIN, np.random.default_rng(seed))
    if not len(sample.boxes):
        return
    left, top, right, bottom = np.rint(sample.boxes[0]).astype(int)
    reds = sample.image[..., 0].astype(int) > sample.image[..., 1].astype(int) * 1.4
    inside = reds[top + 2 : bottom - 2, left + 2 : right - 2]
    assert inside.mean() > 0.85
    assert reds.sum() <= (bottom - top + 4) * (right - left + 4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_a_sample_depends_on_its_seed_alone_and_keeps_its_frame(seed: int) -> None:
    one = sample_make(photo(BOX), pixels(BOX), BUSY, np.random.default_rng(seed))
    assert equal(one, sample_make(photo(BOX), pixels(BOX), BUSY, np.random.default_rng(seed)))
    assert one.image.shape == (128, 128, 3)
    assert one.image.dtype == np.uint8
    assert len(one.quads) == len(one.boxes)
    known = one.quads[~np.isnan(one.quads).any(axis=(1, 2))]
    around = np.concatenate([known.min(axis=1), known.max(axis=1)], axis=1)
    assert around == pytest.approx(one.boxes[~np.isnan(one.quads).any(axis=(1, 2))])


def test_a_photo_without_plates_still_gives_a_sample() -> None:
    sample = sample_make(photo(), pixels(), PLAIN, np.random.default_rng(0))
    assert sample.boxes.shape == (0, 4)
    assert sample.quads.shape == (0, 4, 2)


def test_a_plate_too_small_to_ask_for_is_neither_plate_nor_background() -> None:
    tiny = (100, 100, 4, 2)
    samples = [
        sample_make(photo(BOX, tiny), pixels(BOX, tiny), PLAIN, np.random.default_rng(seed)) for seed in range(12)
    ]
    assert any(len(sample.ignored) for sample in samples)


def test_four_photos_in_one() -> None:
    sources = [(photo(BOX), pixels(BOX))] * 4
    sample = mosaic_make(sources, PLAIN, np.random.default_rng(3))
    assert sample.image.shape == (128, 128, 3)
    assert len({(box[0] > 64, box[1] > 64) for box in sample.boxes}) > 1
    assert (sample.boxes >= 0).all()
    assert (sample.boxes <= 128).all()


def test_perspective_maps_corner_to_corner() -> None:
    target = np.array([[3, 4], [20, 2], [22, 15], [1, 12]], dtype=np.float64)
    source = np.array([[0, 0], [64, 0], [64, 16], [0, 16]], dtype=np.float64)
    a, b, c, d, e, f, g, h = perspective(target, source)
    for (x, y), (u, v) in zip(target, source, strict=True):
        below = g * x + h * y + 1
        assert ((a * x + b * y + c) / below, (d * x + e * y + f) / below) == pytest.approx((u, v), abs=1e-6)


def test_a_place_where_nobody_can_tell_is_left_out() -> None:
    unsure = Thing("unsure", (((20, 20), (60, 20), (60, 40)),), (20, 20, 40, 20))
    both = replace(photo(BOX), things=(*photo(BOX).things, unsure))
    samples = [sample_make(both, pixels(BOX), PLAIN, np.random.default_rng(seed)) for seed in range(20)]
    assert all(len(sample.boxes) <= 1 for sample in samples)
    assert any(len(sample.ignored) for sample in samples)


def test_a_plate_that_hangs_anywhere_teaches_corners_only() -> None:
    pasting = replace(PLAIN, paste=0.9)
    samples = [sample_make(photo(BOX), pixels(BOX), pasting, np.random.default_rng(seed)) for seed in range(8)]
    assert any((~sample.asked).any() for sample in samples)
    for sample in samples:
        assert len(sample.asked) == len(sample.boxes)
        assert not np.isnan(sample.quads[~sample.asked]).any()
