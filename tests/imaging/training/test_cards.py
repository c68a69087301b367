"""From exported files to a shipped model: the written card is one that the registry accepts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import cast

import pytest
from PIL import Image

from imaging.ml import registry
from imaging.training.coco import coco_load
from imaging.training.evaluate import Proposer, figures, look
from imaging.training.recipes.damage_detector import card_write
from tests.imaging.ml.test_registry import panel
from tests.imaging.training.drawn import set_write


def clean_write(root: Path) -> None:
    """Whole cars without damage, as far as a plain panel is one."""
    street = set_write(root / "street", [[]], size=(64, 48))
    target = root / "plates" / "openimages"
    shutil.copytree(street.parent / "images", target / "images")
    for split in ("valid", "test"):
        shutil.copy(street, target / f"{split}.json")
    shutil.copytree(street.parent / "images", root / "foreground" / "car_masks" / "valid" / "images")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with drawn photos, an empty models folder, and the shipped network as both candidates."""
    folder = tmp_path / "work"
    folder.mkdir()
    shipped = registry.card("damage_detector").file_for("tflite").path
    for precision in ("float16", "int8"):
        shutil.copy(shipped, folder / f"damage_detector.{precision}.tflite")
    (folder / "trained.json").write_text(json.dumps({"version": "7.0.0", "steps": 5, "batch": 8}))
    for split in ("val", "test"):
        path = set_write(tmp_path / split, [[(200, 220, 150, 40)], []], size=(640, 480))
        Image.fromarray(panel()).save(path.parent / "images" / "0.png")
        target = tmp_path / "damage" / "usedcars"
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target / f"{split}.json")
        shutil.copytree(path.parent / "images", target / "images", dirs_exist_ok=True)
    clean_write(tmp_path)
    (tmp_path / "models").mkdir()
    monkeypatch.setenv("DATA_ROOT", str(tmp_path))
    monkeypatch.setattr(registry, "FOLDER", tmp_path / "models")
    return folder


@pytest.mark.parametrize("kinds", [True, False])
def test_written_card_is_loaded_and_says_what_evaluate_says(work: Path, kinds: bool, tmp_path: Path) -> None:
    path = card_write(work, zooms=[1.0], kinds=kinds, repeats=1)
    assert path == tmp_path / "models" / "damage_detector.json"
    card = registry.card("damage_detector")
    assert card.version == "7.0.0"
    assert card.labels == (("scratch", "dent", "broken") if kinds else ("damage",))
    assert card.raw["training"]["steps"] == 5
    # Both candidates are the same file, so the second loses nothing and is shipped too, for LiteRT alone.
    assert [(file.precision, sorted(file.runtimes)) for file in card.files] == [
        ("int8", ["litert"]),
        ("float16", ["litert", "tflite"]),
    ]
    model = registry.build(card)
    photos = coco_load(tmp_path / "damage" / "usedcars" / "test.json")
    again = figures(look(cast("Proposer", model), photos), card.thresholds["score"])
    for name in ("precision", "recall", "AP50", "AP30", "alarms_per_image"):
        assert card.raw["metrics"][name] == pytest.approx(again[name], abs=1e-3)
    metrics = card.raw["metrics"]
    assert (metrics["photo_level"]["damaged"], metrics["photo_level"]["clean"]) == (2, 3)
    assert metrics["photo_level"]["alarms"] == 0.0
    assert metrics["reliability"]["proposals"] >= 1
    assert card.thresholds["floor"] <= card.thresholds["score"]
    assert all(0 < value < 60_000 for value in card.raw["timing"].values())
