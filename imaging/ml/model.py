"""What every model can do."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from imaging.ml.card import Card
from imaging.ml.types import Prediction

UInt8Image = npt.NDArray[np.uint8]

# Rows, columns, colours; and red, green, blue.
_AXES = _COLOURS = 3


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
