"""From an exported mask network to a shipped one: the card's figures are those that judging it again gives."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imaging.ml import registry
from imaging.training.recipes import vehicle_mask
from imaging.training.report import Request


def drawn(folder: Path, names: str) -> None:
    """Photos of a plain car before a wall, each with its mask."""
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for number, name in enumerate(names):
        photo, mask = Image.new("RGB", (200, 150), (170, 190, 200)), Image.new("L", (200, 150))
        ImageDraw.Draw(photo).rectangle((0, 100, 200, 150), fill=(90, 90, 90))
        left = 20 + 8 * number
        for picture, colours in ((photo, ((180, 20, 20), (20, 20, 20))), (mask, (255, 255))):
            pen = ImageDraw.Draw(picture)
            pen.polygon(
                [(left, 110), (left, 80), (left + 30, 55), (left + 90, 55), (left + 120, 80), (left + 130, 110)],
                colours[0],
            )
            for x in (left + 25, left + 100):
                pen.ellipse((x - 13, 97, x + 13, 123), fill=colours[1])
        photo.save(folder / "images" / f"{name}.png")
        mask.save(folder / "masks" / f"{name}.png")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with a train split of seven photos and a valid split of two."""
    drawn(tmp_path / "foreground/car_masks/train", "abcdefg")
    drawn(tmp_path / "foreground/car_masks/valid", "xy")
    monkeypatch.setenv("DATA_ROOT", str(tmp_path))
    return tmp_path


@pytest.fixture
def work(data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What training leaves behind, with the shipped network, and an empty models folder."""
    folder = data / "work"
    folder.mkdir()
    file = registry.card("vehicle_mask").file_for("litert").path
    for precision in ("float16", "weights8"):
        shutil.copy(file, folder / f"vehicle_mask.{precision}.tflite")
    (folder / "trained.json").write_text(json.dumps({"version": "7.0.0", "steps": 5}))
    (data / "models").mkdir()
    monkeypatch.setattr(registry, "FOLDER", data / "models")
    return folder


def test_written_card_says_what_evaluate_says(work: Path, data: Path) -> None:
    path = vehicle_mask.card_write(work, closer=(0.0, 0.9), repeats=1)
    card = registry.card("vehicle_mask")
    assert path.name == "vehicle_mask.json"
    assert (card.version, card.raw["training"]["steps"]) == ("7.0.0", 5)
    assert card.raw["validation"]["photos"] == 1
    assert card.raw["metrics"]["photos"] == 2
    assert {runtime for file in card.files for runtime in file.runtimes} == {"litert", "tflite"}
    report = vehicle_mask.evaluate(Request(sheet=data / "sheet.png"))
    assert report.figures["IoU"] == pytest.approx(card.raw["metrics"]["IoU"], abs=1e-3)
    assert report.figures["boundary_IoU"] == pytest.approx(card.raw["metrics"]["boundary_IoU"], abs=1e-3)
    assert np.asarray(Image.open(data / "sheet.png")).std() > 0


def test_other_photos_are_judged_with_their_masks(data: Path) -> None:
    folder = data / "foreground/car_masks/valid"
    report = vehicle_mask.evaluate(Request(images=folder / "images", masks=folder / "masks"))
    assert set(report.figures) == {"IoU", "boundary_IoU", "images_per_second"}
    assert 0 <= report.figures["IoU"] <= 1


def test_photos_without_masks_cannot_be_judged(data: Path) -> None:
    with pytest.raises(ValueError, match="MASKS"):
        vehicle_mask.evaluate(Request(images=data))
