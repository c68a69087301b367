"""The face detector's recipe: nothing to train, scenes with and without data, thresholds from photos without faces."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imaging.training.__main__ import main
from imaging.training.coco import Photo, Thing
from imaging.training.evaluate import Look, Seen
from imaging.training.metrics import Judged
from imaging.training.recipes import face_detector
from imaging.training.recipes.face_detector import CHOOSING, FIGURES, RULE, calm, photos, recall_by_height

FEW = replace(CHOOSING, count=5, each=2)


def test_training_says_that_there_is_nothing_to_train(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "face_detector"]) == 1
    assert "nothing to train" in capsys.readouterr().err


def test_without_data_the_pictures_of_scikit_image_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_ROOT", str(tmp_path / "nowhere"))
    found = photos(FEW, tmp_path / "drawn")
    drawn, empty = found[:5], found[5:]
    assert sum(len(photo.things) for photo in drawn) >= 5
    assert "chelsea" in {photo.group for photo in empty}
    assert all(photo.path.is_file() for photo in found)
    assert not any(photo.things for photo in empty)


def label_file(root: Path, name: str, files: list[str]) -> None:
    path = root / name
    (path.parent / "images").mkdir(parents=True, exist_ok=True)
    for file in files:
        Image.new("RGB", (640, 640), (90, 90, 120)).save(path.parent / "images" / file)
    images = [{"id": index, "file_name": file, "width": 640, "height": 640} for index, file in enumerate(files)]
    label = {"id": 1, "image_id": 0, "category_id": 1, "bbox": [1, 1, 9, 9]}
    raw = {"categories": [{"id": 1, "name": "plate"}], "images": images, "annotations": [label]}
    path.write_text(json.dumps(raw))


def test_photos_of_cars_serve_once_each_and_without_their_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_ROOT", str(tmp_path))
    twice = [f"car_{digit * 32}.jpg" for digit in "ab"]
    people = min(face_detector.WITH_PEOPLE)
    label_file(tmp_path, CHOOSING.files[0], [*twice, "other.jpg", people])
    empty = photos(FEW, tmp_path / "drawn")[5:]
    assert sorted(photo.group for photo in empty) == ["car.jpg", "other.jpg"]
    assert not any(photo.things for photo in empty)


def test_halves_share_neither_photos_nor_small_heads() -> None:
    assert not set(CHOOSING.files) & set(FIGURES.files)
    assert {CHOOSING.first, FIGURES.first} == {0, 1}


def seen(scores: list[float], *heights: float) -> Seen:
    """A photo whose first proposals hit its faces, one each, of these heights; the rest hit nothing."""
    boxes = [(index * 300, 0, index * 300 + 20, heights[index]) for index in range(len(heights))]
    spare = [(5, 900 + index * 30, 25, 920 + index * 30) for index in range(len(scores) - len(heights))]
    things = tuple(Thing("day", (), (box[0], box[1], box[2] - box[0], box[3] - box[1])) for box in boxes)
    photo = Photo(Path("one.png"), 2000, 2000, things, "one")
    judged = Judged(
        np.array([*boxes, *spare], dtype=float).reshape(-1, 4),
        np.array(scores),
        np.array(boxes, dtype=float).reshape(-1, 4),
    )
    return Seen(photo, (), judged)


def test_threshold_is_chosen_on_photos_without_a_face() -> None:
    found = Look((seen([0.3, 0.9, 0.8], 30.0), seen([0.7]), seen([0.6]), seen([0.5]), seen([])), 1.0, RULE)
    assert calm(found, 0.5) == 0.6
    assert calm(found, 0.25) == 0.7


def test_recall_by_height() -> None:
    found = Look((seen([0.9, 0.3], 21.0, 23.0), seen([0.9], 60.0)), 1.0, RULE)
    assert dict(recall_by_height(found, 0.5)) == {
        "from 20 px": {"labels": 2, "recall": 0.5},
        "from 48 px": {"labels": 1, "recall": 1.0},
    }
