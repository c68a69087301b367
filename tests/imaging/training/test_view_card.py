"""From an exported view network to a shipped one, on a few labelled drawings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from imaging.ml import registry
from imaging.training import view_photos
from imaging.training.mask_photos import JUDGED_PICTURES
from imaging.training.recipes import view_and_wheels
from imaging.training.report import Request
from tests.media import scene

LABELS = {"a.png": "left", "b.png": "front", "c.png": "rear_right"}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root whose openimages splits hold three drawings each, labelled."""
    folder = tmp_path / "plates/openimages/images"
    folder.mkdir(parents=True)
    for seed, name in enumerate(LABELS):
        Image.fromarray(scene(160, 120, seed)).save(folder / name)
    told = {
        "views": {view_photos.CHOOSING: LABELS, "plates/openimages/test.json": LABELS},
        "wheels": {view_photos.CHOOSING: {"a.png": [[0.2, 0.8, 0.1]]}, "plates/openimages/test.json": {"a.png": []}},
    }
    (tmp_path / "labels.json").write_text(json.dumps(told))
    monkeypatch.setattr(view_photos, "OURS", tmp_path / "labels.json")
    monkeypatch.setenv("DATA_ROOT", str(tmp_path))
    return tmp_path


@pytest.fixture
def work(data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What training leaves behind, with the shipped network, and an empty models folder."""
    folder = data / "work"
    folder.mkdir()
    file = registry.card("view_and_wheels").file_for("litert").path
    for precision in ("float16", "weights8"):
        shutil.copy(file, folder / f"view_and_wheels.{precision}.tflite")
    (folder / "trained.json").write_text(json.dumps({"version": "7.0.0", "steps": 5}))
    (data / "models").mkdir()
    monkeypatch.setattr(registry, "FOLDER", data / "models")
    return folder


def test_written_card_says_what_evaluate_says(work: Path, data: Path) -> None:
    path = view_and_wheels.card_write(work, repeats=1)
    card = registry.card("view_and_wheels")
    assert path.name == "view_and_wheels.json"
    assert (card.version, card.raw["metrics"]["photos"]) == ("7.0.0", 3 + len(JUDGED_PICTURES))
    report = view_and_wheels.evaluate(Request(sheet=data / "sheet.png"))
    assert report.figures["view"] == pytest.approx(card.raw["metrics"]["view"], abs=1e-3)
    assert (data / "sheet.png").exists()


def test_other_photos_are_judged_by_a_table_of_views(data: Path) -> None:
    table = data / "views.json"
    table.write_text(json.dumps(LABELS))
    report = view_and_wheels.evaluate(Request(data=table, images=data / "plates/openimages/images"))
    assert 0 <= report.figures["view"] <= report.figures["view_within_45"] <= 1


def test_an_unknown_word_for_a_view_is_told(data: Path) -> None:
    table = data / "views.json"
    table.write_text(json.dumps({"a.png": "roof"}))
    with pytest.raises(ValueError, match="roof"):
        view_and_wheels.evaluate(Request(data=table, images=data / "plates/openimages/images"))
