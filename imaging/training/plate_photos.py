"""Which photos `plate_detector` is trained, tuned and measured with. No torch."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path

from imaging.training.coco import Photo, coco_load

PLATE = "plate"
# Share of the samples by label file, under DATA_ROOT.
SHARES: Mapping[str, float] = {
    "plates/openimages/train.json": 0.4,
    "plates/cc0/train.json": 0.35,
    "plates/romania/dayride_type1_001.json": 0.25,
}
# Kept for choosing: a whole drive each, and every tenth photo of a set without a split of its own.
VALID_DRIVES = ("plates/romania/dayride_type1_002.json", "plates/romania/dayride_type1_003.json")
CC0 = "plates/cc0/train.json"
OPENIMAGES_VALID = "plates/openimages/valid.json"
TESTS: Mapping[str, str] = {
    "openimages": "plates/openimages/test.json",
    "romania": "plates/romania/nightride_type3_001.json",
}


def train_photos(root: Path, name: str) -> list[Photo]:
    """Return the photos of one label file that are trained with, their plates alone labelled."""
    photos = [photo.of({PLATE}) for photo in coco_load(root / name)]
    return [photo for photo in photos if name != CC0 or not _held_back(photo)]


def valid_photos(root: Path) -> dict[str, list[Photo]]:
    """Return the photos that thresholds are chosen with, by set."""
    drives = [photo.of({PLATE}) for name in VALID_DRIVES for photo in coco_load(root / name)]
    return {
        "openimages": [photo.of({PLATE}) for photo in coco_load(root / OPENIMAGES_VALID)],
        "cc0": [photo.of({PLATE}) for photo in coco_load(root / CC0) if _held_back(photo)],
        "romania": drives,
    }


def _held_back(photo: Photo) -> bool:
    return zlib.crc32(photo.path.name.encode()) % 10 == 0
