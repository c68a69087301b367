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
_UNIT = 255
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
    counts = np.asarray(fine.histogram(), dtype=np.float64)
    shadows, highlights = _percentiles(counts, (0.01, 0.99))
    mean, deviation = _moments(counts)
    width, height = full_size or (image.shape[1], image.shape[0])
    return Quality(
        width=width,
        height=height,
        blur=blur(np.asarray(fine)),
        coarse_blur=blur(np.asarray(coarse)),
        luma_mean=mean,
        contrast=deviation,
        shadows=shadows,
        highlights=highlights,
    )


def luma(image: NDArray[np.uint8], *, max_side: int) -> NDArray[np.float32]:
    """Return the grey (h, w) picture, 0..1, of a (height, width, 3) sRGB one, reduced to `max_side` px a side."""
    return np.asarray(_grey(image, max_side=max_side), np.float32) / np.float32(255)


def blur(grey: NDArray[np.uint8]) -> float:
    """Return the blur of a grey (h, w) picture: 0 (sharp) .. 1 (blurred, or without any edge).

    Crete et al., "The Blur Effect: Perception and Estimation with a New No-Reference Perceptual Blur Metric", SPIE
    6492 (2007): how much the differences between neighbours shrink when the picture is blurred once more. Unlike the
    variance of the Laplacian it does not follow contrast or the amount of texture. The figures are those of
    scikit-image's `blur_effect`; whole numbers of 16 bits hold every step exactly, and take a fraction of the time.
    """
    return max(_blur_down(grey), _blur_down(np.ascontiguousarray(grey.T)))


def _blur_down(grey: NDArray[np.uint8]) -> float:
    """The blur along the columns of a picture."""
    inner = (slice(2, -1), slice(2, -1))
    sharp = np.abs(_sobel_down(grey.astype(np.int16)))[inner]
    # The blurred picture is kept as sums: what is compared with it is multiplied instead of dividing it.
    smooth = np.abs(_sobel_down(_sums_down(grey)))[inner]
    before = _total(sharp) / _UNIT
    lost = _total(np.maximum(0, sharp * np.int16(_BLUR_PX) - smooth)) / (_BLUR_PX * _UNIT)
    return 1 - lost / before if before > _NO_EDGES * grey.size else 1.0


def _total(values: NDArray[np.int16]) -> int:
    return int(values.sum(axis=0, dtype=np.int32).sum(dtype=np.int64))


def _sobel_down(grey: NDArray[np.int16]) -> NDArray[np.int16]:
    padded = np.pad(grey, 1, mode="edge")
    steps: NDArray[np.int16] = padded[2:] - padded[:-2]
    pairs = steps[:, :-1] + steps[:, 1:]
    found: NDArray[np.int16] = pairs[:, :-1] + pairs[:, 1:]
    return found


def _sums_down(grey: NDArray[np.uint8]) -> NDArray[np.int16]:
    """The sum of `_BLUR_PX`, eleven, rows around each: of eight, built by doubling, of two, and of one."""
    half = _BLUR_PX // 2
    rows = np.pad(grey, ((half, half), (0, 0)), mode="symmetric").astype(np.int16)
    two = rows[:-1] + rows[1:]
    four = two[:-2] + two[2:]
    eight = four[:-4] + four[4:]
    sums: NDArray[np.int16] = eight[:-3] + two[8:-1] + rows[10:]
    return sums


def _grey(image: NDArray[np.uint8], *, max_side: int) -> Image.Image:
    reduced = Image.fromarray(image)
    reduced.thumbnail((max_side, max_side), Image.Resampling.BILINEAR)
    return reduced.convert("L")


def _percentiles(counts: NDArray[np.float64], shares: Sequence[float]) -> list[float]:
    """The values, 0..1, below which these shares of the pixels lie."""
    below = np.cumsum(counts)
    return [float(np.searchsorted(below, share * below[-1])) / _UNIT for share in shares]


def _moments(counts: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation, 0..1, of the pixels that a histogram of 256 values counts."""
    values = np.arange(len(counts)) / _UNIT
    mean = float(counts @ values / counts.sum())
    return mean, float(np.sqrt(counts @ (values - mean) ** 2 / counts.sum()))
