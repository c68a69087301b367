"""The figures, the table, the sheet and the choice of thresholds on a drawn set."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imaging.ml import registry
from imaging.ml.card import Card
from imaging.ml.models.damage_detector import DamageDetector
from imaging.training.__main__ import main
from imaging.training.calibration import chance
from imaging.training.coco import coco_load
from imaging.training.evaluate import details, figures, kinds_right, look, photo_read
from imaging.training.sheet import sheet_write
from imaging.training.tune import card_with, choose
from tests.imaging.ml.test_damage_detector import BrightNetwork, card
from tests.imaging.training.drawn import set_write


def two_photos(tmp_path: Path) -> Path:
    """Three labels; the third is too dark to be seen, and one bright thing is not labelled."""
    path = set_write(tmp_path, [[(16, 16, 20, 12), (64, 40, 16, 16)], [(20, 20, 24, 24)]])
    first, second = (tmp_path / "images" / f"{index}.png" for index in (0, 1))
    pixels = np.array(Image.open(second))
    pixels[20:44, 20:44] = 70
    pixels[60:76, 80:100] = 255
    Image.fromarray(pixels).save(second)
    assert first.exists()
    return path


def test_figures_of_a_known_model(tmp_path: Path) -> None:
    found = look(DamageDetector(card(), BrightNetwork()), coco_load(two_photos(tmp_path)))
    row = figures(found, 0.5)
    assert row["precision"] == pytest.approx(2 / 3)
    assert row["recall"] == pytest.approx(2 / 3)
    assert row["alarms_per_image"] == pytest.approx(0.5)
    assert row["AP30"] == pytest.approx(2 / 3)
    assert row["images_per_second"] > 0
    more = details(found, 0.5)
    assert (more["photos"], more["labels"]) == (2, 3)
    assert more["recall_by_category"] == {
        "minor-dent": {"labels": 1, "recall": 1.0},
        "minor-scratch": {"labels": 2, "recall": 0.5},
    }
    assert kinds_right(found, 0.5, {"minor-dent": "dent", "minor-scratch": "scratch"}) == {
        "dent": {"scratch": 1},
        "scratch": {"scratch": 1},
    }


def test_nothing_is_found_above_every_score(tmp_path: Path) -> None:
    found = look(DamageDetector(card(), BrightNetwork()), coco_load(two_photos(tmp_path)))
    row = figures(found, 0.99)
    assert (row["precision"], row["recall"], row["alarms_per_image"]) == (0.0, 0.0, 0.0)


def test_sheet_shows_every_photo(tmp_path: Path) -> None:
    found = look(DamageDetector(card(), BrightNetwork()), coco_load(two_photos(tmp_path)))
    sheet_write(found.seen, 0.5, tmp_path / "sheets" / "sheet.png")
    with Image.open(tmp_path / "sheets" / "sheet.png") as sheet:
        colours = {colour for _, colour in sheet.getcolors(1 << 20) or []}
        assert {(0, 200, 0), (255, 140, 0), (255, 0, 0)} <= colours


def test_photo_is_turned_only_when_its_labels_are(tmp_path: Path) -> None:
    path = set_write(tmp_path, [[]], size=(40, 20))
    photo = replace(coco_load(path)[0], path=tmp_path / "turned.jpg")
    image = Image.new("RGB", (20, 40))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(photo.path, exif=exif)
    assert photo_read(photo).shape == (20, 40, 3)
    assert photo_read(replace(photo, width=20, height=40)).shape == (40, 20, 3)


def test_choice_keeps_the_alarms_it_promises(tmp_path: Path) -> None:
    photos = coco_load(two_photos(tmp_path))
    shapes: dict[str, Any] = {"grows": (0.3,), "gaps": (0, 1), "relatives": (0.0, 0.7)}
    found = choose(card(), BrightNetwork(), photos, zooms=(1.0, 2.0), fars=(0.0, 0.5), **shapes)
    assert len(found) == 16
    assert found[0].merit == max(choice.merit for choice in found)
    best = found[0]
    shape = {"zoom": best.zoom, "far": best.far, "grow": best.grow, "gap": best.gap, "relative": best.relative}
    chosen = card_with(card(), score=best.threshold, **shape)
    row = figures(look(DamageDetector(chosen, BrightNetwork()), photos), best.threshold)
    assert row["alarms_per_image"] <= 1.0
    assert row["recall"] == pytest.approx(best.recall)


def test_no_choice_when_nothing_is_seen(tmp_path: Path) -> None:
    photos = coco_load(set_write(tmp_path, [[]]))
    with pytest.raises(ValueError, match="proposes something"):
        choose(card(), BrightNetwork(), photos, zooms=(1.0,))


def test_card_with_changes_thresholds_and_parameters_apart() -> None:
    changed: Card = card_with(card(), score=0.7, zoom=2.0)
    assert changed.thresholds == {"score": 0.7, "grow": 0.3}
    assert changed.parameters["zoom"] == 2.0
    assert card().thresholds["score"] == 0.5


Run = Callable[..., dict[str, Any]]


@pytest.fixture
def evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> dict[str, Any]:
        assert main(["evaluate", *arguments, "--json"]) == 0
        row: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
        return row

    return run


def test_command_judges_the_shipped_model_on_any_photos(tmp_path: Path, evaluate: Run) -> None:
    path = set_write(tmp_path / "set", [[(60, 60, 40, 8)], []], size=(320, 240))
    row = evaluate("damage_detector", "--data", str(path), "--images", str(path.parent / "images"))
    assert set(row) == {"precision", "recall", "AP50", "AP30", "alarms_per_image", "images_per_second"}
    assert 0 <= row["recall"] <= 1
    assert (tmp_path / "var" / "evaluate" / "damage_detector.png").exists()


def test_command_takes_the_test_split_by_default(
    tmp_path: Path, evaluate: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_ROOT", str(tmp_path))
    path = set_write(tmp_path / "damage" / "usedcars", [[(60, 60, 40, 8)]], size=(320, 240))
    path.rename(path.with_name("test.json"))
    assert evaluate("damage_detector")["images_per_second"] > 0


@pytest.mark.parametrize("command", ["evaluate", "card"])
def test_missing_data_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_ROOT", str(tmp_path / "nowhere"))
    assert main([command, "plate_detector"]) == 1
    said = capsys.readouterr().err
    assert "is not there" in said
    assert "DATA_ROOT" in said


@pytest.mark.parametrize("arguments", [["evaluate", "mind_reader"], ["fly", "damage_detector"], []])
def test_wrong_command_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2


def test_spec_and_card_agree_on_the_shipped_model() -> None:
    shipped = registry.card("damage_detector")
    chosen = np.array([shipped.raw["validation"]["chosen"]["threshold"]])
    said = chance(chosen, shipped.parameters["slope"], shipped.parameters["offset"])[0]
    assert said == pytest.approx(shipped.thresholds["score"], abs=1e-3)
    assert shipped.thresholds["floor"] < shipped.thresholds["score"]
