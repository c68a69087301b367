"""From an exported reader to a shipped one: the card's figures are those that judging it again gives."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from imaging.ml import registry
from imaging.training.recipes import plate_reader
from imaging.training.report import Request

NUMBERS = ("KA05MG1909", "PZ62FDX", "HR26CE1485", "ALR486", "TN21BZ0768", "DL7CN5617")


def plate(text: str) -> Image.Image:
    """A plain plate: black on white in Pillow's own font."""
    picture = Image.new("RGB", (300, 64), (235, 235, 235))
    ImageDraw.Draw(picture).text((150, 32), text, font=ImageFont.load_default(44), fill=(20, 20, 20), anchor="mm")
    return picture


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with one photo a number, each with a box around its plate, and their transcription."""
    folder = tmp_path / "plates" / "cc0"
    (folder / "images").mkdir(parents=True)
    entries, boxes, lines = [], [], []
    for number, text in enumerate(NUMBERS, 1):
        photo = Image.new("RGB", (500, 300), (90, 40, 40))
        photo.paste(plate(text), (100, 120))
        photo.save(folder / "images" / f"{number}.png")
        entries.append({"id": number, "file_name": f"{number}.png", "width": 500, "height": 300})
        boxes.append({"image_id": number, "category_id": 1, "bbox": [100, 120, 300, 64]})
        lines.append(f"{number}.png\t0\t{text}")
    document = {"categories": [{"id": 1, "name": "plate"}], "images": entries, "annotations": boxes}
    (folder / "train.json").write_text(json.dumps(document))
    (tmp_path / "table.tsv").write_text("\n".join(lines))
    monkeypatch.setenv("DATA_ROOT", str(tmp_path))
    monkeypatch.setattr(plate_reader, "TABLE", tmp_path / "table.tsv")
    return tmp_path


@pytest.fixture
def work(data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What training leaves behind, with the shipped network, and an empty models folder."""
    folder = data / "work"
    folder.mkdir()
    shutil.copy(registry.card("plate_reader").file_for("tflite").path, folder / "plate_reader.float16.tflite")
    (folder / "trained.json").write_text(json.dumps({"version": "7.0.0", "steps": 5}))
    (data / "models").mkdir()
    monkeypatch.setattr(registry, "FOLDER", data / "models")
    return folder


def test_halves_part_the_crops_and_keep_equal_texts_together(data: Path) -> None:
    crops = plate_reader.cc0()
    sides = [plate_reader.halves(crops, half) for half in (0, 1)]
    assert sorted(one.text for side in sides for one in side) == sorted(NUMBERS)
    assert all(sides)
    assert plate_reader.halves([*crops, *crops], 0) == [*sides[0], *sides[0]]


def test_written_card_says_what_evaluate_says(work: Path) -> None:
    path = plate_reader.card(work, argparse.Namespace())
    card = registry.card("plate_reader")
    assert path.name == "plate_reader.json"
    assert (card.version, card.raw["training"]["steps"]) == ("7.0.0", 5)
    assert card.raw["metrics"]["crops"] + card.raw["validation"]["crops"] == len(NUMBERS)
    figures = plate_reader.evaluate(Request()).figures
    assert figures["exact"] == pytest.approx(card.raw["metrics"]["exact"], abs=1e-3)
    assert figures["characters"] == pytest.approx(card.raw["metrics"]["characters"], abs=1e-3)
    assert figures["exact"] == 1.0


def test_foreign_crops_are_judged_and_misses_drawn(data: Path) -> None:
    folder = data / "mine"
    folder.mkdir()
    for text in NUMBERS[:2]:
        plate(text).save(folder / f"{text}.png")
    table = folder / "mine.tsv"
    table.write_text(f"{NUMBERS[0]}.png\tka-05 mg 1909\n{NUMBERS[1]}.png\tWRONG1\n")
    report = plate_reader.evaluate(Request(data=table, sheet=data / "sheet.png"))
    assert report.figures["exact"] == 0.5
    assert report.figures["images_per_second"] > 0
    assert report.lines[0] == "2 crops"
    with Image.open(data / "sheet.png") as sheet:
        assert np.asarray(sheet).max() > 200


def test_nothing_to_judge_is_said(data: Path) -> None:
    empty = data / "empty.tsv"
    empty.write_text("# nothing\n")
    with pytest.raises(ValueError, match="nothing to read"):
        plate_reader.evaluate(Request(data=empty))
