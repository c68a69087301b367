"""How transcriptions are read and readings compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imaging.training.readings import Transcribed, compare, crop_read, edits, sheet_write, transcribed_load


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two photos with a COCO file; the second box of a.png is red."""
    images = tmp_path / "images"
    images.mkdir()
    pixels = np.zeros((40, 80, 3), dtype=np.uint8)
    pixels[10:20, 30:60] = (255, 0, 0)
    for name in ("a.png", "b.png"):
        Image.fromarray(pixels).save(images / name)
    boxes = [(1, [0, 0, 10, 5]), (1, [30, 10, 30, 10]), (2, [70, 35, 40, 40])]
    document = {
        "categories": [{"id": 1, "name": "plate"}],
        "images": [{"id": n, "file_name": name, "width": 80, "height": 40} for n, name in ((1, "a.png"), (2, "b.png"))],
        "annotations": [{"image_id": image, "category_id": 1, "bbox": box} for image, box in boxes],
    }
    (tmp_path / "train.json").write_text(json.dumps(document))
    return tmp_path


def load(folder: Path, text: str, *, boxed: bool = True) -> list[Transcribed]:
    table = folder / "x.tsv"
    table.write_text(text)
    return transcribed_load(table, folder / "images", folder / "train.json" if boxed else None)


def test_boxes_are_numbered_within_their_file(folder: Path) -> None:
    (one,) = load(folder, "# words\n\na.png\t1\tab 1-2_\n")
    assert (one.path.name, one.box, one.text) == ("a.png", (30, 10, 30, 10), "AB12_")
    crop = crop_read(one)
    assert crop.shape == (10, 30, 3)
    assert (crop == (255, 0, 0)).all()
    assert crop_read(one, margin=0.2).shape == (14, 34, 3)


def test_two_columns_are_whole_files(folder: Path) -> None:
    (one,) = load(folder, "b.png\tab12\n", boxed=False)
    assert (one.box, one.text) == (None, "AB12")
    assert crop_read(one).shape == (40, 80, 3)


def test_box_beyond_the_edge_is_cut(folder: Path) -> None:
    (one,) = load(folder, "b.png\t0\tX\n")
    assert crop_read(one).shape == (5, 10, 3)


@pytest.mark.parametrize("line", ["a.png", "a.png\t2\tX", "a.png\tone\tX", "c.png\t0\tX", "a.png\t0\tX\tY"])
def test_a_wrong_line_is_named(folder: Path, line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        load(folder, f"a.png\t0\tX\n{line}\n")


def test_comparison_by_hand() -> None:
    found = compare([("AB12", "ab 1-2"), ("ABI2", "AB12"), ("", "XY"), ("Z_", "Z_")])
    assert (found.exact, found.alike, found.count) == (0.5, 0.75, 4)
    assert found.characters == pytest.approx(1 - 3 / 12)


def test_nothing_to_compare_is_no_crash() -> None:
    assert compare([]).exact == 0.0


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("", "", 0), ("A", "", 1), ("ABC", "ABC", 0), ("KITTEN", "SITTING", 3), ("AB", "BA", 2)],
)
def test_edits_by_table(one: str, other: str, expected: int) -> None:
    assert edits(one, other) == expected


@given(st.text("AB1", max_size=8), st.text("AB1", max_size=8), st.text("AB1", max_size=8))
def test_edits_are_a_distance(one: str, two: str, three: str) -> None:
    assert edits(one, two) == edits(two, one) >= abs(len(one) - len(two))
    assert (edits(one, two) == 0) == (one == two)
    assert edits(one, three) <= edits(one, two) + edits(two, three)


def test_sheet_shows_misses_alone(folder: Path) -> None:
    ones = load(folder, "a.png\t0\tAB\na.png\t1\tCD\n")
    sheet_write(list(zip(ones, ["AB", "XX"], strict=True)), folder / "out" / "sheet.png")
    with Image.open(folder / "out" / "sheet.png") as sheet:
        assert sheet.size == (1320, 120)
        assert (np.asarray(sheet)[2:60, 10:200] == (255, 0, 0)).all(axis=2).any()
