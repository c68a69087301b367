"""Transcriptions of plates and how readings compare to them; no model, no pixels but the crops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageOps

from imaging.training.coco import Photo, coco_load
from imaging.training.plate_formats import text_clean

UInt8Image = npt.NDArray[np.uint8]
# Many countries draw these alike: a figure of its own tells how many misses come from them.
ALIKE = str.maketrans("IOQ", "100")
# The contact sheet: cells in pixels, the room for words in each.
CELL, WORDS, COLUMNS, ROWS = (220, 120), 34, 6, 10


@dataclass(frozen=True, slots=True)
class Transcribed:
    """One crop and what a person read on it: `box` is (left, top, width, height) in pixels, None for the whole file."""

    path: Path
    box: tuple[float, float, float, float] | None
    text: str


@dataclass(frozen=True, slots=True)
class Compared:
    """Rates 0..1. `exact`: texts read without any fault; `alike`: the same with I for 1 and O or Q for 0 let pass;
    `characters`: share of the characters that are right (1 - edits / characters, not below 0); `count`: texts."""

    exact: float
    alike: float
    characters: float
    count: int


def transcribed_load(table: Path, images: Path, labels: Path | None = None) -> list[Transcribed]:
    """Read a TSV of file and text, or of file, number of the box in that file (from 0) and text.

    `labels`: the COCO file with the boxes, needed for the second kind. Empty lines and those that start with `#` do
    not count. ValueError tells the line that is not right.
    """
    boxes = {photo.path.name: photo for photo in coco_load(labels, images)} if labels is not None else {}
    lines = table.read_text(encoding="utf-8").splitlines()
    return [
        _parsed(line.split("\t"), number, images, boxes)
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.startswith("#")
    ]


def _parsed(cells: Sequence[str], number: int, images: Path, boxes: dict[str, Photo]) -> Transcribed:
    if len(cells) == 2:
        return Transcribed(images / cells[0], None, text_clean(cells[1]))
    try:
        name, index, text = cells
        box = boxes[name].things[int(index)].box
    except (ValueError, KeyError, IndexError) as error:
        raise ValueError(f"line {number}: not a file, a box of the label file and a text: {cells}") from error
    return Transcribed(images / name, box, text_clean(text))


def crop_read(one: Transcribed, margin: float = 0.0) -> UInt8Image:
    """Return the crop as (H, W, 3) uint8 RGB, its box grown by `margin` of its height on every side."""
    with Image.open(one.path) as image:
        picture = (image if one.box is not None else ImageOps.exif_transpose(image)).convert("RGB")
    if one.box is None:
        return np.asarray(picture)
    left, top, width, height = one.box
    more = margin * height
    edges = (left - more, top - more, left + width + more, top + height + more)
    low = [max(0, int(edge)) for edge in edges[:2]]
    return np.asarray(picture)[low[1] : max(low[1] + 1, round(edges[3])), low[0] : max(low[0] + 1, round(edges[2]))]


def compare(pairs: Iterable[tuple[str, str]]) -> Compared:
    """Compare (read, true) texts; case, spaces and dashes do not matter, `_` is a character like any other."""
    cleaned = [(text_clean(said), text_clean(true)) for said, true in pairs]
    total = max(1, len(cleaned))
    length = max(1, sum(len(true) for _, true in cleaned))
    return Compared(
        exact=sum(said == true for said, true in cleaned) / total,
        alike=sum(said.translate(ALIKE) == true.translate(ALIKE) for said, true in cleaned) / total,
        characters=max(0.0, 1 - sum(edits(said, true) for said, true in cleaned) / length),
        count=len(cleaned),
    )


def edits(one: str, other: str) -> int:
    """Return the least number of characters to put in, take out or change (Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for count, sign in enumerate(one, 1):
        before, row[0] = row[0], count
        for column, second in enumerate(other, 1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (sign != second))
    return row[-1]


def sheet_write(read: Sequence[tuple[Transcribed, str]], path: Path) -> None:
    """Draw up to 60 crops whose text was read wrong, with what was read over what is true."""
    missed = [(one, said) for one, said in read if text_clean(said) != one.text][: COLUMNS * ROWS]
    rows = max(1, -(-len(missed) // COLUMNS))
    canvas = Image.new("RGB", (CELL[0] * COLUMNS, CELL[1] * rows))
    pen = ImageDraw.Draw(canvas)
    for index, (one, said) in enumerate(missed):
        left, top = index % COLUMNS * CELL[0], index // COLUMNS * CELL[1]
        crop = Image.fromarray(crop_read(one))
        scale = min((CELL[0] - 8) / crop.width, (CELL[1] - WORDS) / crop.height)
        size = (max(1, round(crop.width * scale)), max(1, round(crop.height * scale)))
        canvas.paste(crop.resize(size, Image.Resampling.BICUBIC), (left + 4, top + 2))
        pen.text((left + 4, top + CELL[1] - WORDS + 4), f"{said or '-'}\n{one.text}", fill=(255, 255, 255))
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path)
