"""How close a mask comes to the true one. No torch, no model."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import ndimage

BoolMap = npt.NDArray[np.bool_]

# Width of the band along an outline by the picture's diagonal.
BAND = 0.01


def iou(one: BoolMap, other: BoolMap) -> float:
    """Intersection over union of two masks of a shape; 1 when both are empty."""
    union = np.logical_or(one, other).sum()
    return float(np.logical_and(one, other).sum() / union) if union else 1.0


def boundary_iou(one: BoolMap, other: BoolMap, band: float = BAND) -> float:
    """Intersection over union of what of each mask lies within `band` diagonals of its own outline.

    B. Cheng et al., "Boundary IoU" (2021); the picture's edges count as outline there too.
    """
    width = max(1, round(band * math.hypot(*one.shape)))
    return iou(_rim(one, width), _rim(other, width))


def _rim(mask: BoolMap, width: int) -> BoolMap:
    padded = np.pad(mask, 1)
    inner = ndimage.binary_erosion(padded, np.ones((3, 3), dtype=bool), iterations=width)
    return np.asarray((padded & ~inner)[1:-1, 1:-1], dtype=bool)
