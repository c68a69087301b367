"""Which photos are trained with, which are held back, and the labels that we added."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imaging.training import plate_photos
from imaging.training.plate_photos import CC0, OPENIMAGES_VALID, VALID_DRIVES, train_photos, valid_photos


def labels_write(root: Path, name: str, files: list[str]) -> None:
    """A COCO file with one plate and one vehicle on each photo; the photos themselves are not needed."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    images = [{"id": index, "file_name": file, "width": 200, "height": 100} for index, file in enumerate(files)]
    boxes = {1: [10, 20, 30, 8], 2: [0, 0, 150, 90]}
    annotations = [
        {"id": 10 * index + kind, "image_id": index, "category_id": kind, "bbox": box}
        for index in range(len(files))
        for kind, box in boxes.items()
    ]
    categories = [{"id": 1, "name": "plate"}, {"id": 2, "name": "vehicle"}]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (root / name).write_text(json.dumps(document))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (OPENIMAGES_VALID, *VALID_DRIVES):
        labels_write(tmp_path, name, ["a.jpg", "b.jpg"])
    labels_write(tmp_path, CC0, [f"Cars{index}.jpg" for index in range(200)])
    ours = {
        "added": {OPENIMAGES_VALID: {"a.jpg": [[50, 60, 20, 6]]}, CC0: {"Cars0.jpg": [[5, 5, 9, 3]]}},
        "unsure": {OPENIMAGES_VALID: {"b.jpg": [[1, 1, 9, 3]]}, CC0: {"Cars0.jpg": [[70, 70, 9, 3]]}},
    }
    (tmp_path / "ours.json").write_text(json.dumps(ours))
    monkeypatch.setattr(plate_photos, "OURS", tmp_path / "ours.json")
    return tmp_path


def test_a_photo_is_trained_with_or_chosen_with_never_both(root: Path) -> None:
    trained = {photo.path.name for photo in train_photos(root, CC0)}
    held = {photo.path.name for photo in valid_photos(root)["cc0"]}
    assert len(trained) + len(held) == 200
    assert not trained & held
    assert 5 < len(held) < 40


def test_plates_alone_are_labels_and_ours_are_added(root: Path) -> None:
    first, second = valid_photos(root)["openimages"]
    assert [thing.category for thing in first.things] == ["plate", "plate"]
    assert list(first.things[1].box) == [50, 60, 20, 6]
    assert [thing.category for thing in second.things] == ["plate"]


def test_unsure_places_go_into_training(root: Path) -> None:
    photos = {photo.path.name: photo for photo in train_photos(root, CC0)} | {
        photo.path.name: photo for photo in train_photos(root, OPENIMAGES_VALID)
    }
    assert [thing.category for thing in photos["b.jpg"].things] == ["plate", "unsure"]


def test_shipped_labels_lie_on_known_sets() -> None:
    ours = json.loads((Path(plate_photos.__file__).parent / "cards" / "plate_labels.json").read_text())
    known = {*plate_photos.SHARES, *VALID_DRIVES, OPENIMAGES_VALID}
    for kind in ("added", "unsure"):
        assert set(ours[kind]) <= known
        boxes = [box for by_file in ours[kind].values() for found in by_file.values() for box in found]
        assert all(len(box) == 4 and box[2] > 0 and box[3] > 0 for box in boxes)
    # The figures are of the sets' own labels.
    assert not set(plate_photos.TESTS.values()) & {*ours["added"], *ours["unsure"]}
