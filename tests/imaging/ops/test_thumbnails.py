"""Thumbnails: their sizes, their kind, and that nothing but pixels is in them."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from imaging.ops.thumbnails import thumbnails
from tests import media


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=["WEBP"])


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1600, 1200), [(320, 240), (960, 720)]),
        ((1200, 1600), [(240, 320), (720, 960)]),
        ((400, 300), [(320, 240), (400, 300)]),
        ((90, 60), [(90, 60), (90, 60)]),
        ((3000, 10), [(320, 1), (960, 3)]),
    ],
)
def test_sizes_keep_the_shape_and_never_grow(size: tuple[int, int], expected: list[tuple[int, int]]) -> None:
    made = thumbnails(media.jpeg(*size), sides=[320, 960])
    assert [opened(data).size for data in made] == expected


def test_metadata_stays_behind() -> None:
    (data,) = thumbnails(media.jpeg(640, 480, gps=True), sides=[320])
    picture = opened(data)
    assert not picture.getexif()
    assert not {"exif", "icc_profile", "xmp"} & picture.info.keys()


def test_the_small_picture_shows_what_the_large_one_does() -> None:
    (data,) = thumbnails(media.jpeg(640, 480, seed=3), sides=[320])
    large = Image.open(io.BytesIO(media.jpeg(640, 480, seed=3))).resize((8, 6), Image.Resampling.BOX)
    small = opened(data).convert("RGB").resize((8, 6), Image.Resampling.BOX)
    assert max(abs(a - b) for a, b in zip(large.tobytes(), small.tobytes(), strict=True)) < 12
