"""How well a photo can be read, whatever it shows: blur, light, contrast, size.

The thresholds were set on photos of used cars taken by sellers, sharp and artificially blurred (Gaussian of 0 to 4 %
of the long side): no sharp photo is flagged as blurred, and "blurred out" begins between a blur of 1 % and of 2 %.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.measure import blur_effect

# 512 px tell sharp from blurred as well as 1024 did on those photos, in a fifth of the time.
_FINE_SIDE = 512
_COARSE_SIDE = 256
_BLURRED = 0.65
_BLURRED_OUT = 0.83
_BLACK_HIGHLIGHTS = 0.08
_BLANK_RANGE = 0.03
_DARK_MEAN = 0.15
_BRIGHT_MEAN = 0.88
_LOW_CONTRAST = 0.06
_SMALL_SIDE = 320
_UNREADABLE = frozenset({"black", "blank", "blurred_out"})


@dataclass(frozen=True, slots=True)
class Quality:
    """Measurements of one photo.

    width, height: px. blur: 0 (sharp) .. 1 (blurred) at no more than 512 px a side. coarse_blur: the same at 256 px,
    so that only blur which leaves nothing recognisable raises it. luma_mean, contrast (standard deviation of luma),
    shadows, highlights (1st and 99th percentile of luma): 0..1, gamma-encoded, BT.601 weights.
    """

    width: int
    height: int
    blur: float
    coarse_blur: float
    luma_mean: float
    contrast: float
    shadows: float
    highlights: float

    @property
    def flags(self) -> tuple[str, ...]:
        """Return the words that apply: `black`, `blank` and `blurred_out` exclude the milder ones of their kind."""
        return tuple(word for word in (self._light(), self._detail(), self._size()) if word)

    @property
    def usable(self) -> bool:
        """Whether there is anything to see; dark, soft or small photos are flagged but usable."""
        return not _UNREADABLE & set(self.flags)

    def _light(self) -> str:
        if self.highlights < _BLACK_HIGHLIGHTS:
            return "black"
        if self.luma_mean < _DARK_MEAN:
            return "too_dark"
        return "too_bright" if self.luma_mean > _BRIGHT_MEAN else ""

    def _detail(self) -> str:
        if self.highlights - self.shadows < _BLANK_RANGE:
            return "" if self._light() == "black" else "blank"
        if self.coarse_blur > _BLURRED_OUT:
            return "blurred_out"
        if self.blur > _BLURRED:
            return "blurred"
        return "low_contrast" if self.contrast < _LOW_CONTRAST and not self._light() else ""

    def _size(self) -> str:
        return "too_small" if min(self.width, self.height) < _SMALL_SIDE else ""


def measure(image: NDArray[np.uint8]) -> Quality:
    """Return the quality of a (height, width, 3) sRGB photo."""
    fine = luma(image, max_side=_FINE_SIDE)
    shadows, highlights = (float(value) for value in np.percentile(fine, (1, 99)))
    return Quality(
        width=image.shape[1],
        height=image.shape[0],
        blur=blur(fine),
        coarse_blur=blur(luma(image, max_side=_COARSE_SIDE)),
        luma_mean=float(fine.mean()),
        contrast=float(fine.std()),
        shadows=shadows,
        highlights=highlights,
    )


def luma(image: NDArray[np.uint8], *, max_side: int) -> NDArray[np.float32]:
    """Return the grey (h, w) picture, 0..1, of a (height, width, 3) sRGB one, reduced to `max_side` px a side."""
    reduced = Image.fromarray(image)
    reduced.thumbnail((max_side, max_side), Image.Resampling.BILINEAR)
    return np.asarray(reduced.convert("L"), np.float32) / np.float32(255)


def blur(grey: NDArray[np.float32]) -> float:
    """Return the blur of a grey (h, w) picture: 0 (sharp) .. 1 (blurred, or without any edge).

    Crete et al., "The Blur Effect: Perception and Estimation with a New No-Reference Perceptual Blur Metric", SPIE
    6492 (2007): how much the differences between neighbours shrink when the picture is blurred once more. Unlike the
    variance of the Laplacian it does not follow contrast or the amount of texture.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(blur_effect(grey))
    return min(1.0, max(0.0, value)) if math.isfinite(value) else 1.0
