"""Only photos that show nothing at all are unusable; dark, soft, pale or small ones are flagged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from imaging.ops.quality import blur, luma, measure
from tests import media


def car() -> NDArray[np.uint8]:
    return media.car_scene(2, 1).image


def smeared(image: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """Blur with a Gaussian of the given share of the long side."""
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(share * max(image.shape))))


def lit(image: NDArray[np.uint8], factor: float, offset: float = 0.0) -> NDArray[np.uint8]:
    """Scale and lift the brightness."""
    return (image * factor + offset).clip(0, 255).astype(np.uint8)


def speckled(mean: int, spread: int) -> NDArray[np.uint8]:
    """Return sensor noise around one grey."""
    return np.random.default_rng(0).normal(mean, spread, (600, 800, 3)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("image", "flags", "usable"),
    [
        (car(), (), True),
        (media.scene(800, 600, 3), (), True),
        (smeared(car(), 0.008), ("blurred",), True),
        (smeared(car(), 0.05), ("blurred_out",), False),
        (lit(car(), 0.2), ("too_dark",), True),
        (lit(car(), 0.3, 190), ("too_bright",), True),
        (lit(car(), 0.2, 90), ("low_contrast",), True),
        (np.zeros((600, 800, 3), np.uint8), ("black",), False),
        (speckled(4, 3), ("black",), False),
        (np.full((600, 800, 3), 130, np.uint8), ("blank",), False),
        (np.full((600, 800, 3), 255, np.uint8), ("too_bright", "blank"), False),
        (media.scene(200, 150), ("too_small",), True),
    ],
)
def test_flags(image: NDArray[np.uint8], flags: tuple[str, ...], usable: bool) -> None:
    quality = measure(image)
    assert quality.flags == flags
    assert quality.usable is usable
    assert (quality.height, quality.width) == image.shape[:2]


def test_blur_rises_with_every_step_and_hardly_follows_light() -> None:
    steps = [measure(smeared(car(), share)).blur for share in (0, 0.001, 0.002, 0.004, 0.008)]
    assert steps == sorted(steps)
    assert steps[-1] > steps[0] + 0.3
    assert measure(lit(car(), 0.5)).blur == pytest.approx(steps[0], abs=0.1)


def test_blur_does_not_follow_the_size_of_the_file() -> None:
    small = Image.fromarray(car()).resize((1024, 768))
    large = small.resize((4096, 3072), Image.Resampling.BICUBIC)
    assert measure(np.asarray(large)).blur == pytest.approx(measure(np.asarray(small)).blur, abs=0.08)


def test_luma_weighs_the_channels_as_the_eye_does() -> None:
    for channel, weight in enumerate((0.299, 0.587, 0.114)):
        image = np.zeros((20, 20, 3), np.uint8)
        image[..., channel] = 255
        assert luma(image, max_side=10).mean() == pytest.approx(weight, abs=0.005)


@settings(max_examples=60, deadline=None)
@given(height=st.integers(1, 50), width=st.integers(1, 50), seed=st.integers(0, 20), spread=st.integers(1, 255))
def test_every_picture_has_measures_within_bounds(height: int, width: int, seed: int, spread: int) -> None:
    image = np.random.default_rng(seed).integers(0, spread + 1, (height, width, 3)).astype(np.uint8)
    quality = measure(image)
    for value in (quality.blur, quality.coarse_blur, quality.luma_mean, quality.shadows, quality.highlights):
        assert 0 <= value <= 1
    assert "too_small" in quality.flags


@given(side=st.integers(1, 40), level=st.floats(0, 1, width=32))
def test_a_picture_without_an_edge_is_blurred_entirely(side: int, level: float) -> None:
    assert blur(np.full((side, side), level, np.float32)) == 1.0
