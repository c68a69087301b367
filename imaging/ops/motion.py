"""How far the picture moved between two neighbouring frames."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.registration import phase_cross_correlation

from imaging.ops.quality import luma

_SIDE = 256
_LEAST_OVERLAP = 0.2


@dataclass(frozen=True, slots=True)
class Shift:
    """Global motion: what is at (x, y) in the first frame is at (x + dx, y + dy) in the second.

    dx, dy: shares of width and height. confidence: correlation of the two pictures where they overlap after the
    shift, 0 (no likeness: ignore the shift) .. 1 (the same picture).
    """

    dx: float
    dy: float
    confidence: float


def shift_between(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Shift:
    """Return the global translation from one (height, width, 3) RGB frame to another of the same size.

    Phase correlation (Guizar-Sicairos et al., "Efficient subpixel image registration algorithms", Opt. Lett. 33, 2008)
    on grey pictures of 256 px under a Hann window, to a quarter of such a pixel. Turning and zooming are not modelled;
    they lower the confidence. Shifts beyond half the picture cannot be told.
    """
    if first.shape != second.shape:
        raise ValueError("the frames differ in size")
    a, b = luma(first, max_side=_SIDE), luma(second, max_side=_SIDE)
    if not a.std() or not b.std():
        return Shift(0.0, 0.0, 0.0)
    # Separable, and from numpy: scipy's windows bring a second of imports into every process.
    taper = np.outer(np.hanning(a.shape[0]), np.hanning(a.shape[1]))
    moved, _, _ = phase_cross_correlation((b - b.mean()) * taper, (a - a.mean()) * taper, upsample_factor=4)
    dy, dx = float(moved[0]), float(moved[1])
    return Shift(dx / a.shape[1], dy / a.shape[0], _likeness(a, b, round(dx), round(dy)))


def _likeness(a: NDArray[np.float32], b: NDArray[np.float32], dx: int, dy: int) -> float:
    """Return the correlation (0..1) of `a` moved by whole pixels with `b`, over the part they share."""
    height, width = a.shape
    here = a[max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
    there = b[max(0, dy) : height - max(0, -dy), max(0, dx) : width - max(0, -dx)]
    if here.size < _LEAST_OVERLAP * a.size or not here.std() or not there.std():
        return 0.0
    return max(0.0, float(np.corrcoef(here.ravel(), there.ravel())[0, 1]))
