"""Which photos the damage model is trained and judged with, and the places that we looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imaging.training import damage_photos
from imaging.training.damage_photos import (
    FLICKR,
    LABELS,
    MASKS,
    OPENIMAGES,
    SHARES,
    USEDCARS,
    clean_photos,
    distinct,
    train_photos,
)
from imaging.training.tiles import DOUBTFUL, LOOKALIKE

FIRST, COPY = f"car_{'0' * 32}.jpg", f"car_{'1' * 32}.jpg"


def coco_write(root: Path, name: str, files: list[str]) -> None:
    """A COCO file with a scratch and a vehicle on each photo."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    images = [{"id": index, "file_name": file, "width": 200, "height": 100} for index, file in enumerate(files)]
    boxes = {1: [10, 20, 30, 8], 2: [40, 20, 100, 60]}
    annotations = [
        {"id": 10 * index + kind, "image_id": index, "category_id": kind, "bbox": box}
        for index in range(len(files))
        for kind, box in boxes.items()
    ]
    categories = [{"id": 1, "name": "minor-scratch"}, {"id": 2, "name": "vehicle"}]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (root / name).write_text(json.dumps(document))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    coco_write(tmp_path, USEDCARS, [FIRST, "other.jpg", COPY])
    coco_write(tmp_path, OPENIMAGES, ["street.jpg"])
    for name in damage_photos.CLEAN_VALID:
        if name.endswith(".json"):
            coco_write(tmp_path, name, ["a.jpg", "crashed.jpg"])
    for folder in (tmp_path / MASKS, tmp_path / "foreground/car_masks/valid"):
        for part, suffix in (("images", "jpg"), ("masks", "png")):
            (folder / part).mkdir(parents=True)
            Image.fromarray(np.full((30, 40), 255, dtype=np.uint8)).save(folder / part / f"c.{suffix}")
    ours = {
        LOOKALIKE: {USEDCARS: {FIRST: [[1, 2, 3, 4]]}, OPENIMAGES: {"street.jpg": [[5, 5, 9, 3]]}},
        DOUBTFUL: {USEDCARS: {FIRST: [[7, 7, 3, 3]]}},
        "not_clean": ["crashed.jpg"],
    }
    (tmp_path / "ours.json").write_text(json.dumps(ours))
    monkeypatch.setattr(damage_photos, "LABELS", tmp_path / "ours.json")
    damage_photos._ours.cache_clear()
    yield tmp_path
    damage_photos._ours.cache_clear()


def test_flipped_copies_count_once_and_the_first_stays(root: Path) -> None:
    sources = train_photos(root, USEDCARS)
    assert sorted(one.photo.path.name for one in sources) == [FIRST, "other.jpg"]
    assert all(one.surface is None for one in sources)


def test_places_that_we_looked_at_are_added_behind_the_labels(root: Path) -> None:
    photos = {one.photo.path.name: one.photo for one in train_photos(root, USEDCARS)}
    first, other = photos[FIRST], photos["other.jpg"]
    assert [thing.category for thing in first.things] == ["minor-scratch", "vehicle", LOOKALIKE, DOUBTFUL]
    assert list(first.things[2].box) == [1, 2, 3, 4]
    assert [thing.category for thing in other.things] == ["minor-scratch", "vehicle"]


def test_vehicles_are_where_drawn_damage_may_go_and_no_damage(root: Path) -> None:
    (street,) = train_photos(root, OPENIMAGES)
    assert [thing.category for thing in street.photo.things] == [LOOKALIKE]
    assert street.surface is not None
    assert street.surface.shape == (100, 200)
    assert street.surface[50, 90] == 255
    assert street.surface[22, 42] == street.surface[50, 150] == 0


def test_masks_are_surfaces(root: Path) -> None:
    (car,) = train_photos(root, MASKS)
    assert car.photo.things == ()
    assert car.surface is not None
    assert (car.surface == 255).all()


def test_clean_photos_have_no_labels_and_no_crashed_car(root: Path) -> None:
    found = clean_photos(root)
    assert [photo.path.name for photo in found] == ["a.jpg", "a.jpg", "c.jpg"]
    assert not any(photo.things for photo in found)


def test_photos_of_no_group_stay() -> None:
    assert distinct([]) == []


def test_shipped_places_lie_on_training_photos() -> None:
    ours = json.loads(LABELS.read_text())
    for kind in (LOOKALIKE, DOUBTFUL):
        assert set(ours[kind]) <= set(SHARES) - {FLICKR}
        boxes = [box for by_file in ours[kind].values() for found in by_file.values() for box in found]
        assert all(len(box) == 4 and box[2] > 0 and box[3] > 0 for box in boxes)
    assert sum(SHARES.values()) == pytest.approx(1.0)
