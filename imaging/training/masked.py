"""Judge a model that gives a mask, through the same code that the platform runs. No torch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from tqdm import tqdm

from imaging.ml.types import HALF, Mask
from imaging.training.masks import boundary_iou, iou

UInt8Image = npt.NDArray[np.uint8]
BoolMap = npt.NDArray[np.bool_]
# The contact sheet: cells in pixels, and how many.
CELL, COLUMNS, ROWS = 240, 6, 6
MISSED, TOO_MUCH = (255, 0, 0), (255, 140, 0)


class Masks(Protocol):
    """A model that gives a mask."""

    def mask(self, image: UInt8Image) -> Mask:
        """Return the soft mask of the main car."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One photo: its file and its mask's, and how the model's mask compares."""

    photo: Path
    mask: Path
    iou: float
    boundary_iou: float
    found: bool


@dataclass(frozen=True, slots=True)
class Look:
    """All photos of a set, with the rate of the whole work: decode, resize, network, mask at the photo's size."""

    compared: tuple[Compared, ...]
    images_per_second: float


def pair_read(photo: Path, mask: Path) -> tuple[UInt8Image, BoolMap]:
    """Read a photo (H, W, 3) and its mask (H, W); turned as EXIF says if the mask was drawn on it that way.

    ValueError when the two differ in size all the same.
    """
    with Image.open(mask) as drawn, Image.open(photo) as image:
        turned = image if image.size == drawn.size else ImageOps.exif_transpose(image)
        if turned.size != drawn.size:
            raise ValueError(f"{mask.name}: the mask is {drawn.size}, its photo {turned.size} pixels large")
        return np.asarray(turned.convert("RGB")), np.asarray(drawn.convert("L")) > 127


def masks_look(model: Masks, files: Sequence[tuple[Path, Path]]) -> Look:
    """Let `model` look at every photo of the pairs and compare its masks with the true ones."""
    model.mask(pair_read(*files[0])[0])
    compared, seconds = [], 0.0
    for photo, mask in tqdm(files, desc="evaluate"):
        started = time.perf_counter()
        pixels, true = pair_read(photo, mask)
        found = _at(model, pixels)
        seconds += time.perf_counter() - started
        compared.append(Compared(photo, mask, iou(found, true), boundary_iou(found, true), bool(found.any())))
    return Look(tuple(compared), len(files) / max(1e-9, seconds))


def _at(model: Masks, pixels: UInt8Image) -> BoolMap:
    return model.mask(pixels).at(pixels.shape[1], pixels.shape[0]) >= HALF


def masks_figures(found: Look) -> dict[str, float]:
    """Means over the photos: `IoU` and `boundary_IoU` (1 % of the diagonal), and the rate."""
    return {
        "IoU": float(np.mean([one.iou for one in found.compared])),
        "boundary_IoU": float(np.mean([one.boundary_iou for one in found.compared])),
        "images_per_second": found.images_per_second,
    }


def masks_details(found: Look) -> dict[str, Any]:
    """Counts and the spread behind the means: the worst photos, and how many reach some IoU."""
    values = np.sort([one.iou for one in found.compared])
    return {
        "photos": len(values),
        "without_a_car": sum(not one.found for one in found.compared),
        "IoU_median": float(np.median(values)),
        "IoU_worst": [float(value) for value in values[:3]],
        "share_from_IoU": {str(least): float((values >= least).mean()) for least in (0.9, 0.95, 0.97, 0.98)},
    }


def masks_sheet(model: Masks, found: Look, path: Path) -> None:
    """Draw up to 36 photos, worst first: red what the mask misses, orange what it takes in beside the car."""
    ranked = sorted(found.compared, key=lambda one: one.iou)[: COLUMNS * ROWS]
    canvas = Image.new("RGB", (CELL * COLUMNS, CELL * max(1, -(-len(ranked) // COLUMNS))))
    for index, one in enumerate(ranked):
        canvas.paste(_drawn(model, one), (index % COLUMNS * CELL, index // COLUMNS * CELL))
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path)


def _drawn(model: Masks, one: Compared) -> Image.Image:
    pixels, true = pair_read(one.photo, one.mask)
    found = _at(model, pixels)
    shown = pixels.copy()
    shown[~found] //= 2
    shown[true & ~found], shown[found & ~true] = MISSED, TOO_MUCH
    picture = Image.fromarray(shown)
    picture.thumbnail((CELL, CELL))
    return picture
