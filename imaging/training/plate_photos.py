"""Which photos `plate_detector` is trained, tuned and measured with, and what their labels leave out. No torch.

The sets label one plate of a photo and leave out another. Where an early network saw one without a label we looked:
`cards/plate_labels.json` holds the plates that we added to the photos for training and for choosing, and the places
where nobody can tell. The test sets stay as they are.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from imaging.training.coco import Photo, Thing, coco_load

PLATE, UNSURE = "plate", "unsure"
OURS = Path(__file__).parent / "cards" / "plate_labels.json"
# Share of the samples by label file, under DATA_ROOT.
SHARES: Mapping[str, float] = {
    "plates/openimages/train.json": 0.5,
    "plates/cc0/train.json": 0.32,
    "plates/romania/dayride_type1_001.json": 0.18,
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
    """Return the photos of one label file that are trained with, labelled with plates and unsure places."""
    photos = [_completed(photo, name) for photo in coco_load(root / name)]
    return [photo for photo in photos if name != CC0 or not _held_back(photo)]


def valid_photos(root: Path) -> dict[str, list[Photo]]:
    """Return the photos that thresholds are chosen with, by set, their plates alone labelled."""
    files = {"openimages": (OPENIMAGES_VALID,), "cc0": (CC0,), "romania": VALID_DRIVES}
    return {name: [photo for path in paths for photo in _valid(root, path)] for name, paths in files.items()}


def _valid(root: Path, name: str) -> Iterator[Photo]:
    for photo in coco_load(root / name):
        if name != CC0 or _held_back(photo):
            yield _completed(photo, name).of({PLATE})


def _completed(photo: Photo, name: str) -> Photo:
    """The photo with its plates, those that we added, and the unsure places."""
    known = photo.of({PLATE}).things
    ours = [
        Thing(category, ((tuple(box[:2]), (box[0] + box[2], box[1]), (box[0], box[1] + box[3])),), tuple(box))
        for category, by_file in ((PLATE, _ours(OURS)["added"]), (UNSURE, _ours(OURS)["unsure"]))
        for box in by_file.get(name, {}).get(photo.path.name, [])
    ]
    return replace(photo, things=(*known, *ours))


@cache
def _ours(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _held_back(photo: Photo) -> bool:
    return zlib.crc32(photo.path.name.encode()) % 10 == 0
