"""Label files become photos with polygons, or a clear error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imaging.training.coco import coco_load, data_root
from tests.imaging.training.drawn import set_write


def test_photos_with_their_things(tmp_path: Path) -> None:
    photos = coco_load(set_write(tmp_path, [[(10, 20, 30, 5), (1, 2, 3, 4)], []]))
    assert [len(photo.things) for photo in photos] == [2, 0]
    first = photos[0].things[0]
    assert (first.category, first.box) == ("minor-scratch", (10.0, 20.0, 30.0, 5.0))
    assert first.polygons == (((10.0, 20.0), (40.0, 20.0), (40.0, 25.0), (10.0, 25.0)),)
    assert photos[0].path == tmp_path / "images" / "0.png"


def test_box_stands_in_for_a_missing_polygon(tmp_path: Path) -> None:
    path = set_write(tmp_path, [[(10, 20, 30, 5)]])
    raw = json.loads(path.read_text())
    raw["annotations"][0]["segmentation"] = []
    path.write_text(json.dumps(raw))
    assert coco_load(path)[0].things[0].polygons == (((10.0, 20.0), (40.0, 20.0), (40.0, 25.0), (10.0, 25.0)),)


def test_photos_of_another_folder(tmp_path: Path) -> None:
    path = set_write(tmp_path, [[]])
    assert coco_load(path, Path("elsewhere"))[0].path == Path("elsewhere/0.png")


def test_variants_of_one_photo_are_one_group(tmp_path: Path) -> None:
    path = set_write(tmp_path, [[], [], []])
    raw = json.loads(path.read_text())
    for entry, name in zip(raw["images"], (f"car_{'0' * 32}.jpg", f"car_{'f' * 32}.jpg", "car_b.jpg"), strict=True):
        entry["file_name"] = name
    path.write_text(json.dumps(raw))
    assert [photo.group for photo in coco_load(path)] == ["car.jpg", "car.jpg", "car_b.jpg"]


@pytest.mark.parametrize("broken", [{}, {"images": [], "annotations": [{"image_id": 1}], "categories": []}, []])
def test_what_is_not_coco_is_refused(broken: object, tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(broken))
    with pytest.raises(ValueError, match=r"labels\.json is not a COCO file"):
        coco_load(path)


def test_data_root_is_set_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATA_ROOT", raising=False)
    assert data_root() == Path("var/data")
    monkeypatch.setenv("DATA_ROOT", "/elsewhere")
    assert data_root() == Path("/elsewhere")
