"""How well a photo can be read, whatever it shows: blur, light, contrast, size.

The thresholds were set on photos of used cars taken by sellers, sharp and artificially blurred (Gaussian of 0 to 4 %
of the long side): no sharp photo is flagged as blurred, and "blurred out" begins between a blur of 1 % and of 2 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# 512 px tell sharp from blurred as well as 1024 did on those photos, in a fifth of the time.
_FINE_SIDE = 512
_COARSE_SIDE = 256
# The width of the second blur (scikit-image's default), and the mean difference that is no edge any more.
_BLUR_PX = 11
_NO_EDGES = 1e-6
BLURRED = 0.65
_BLURRED_OUT = 0.83
_BLACK_HIGHLIGHTS = 0.08
_BLANK_RANGE = 0.03
DARK_MEAN = 0.15
BRIGHT_MEAN = 0.88
LOW_CONTRAST = 0.06
SMALL_SIDE = 320
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
        if self.luma_mean < DARK_MEAN:
            return "too_dark"
        return "too_bright" if self.luma_mean > BRIGHT_MEAN else ""

    def _detail(self) -> str:
        if self.highlights - self.shadows < _BLANK_RANGE:
            return "" if self._light() == "black" else "blank"
        if self.coarse_blur > _BLURRED_OUT:
            return "blurred_out"
        if self.blur > BLURRED:
            return "blurred"
        return "low_contrast" if self.contrast < LOW_CONTRAST and not self._light() else ""

    def _size(self) -> str:
        return "too_small" if min(self.width, self.height) < SMALL_SIDE else ""


def measure(image: NDArray[np.uint8], *, full_size: tuple[int, int] | None = None) -> Quality:
    """Return the quality of a (height, width, 3) sRGB photo; `full_size` (width, height) if it was reduced before."""
    fine = _grey(image, max_side=_FINE_SIDE)
    coarse = fine.copy()
    coarse.thumbnail((_COARSE_SIDE, _COARSE_SIDE), Image.Resampling.BILINEAR)
    shadows, highlights = _percentiles(fine.histogram(), (0.01, 0.99))
    values = _unit(fine)
    width, height = full_size or (image.shape[1], image.shape[0])
    return Quality(
        width=width,
        height=height,
        blur=blur(values),
        coarse_blur=blur(_unit(coarse)),
        luma_mean=float(values.mean()),
        contrast=float(values.std()),
        shadows=shadows,
        highlights=highlights,
    )


def luma(image: NDArray[np.uint8], *, max_side: int) -> NDArray[np.float32]:
    """Return the grey (h, w) picture, 0..1, of a (height, width, 3) sRGB one, reduced to `max_side` px a side."""
    return _unit(_grey(image, max_side=max_side))


def blur(grey: NDArray[np.float32]) -> float:
    """Return the blur of a grey (h, w) picture: 0 (sharp) .. 1 (blurred, or without any edge).

    Crete et al., "The Blur Effect: Perception and Estimation with a New No-Reference Perceptual Blur Metric", SPIE
    6492 (2007): how much the differences between neighbours shrink when the picture is blurred once more. Unlike the
    variance of the Laplacian it does not follow contrast or the amount of texture. The figures are those of
    scikit-image's `blur_effect`, whose filters took about twice as long when both were timed.
    """
    return max(_blur_down(grey), _blur_down(np.ascontiguousarray(grey.T)))


def _blur_down(grey: NDArray[np.float32]) -> float:
    """The blur along the columns of a picture."""
    sharp, smooth = np.abs(_sobel_down(grey)), np.abs(_sobel_down(_mean_down(grey)))
    inner = (slice(2, -1), slice(2, -1))
    before = float(sharp[inner].sum())
    lost = float(np.maximum(0, sharp - smooth)[inner].sum())
    return 1 - lost / before if before > _NO_EDGES * grey.size else 1.0


def _sobel_down(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    padded = np.pad(grey, 1, mode="edge")
    steps: NDArray[np.float32] = padded[2:] - padded[:-2]
    found: NDArray[np.float32] = steps[:, :-2] + 2 * steps[:, 1:-1] + steps[:, 2:]
    return found


def _mean_down(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of `_BLUR_PX` rows around each."""
    half = _BLUR_PX // 2
    sums = np.cumsum(np.pad(grey, ((half + 1, half), (0, 0)), mode="symmetric"), axis=0, dtype=np.float64)
    return ((sums[_BLUR_PX:] - sums[:-_BLUR_PX]) / _BLUR_PX).astype(np.float32)


def _grey(image: NDArray[np.uint8], *, max_side: int) -> Image.Image:
    reduced = Image.fromarray(image)
    reduced.thumbnail((max_side, max_side), Image.Resampling.BILINEAR)
    return reduced.convert("L")


def _unit(grey: Image.Image) -> NDArray[np.float32]:
    return np.asarray(grey, np.float32) / np.float32(255)


def _percentiles(histogram: Sequence[int], shares: Sequence[float]) -> list[float]:
    """The values, 0..1, below which these shares of the pixels lie."""
    below = np.cumsum(histogram)
    return [float(np.searchsorted(below, share * below[-1])) / 255 for share in shares]
