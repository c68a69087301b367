"""Which photos `view_and_wheels` is trained, chosen and measured with. No torch.

The sets name neither views nor wheels: `cards/view_labels.json` holds what we saw on them, and parts of their photos
without any vehicle, found beside what vehicle_mask and the sets' boxes show, each looked at.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from skimage import data

from imaging.training.mask_photos import JUDGED_PICTURES, pixels_read

OURS = Path(__file__).parent / "cards" / "view_labels.json"
TRAIN = ("plates/openimages/train.json", "foreground/car_masks/train", "damage/usedcars/train.json")
CHOOSING = "plates/openimages/valid.json"
TEST = ("plates/openimages/test.json", "foreground/car_masks/valid", "damage/usedcars/val.json")
# Too near to name a side; and no vehicle at all.
CLOSE, NOTHING = "close", "none"
# One photo in so many of the train splits is kept for choosing, for openimages shows few cars from the side.
_HELD = 7


@dataclass(frozen=True, slots=True)
class Viewed:
    """One photo: its view, "close" or "none", and the tyres of the side that we see, each (x, y, radius): the centre by
    the photo's width and height, the radius by its height; None where nobody marked them. `part`: left, top, right and
    bottom edge, 0..1, of what is looked at of it."""

    path: Path
    view: str
    wheels: tuple[tuple[float, float, float], ...] | None
    part: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)


def train_photos(root: Path) -> list[Viewed]:
    """Return the photos that are trained with, "close" ones and parts without a vehicle among them."""
    return [one for name in TRAIN for one in _viewed(root, name) if not _held(one)]


def choosing_photos(root: Path) -> list[Viewed]:
    """Return the photos by which thresholds and calibration are chosen: openimages' valid split, and the photos of the
    other train splits that are kept from training."""
    held = (one for name in TRAIN[1:] for one in _viewed(root, name) if _held(one))
    return [*_viewed(root, CHOOSING), *held]


def card_photos(root: Path) -> list[Viewed]:
    """Return the photos for the card, of splits that nothing is trained or chosen with here, and pictures of
    scikit-image without a vehicle."""
    folder = Path(data.__file__).parent
    pictures = sorted(path for path in folder.iterdir() if path.stem in JUDGED_PICTURES)
    return [*(one for name in TEST for one in _viewed(root, name)), *(Viewed(path, NOTHING, ()) for path in pictures)]


def whole(photos: Sequence[Viewed]) -> list[Viewed]:
    """Leave out those that are too near to name a side, or show no vehicle."""
    return [one for one in photos if one.view not in (CLOSE, NOTHING)]


def viewed_read(photo: Viewed) -> npt.NDArray[np.uint8]:
    """Read what is looked at of a photo, (H, W, 3) uint8 RGB."""
    pixels = pixels_read(photo.path)
    height, width = pixels.shape[:2]
    left, top, right, bottom = photo.part
    part = pixels[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
    return np.ascontiguousarray(part)


def _viewed(root: Path, name: str) -> Iterator[Viewed]:
    told = _ours(OURS)
    for file, view in told["views"].get(name, {}).items():
        rings = told["wheels"].get(name, {}).get(file)
        wheels = tuple((x, y, radius) for x, y, radius in rings) if rings is not None else None
        yield Viewed(_folder(root, name) / file, view, wheels)
    for file, (left, top, right, bottom) in told.get("beside", {}).get(name, {}).items():
        yield Viewed(_folder(root, name) / file, NOTHING, (), (left, top, right, bottom))


def _folder(root: Path, name: str) -> Path:
    return (root / name).parent / "images" if name.endswith(".json") else root / name / "images"


def _held(photo: Viewed) -> bool:
    return "openimages" not in photo.path.parts and zlib.crc32(photo.path.name.encode()) % _HELD == 0


@cache
def _ours(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
