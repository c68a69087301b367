"""Drawn scenes: the faces are where the labels say, and the same seed draws the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imaging.training.coco import Photo
from imaging.training.face_scenes import HEIGHTS, VARIANTS, Head, heads, pasted, plain_photos, scenes

GREY = np.full((240, 320, 3), 120, dtype=np.uint8)


def spot(tallest: float = 200) -> Head:
    """A head of 40 x 50 px that is white where its face is."""
    pixels = np.zeros((50, 40, 3), dtype=np.uint8)
    pixels[15:40, 12:30] = 255
    return Head("spot", pixels, (12, 15, 30, 40), tallest)


def test_there_are_a_portrait_and_a_hundred_small_heads() -> None:
    portrait, *small = heads()
    assert portrait.tallest == HEIGHTS[-1]
    assert len(small) == 100
    for head in (portrait, *small):
        left, top, right, bottom = head.face
        assert 0 <= left < right <= head.pixels.shape[1]
        assert 0 <= top < bottom <= head.pixels.shape[0]
        assert head.pixels.dtype == np.uint8


def test_plain_photos_are_photos() -> None:
    for picture in plain_photos().values():
        assert picture.dtype == np.uint8
        assert picture.shape[2] == 3


@settings(max_examples=40, deadline=None)
@given(st.floats(20, 60), st.floats(0, 1), st.floats(0, 1), st.integers(0, 1000))
def test_face_lies_where_its_box_says(height: float, across: float, down: float, seed: int) -> None:
    picture, box = pasted(GREY, spot(), height, (across, down), np.random.default_rng(seed))
    left, top, right, bottom = box
    assert bottom - top == pytest.approx(height)
    assert right - left == pytest.approx(height * 18 / 25)
    bright = np.argwhere(picture[..., 0] > 200)
    low, high = bright.min(axis=0)[::-1], bright.max(axis=0)[::-1]
    # A tilt of 15 degrees lets corners reach beyond the upright box.
    slack = 0.2 * height + 2
    assert (low >= np.array([left, top]) - slack).all()
    assert (high <= np.array([right, bottom]) + slack).all()
    assert np.abs((low + high) / 2 - [(left + right) / 2, (top + bottom) / 2]).max() < slack


def test_beyond_the_head_nothing_changes() -> None:
    picture, (left, top, right, bottom) = pasted(GREY, spot(), 40, (0.5, 0.5), np.random.default_rng(1))
    outside = np.ones(GREY.shape[:2], dtype=bool)
    outside[int(top) - 40 : int(bottom) + 40, int(left) - 40 : int(right) + 40] = False
    assert outside.any()
    assert (picture[outside] == 120).all()
    assert (GREY == 120).all()


def test_head_larger_than_the_photo_is_refused() -> None:
    with pytest.raises(ValueError, match="larger than the photo"):
        pasted(GREY, spot(), 200, (0, 0), np.random.default_rng(1))


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_keep_size_and_type(name: str) -> None:
    other = np.full((100, 100, 3), 250, dtype=np.uint8)
    picture = VARIANTS[name](GREY, other, np.random.default_rng(1))
    assert picture.shape == GREY.shape
    assert picture.dtype == np.uint8


def test_variants_do_what_they_say() -> None:
    rng = np.random.default_rng(1)
    edge = GREY.copy()
    edge[:, 160:] = 220
    bright = np.full_like(GREY, 255)
    assert VARIANTS["dark"](edge, edge, rng).mean() < 0.35 * edge.mean()
    behind = VARIANTS["glass"](edge, bright, rng)
    assert int(behind[0, -1, 0]) - int(behind[0, 0, 0]) < 100, "flatter"
    moved = VARIANTS["moved"](edge, edge, rng)[0, 150:170, 0]
    assert len(set(moved.tolist())) > 3, "the edge is spread"


def drawn(folder: Path, seed: int, count: int = 10) -> list[Photo]:
    folder.mkdir()
    return scenes([np.full((400, 600, 3), 90, dtype=np.uint8)], [spot(), spot(48)], folder, count=count, seed=seed)


def test_scenes_are_labelled_photos_of_all_variants(tmp_path: Path) -> None:
    photos = drawn(tmp_path / "a", 3)
    assert {thing.category for photo in photos for thing in photo.things} == set(VARIANTS)
    heights = [thing.box[3] for photo in photos for thing in photo.things]
    assert min(heights) >= HEIGHTS[0]
    assert max(heights) <= HEIGHTS[-1]
    for photo in photos:
        with Image.open(photo.path) as picture:
            assert picture.size == (photo.width, photo.height) == (600, 400)


def test_same_seed_same_scenes(tmp_path: Path) -> None:
    one, same, other = (drawn(tmp_path / name, seed) for name, seed in (("a", 3), ("b", 3), ("c", 4)))
    assert [photo.things for photo in one] == [photo.things for photo in same]
    assert [photo.things for photo in one] != [photo.things for photo in other]
    assert [photo.path.read_bytes() for photo in one] == [photo.path.read_bytes() for photo in same]
