"""Damage that nobody had to suffer: scratches, scuffs, chips and dents drawn on a tile's panels. No torch.

Each function changes `image` (S, S, 3) float32, 0..255, in place around `at` (x, y) and returns the damage's mask
(S, S), 0 or 1, drawn a little wide, as people label it. They draw inside a window, so their cost follows the damage.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

FloatMap = npt.NDArray[np.float32]
Point = tuple[float, float]
Draw = Callable[[FloatMap, Point, np.random.Generator], FloatMap]

FINE = 4  # lines are drawn this many times larger and shrunk: half a pixel is a common width of a scratch
VISIBLE = 6.0  # fainter than this, in levels of 255, nobody would label it
GREY = np.full(3, 1 / 3, dtype=np.float32)
STRANDS = np.array([0.55, 0.2, 0.12, 0.08, 0.05])


@dataclass(frozen=True, slots=True)
class Window:
    """The square part of a tile that is drawn on: its left and top edge and its side, in pixels."""

    left: int
    top: int
    side: int

    def of(self, plane: FloatMap) -> FloatMap:
        """Return the view of `plane` (S, S) or (S, S, C) inside the window."""
        return plane[self.top : self.top + self.side, self.left : self.left + self.side]


def scratch_draw(image: FloatMap, at: Point, rng: np.random.Generator) -> FloatMap:
    """One bent line of uneven strength, or a few that run side by side; brighter or darker than the paint."""
    size = image.shape[0]
    length = float(np.exp(rng.uniform(math.log(8), math.log(size / 2.5))))
    window = _window(size, at, length * 1.3 + 24)
    heading, middle = rng.uniform(0, 2 * math.pi), np.array([at[0] - window.left, at[1] - window.top])
    alpha = np.zeros((window.side, window.side), dtype=np.float32)
    for strand in range(1 + int(rng.choice(len(STRANDS), p=STRANDS))):
        offset = rng.normal(0, 1.5 + length / 25, 2) if strand else np.zeros(2)
        alpha = np.maximum(alpha, _strand(window.side, middle + offset, length, heading + rng.normal(0, 0.08), rng))
    soft = _blurred(alpha, float(rng.uniform(0.3, 0.9)))
    tone = _tone(rng)
    _tint(window.of(image), soft, tone)
    if rng.random() < 0.3:
        # The far wall of a deep scratch lies in shadow.
        _tint(window.of(image), np.roll(soft, int(rng.choice([-1, 1])), axis=int(rng.integers(2))), -0.5 * tone)
    return _mask(size, window, _seen(alpha, tone), grow=5)


def scuff_draw(image: FloatMap, at: Point, rng: np.random.Generator) -> FloatMap:
    """A rubbed patch: many fine strokes in one direction that fade towards its edge."""
    size, reach = image.shape[0], float(rng.uniform(6, 40))
    window = _window(size, at, 2.6 * reach)
    strokes = rng.uniform(0, 1, (window.side, max(3, window.side // int(rng.integers(6, 14))))).astype(np.float32)
    picture = Image.fromarray(strokes).resize((window.side, window.side), Image.Resampling.BILINEAR)
    angle = float(rng.uniform(0, 180))
    streaks = np.asarray(picture.rotate(angle, Image.Resampling.BILINEAR), dtype=np.float32)
    shape = _bump(window, at, reach, rng)
    fading = np.clip((streaks - rng.uniform(0.35, 0.65)) * 3, 0, 1) * np.clip(2.2 * shape - 0.5, 0, 1)
    alpha: FloatMap = np.asarray(fading, dtype=np.float32)
    tone = _tone(rng)
    _tint(window.of(image), alpha, tone)
    return _mask(size, window, _seen(alpha, tone), grow=7)


def chip_draw(image: FloatMap, at: Point, rng: np.random.Generator) -> FloatMap:
    """Flaked paint: one to ten ragged specks, close together."""
    size, spread = image.shape[0], float(rng.uniform(2, 16))
    window = _window(size, at, 6 * spread + 24)
    fine = Image.new("L", (window.side * FINE, window.side * FINE))
    pen = ImageDraw.Draw(fine)
    for _ in range(int(rng.integers(1, 11))):
        middle = np.array(at) - (window.left, window.top) + rng.normal(0, spread, 2)
        radius = np.exp(rng.uniform(math.log(0.7), math.log(4.0))) * rng.uniform(0.5, 1.2, 9)
        turns = np.linspace(0, 2 * math.pi, 9, endpoint=False)
        ring = (middle + np.stack([np.cos(turns), np.sin(turns)], 1) * radius[:, None]) * FINE
        pen.polygon([(float(x), float(y)) for x, y in ring], fill=255)
    alpha = _shrunk(fine, window.side)
    tone = _tone(rng, least=30)
    _tint(window.of(image), _blurred(alpha, 0.4), tone)
    return _mask(size, window, _seen(alpha, tone), grow=7)


def dent_draw(image: FloatMap, at: Point, rng: np.random.Generator) -> FloatMap:
    """A smooth hollow: what the paint mirrors is pulled together there, one flank is lit and the other in shade."""
    size, reach = image.shape[0], float(np.exp(rng.uniform(math.log(7), math.log(48))))
    window = _window(size, at, 4.5 * reach)
    shape = _bump(window, at, reach, rng)
    slope = np.stack(np.gradient(shape))
    slope /= max(1e-6, float(np.abs(slope).max()))
    part = window.of(image)
    pull = rng.choice([-1.0, 1.0]) * rng.uniform(0.1, 0.45) * reach * slope
    places = np.mgrid[0 : window.side, 0 : window.side] + pull
    for channel in range(3):
        part[..., channel] = ndimage.map_coordinates(part[..., channel], places, order=1, mode="nearest")
    towards = rng.uniform(0, 2 * math.pi)
    shade = slope[0] * math.sin(towards) + slope[1] * math.cos(towards)
    # The paint's highlights are sharper than its shadows.
    shade = np.maximum(shade, 0.0) ** rng.uniform(1.0, 2.5) + np.minimum(shade, 0.0) * rng.uniform(0.4, 1.0)
    part += (shade * rng.uniform(10, 55))[..., None].astype(np.float32)
    return _mask(size, window, shape > rng.uniform(0.3, 0.5), grow=1)


# What a drawn damage is called, how often it comes, and who draws it.
KINDS: tuple[tuple[str, float, Draw], ...] = (
    ("scratch", 0.46, scratch_draw),
    ("scratch", 0.12, scuff_draw),
    ("scratch", 0.14, chip_draw),
    ("dent", 0.28, dent_draw),
)


def damage_draw(image: FloatMap, at: Point, rng: np.random.Generator) -> tuple[str, FloatMap]:
    """Draw one damage of any kind; return its kind and mask."""
    category, _, draw = KINDS[int(rng.choice(len(KINDS), p=[share for _, share, _ in KINDS]))]
    return category, draw(image, at, rng)


def spot_find(image: FloatMap, surface: FloatMap, rng: np.random.Generator, *, block: int = 8) -> Point | None:
    """Return a calm place (x, y) on the panels, where `surface` (S, S) is above a half; None when there is none.

    Panels are smoother than grilles, lamps and tyres: of the surface's blocks the calmer half is drawn from.
    """
    grey = image @ GREY
    rough = np.abs(np.diff(grey, axis=0))[:, :-1] + np.abs(np.diff(grey, axis=1))[:-1]
    cells = image.shape[0] // block - 1
    calm = np.asarray(Image.fromarray(rough).reduce(block))[:cells, :cells]
    inside = surface[: cells * block : block, : cells * block : block] > 0.5
    if not inside.any():
        return None
    rows, columns = np.nonzero(inside & (calm <= np.quantile(calm[inside], 0.5)))
    index = int(rng.integers(len(rows)))
    x, y = (np.array([columns[index], rows[index]]) + rng.uniform(0, 1, 2)) * block
    return float(x), float(y)


def _strand(
    side: int, middle: npt.NDArray[np.float64], length: float, heading: float, rng: np.random.Generator
) -> FloatMap:
    count = max(6, int(length / 2))
    bend = np.cumsum(rng.normal(0, 0.9 / count, count)) * 3 + np.linspace(-0.5, 0.5, count) * rng.normal(0, 0.6)
    steps = np.stack([np.cos(heading + bend), np.sin(heading + bend)], 1) * length * rng.uniform(0.5, 1.0) / count
    path = np.cumsum(steps, axis=0)
    path = (path - path[count // 2] + middle) * FINE
    knots = max(2, count // 8)
    strength = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, knots), rng.uniform(0.05, 1.1, knots))
    fine = Image.new("L", (side * FINE, side * FINE))
    pen, width = ImageDraw.Draw(fine), max(1, int(np.exp(rng.uniform(math.log(1.5), math.log(9)))))
    for (x, y), (u, v), force in zip(path[:-1], path[1:], strength[1:], strict=True):
        pen.line([(float(x), float(y)), (float(u), float(v))], fill=int(255 * min(1.0, force)), width=width)
    return _shrunk(fine, side)


def _window(size: int, at: Point, side: float) -> Window:
    whole = min(size, max(16, int(side)))
    left, top = (int(np.clip(value - whole / 2, 0, size - whole)) for value in at)
    return Window(left, top, whole)


def _bump(window: Window, at: Point, reach: float, rng: np.random.Generator) -> FloatMap:
    """A Gaussian hill, 0..1, longer than wide, turned anyhow."""
    rows, columns = np.mgrid[0 : window.side, 0 : window.side].astype(np.float32)
    x, y = columns - (at[0] - window.left), rows - (at[1] - window.top)
    turn, narrow = rng.uniform(0, math.pi), rng.uniform(0.4, 1.0)
    along, across = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    return np.asarray(np.exp(-2.0 * ((along / reach) ** 2 + (across / (reach * narrow)) ** 2)), dtype=np.float32)


def _tone(rng: np.random.Generator, *, least: float = 16) -> FloatMap:
    """Difference to the paint, by channel: mostly bright (primer, bare metal), often faint."""
    strength = float(np.exp(rng.uniform(math.log(least), math.log(110))))
    sign = 1.0 if rng.random() < 0.65 else -0.8
    return (sign * strength * (1.0 + rng.normal(0, 0.12, 3))).astype(np.float32)


def _tint(part: FloatMap, alpha: FloatMap, tone: FloatMap) -> None:
    part += alpha[..., None] * tone


def _seen(alpha: FloatMap, tone: FloatMap) -> npt.NDArray[np.bool_]:
    return np.asarray(alpha * float(np.abs(tone).mean()) > VISIBLE)


def _shrunk(fine: Image.Image, side: int) -> FloatMap:
    return np.asarray(fine.resize((side, side), Image.Resampling.BOX), dtype=np.float32) / 255.0


def _blurred(alpha: FloatMap, radius: float) -> FloatMap:
    picture = Image.fromarray((np.clip(alpha, 0, 1) * 255).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / 255.0


def _mask(size: int, window: Window, inside: npt.NDArray[np.bool_], *, grow: int) -> FloatMap:
    full = np.zeros((size, size), dtype=np.float32)
    window.of(full)[:] = ndimage.maximum_filter(inside, size=grow) if grow > 1 else inside
    return full
