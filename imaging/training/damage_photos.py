"""Which photos `damage_detector` is trained with, where a car's body is on them, and what is no damage. No torch.

The used-car set leaves scratches out. Where the 0.2.0 network saw damage without a label on a training photo, we
looked: `cards/damage_labels.json` holds the places that are none and those that are, or may be, damage after all. The
validation and test photos stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from imaging.training.coco import Photo, Thing, coco_load
from imaging.training.tiles import DOUBTFUL, LOOKALIKE

UInt8Image = npt.NDArray[np.uint8]

USEDCARS, FLICKR = "damage/usedcars/train.json", "damage/flickr/train.json"
OPENIMAGES, MASKS = "plates/openimages/train.json", "foreground/car_masks/train"
# Share of the tiles by source. Crashed cars teach large dents; clean whole cars keep the model calm on such photos.
SHARES: Mapping[str, float] = {USEDCARS: 0.66, FLICKR: 0.08, OPENIMAGES: 0.16, MASKS: 0.10}
CLEAN_VALID = ("plates/openimages/valid.json", "plates/openimages/test.json", "foreground/car_masks/valid")
LABELS = Path(__file__).parent / "cards" / "damage_labels.json"
# The share of a vehicle's box, around its middle, that is body for sure: most of it, without ground and sky.
CORE = 0.7


@dataclass(frozen=True, slots=True)
class Source:
    """A photo to train with; `surface` (H, W) is 255 on the car's body, None where only labelled damage tells."""

    photo: Photo
    surface: UInt8Image | None


def train_photos(root: Path, name: str) -> list[Source]:
    """Return the photos of one of `SHARES` below `root`: each once, with the places that we looked at."""
    if name == MASKS:
        return [Source(_completed(photo, name), _mask(photo)) for photo in folder_load(root / name)]
    photos = distinct(coco_load(root / name))
    if name == OPENIMAGES:
        return [Source(_completed(replace(photo, things=()), name), _boxes(photo)) for photo in photos]
    return [Source(_completed(photo, name), None) for photo in photos]


def clean_photos(root: Path) -> list[Photo]:
    """Return photos of whole cars without visible damage, none of them trained with; crashed ones are left out."""
    dropped = set(_ours()["not_clean"])
    found = [photo for name in CLEAN_VALID for photo in _any(root / name)]
    return [replace(photo, things=()) for photo in found if photo.path.name not in dropped]


def distinct(photos: Iterable[Photo]) -> list[Photo]:
    """Return one photo of each group: the used-car set holds flipped copies under other names."""
    return list({photo.group: photo for photo in reversed(list(photos))}.values())[::-1]


def folder_load(folder: Path) -> list[Photo]:
    """Return the photos in `folder/images`, without labels."""
    photos = []
    for path in sorted((folder / "images").iterdir()):
        with Image.open(path) as image:
            photos.append(Photo(path, image.width, image.height, (), path.stem))
    return photos


def _any(path: Path) -> list[Photo]:
    return coco_load(path) if path.suffix == ".json" else folder_load(path)


def _completed(photo: Photo, name: str) -> Photo:
    ours = [
        Thing(category, (_ring(box),), tuple(box))
        for category in (LOOKALIKE, DOUBTFUL)
        for box in _ours()[category].get(name, {}).get(photo.path.name, [])
    ]
    return replace(photo, things=(*photo.things, *ours))


@cache
def _ours() -> Any:
    return json.loads(LABELS.read_text(encoding="utf-8"))


def _ring(box: tuple[float, float, float, float]) -> tuple[tuple[float, float], ...]:
    left, top, width, height = box
    return ((left, top), (left + width, top), (left + width, top + height), (left, top + height))


def _mask(photo: Photo) -> UInt8Image:
    with Image.open(photo.path.parent.parent / "masks" / f"{photo.path.stem}.png") as image:
        return np.asarray(image.convert("L").resize((photo.width, photo.height)))


def _boxes(photo: Photo) -> UInt8Image:
    canvas = Image.new("L", (photo.width, photo.height))
    for thing in photo.things:
        if thing.category == "vehicle":
            left, top, width, height = thing.box
            x, y = left + width / 2, top + height / 2
            reach = (width * CORE / 2, height * CORE / 2)
            ImageDraw.Draw(canvas).ellipse((x - reach[0], y - reach[1], x + reach[0], y + reach[1]), fill=255)
    return np.asarray(canvas)
