"""What every model can do."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from imaging.ml.card import Card
from imaging.ml.types import Prediction

UInt8Image = npt.NDArray[np.uint8]

# Rows, columns, colours; and red, green, blue.
_AXES = _COLOURS = 3
# From so many times the wanted side on a photo is sampled; below, pixels would come up twice.
_SAMPLED = 1.4


class ImageError(ValueError):
    """An array is not a photo."""


class Model(Protocol):
    """A model that is ready to look at photos; threads may share it."""

    @property
    def name(self) -> str:
        """Name in the registry."""

    @property
    def version(self) -> str:
        """Version of its card."""

    @property
    def card(self) -> Card:
        """Its card."""

    def predict(self, image: UInt8Image) -> Prediction:
        """Return what is seen on `image`, (H, W, 3) uint8 RGB of any size; ImageError when it is something else."""


def image_check(image: UInt8Image) -> tuple[int, int]:
    """Return width and height of a photo; ImageError unless it is (H, W, 3) uint8 with at least one pixel."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        raise ImageError("a photo is an array of uint8")
    if image.ndim != _AXES or image.shape[2] != _COLOURS or 0 in image.shape:
        raise ImageError(f"a photo has the shape (height, width, 3), not {image.shape}")
    return int(image.shape[1]), int(image.shape[0])


def squared(image: UInt8Image, side: int) -> npt.NDArray[np.float32]:
    """Return a photo stretched to `side` x `side` pixels, (side, side, 3) float32 0..255.

    A pixel of the result is the mean of four that lie evenly within what it stands for: averaging over all of a large
    photo would cost as much time as a small network takes. Smaller photos are interpolated.
    """
    if min(image.shape[:2]) < _SAMPLED * side:
        small = Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR)
    else:
        # Rows here and columns in Pillow: each is the faster way for its part.
        rows = ((np.arange(2 * side) + 0.5) * (image.shape[0] / (2 * side))).astype(np.intp)
        small = Image.fromarray(image[rows]).resize((2 * side, 2 * side), Image.Resampling.NEAREST).reduce(2)
    return np.asarray(small, dtype=np.float32)
