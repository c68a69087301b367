"""Recipe of `plate_reader`: PP-OCRv6's small recogniser, cut down to plates and taught by drawn ones.

Judged on crops of plates/cc0 that were transcribed by eye. The set holds some cars several times, so its halves are
told apart by the text: one half chooses thresholds, the other gives the figure.
"""

from __future__ import annotations

import argparse
import importlib
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from tqdm import tqdm

from imaging.ml import registry
from imaging.ml.card import Card
from imaging.ml.models.plate_reader import UNREADABLE, PlateReader, Rows, reading_of
from imaging.ml.plate_grammar import ALPHABET, fitted
from imaging.training.cards import TOLD, draft, network, rounded, ship, timing
from imaging.training.coco import data_root
from imaging.training.readings import Compared, Transcribed, compare, crop_read, sheet_write, transcribed_load
from imaging.training.report import Report, Request

NAME = "plate_reader"
TABLE = TOLD / "plate_reader_cc0.tsv"
LABELS = "plates/cc0/train.json"
# What is tried on the choosing half: width by height below which a crop may have two lines, and the thresholds.
TWO_LINES_BELOW = (1.0, 2.5, 3.0)
SCORES = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
SEEN = (0.0, 0.2, 0.3, 0.4, 0.5)
# How much less likely a text may be that fits a pattern of numbers (natural logarithm).
COSTS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
# Below this a character is in doubt, and the crop gets more looks: three times the work, so not for every crop.
DOUBT = 0.8
STEPS_OF_SCORE = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Choice:
    """What came out best on the choosing half, and how well."""

    two_lines_below: float
    pattern_cost: float
    seen: float
    score: float
    exact: float


def train(folder: Path, *, steps: int | None, stop: int | None) -> None:
    """Fine-tune and export into `folder`."""
    importlib.import_module("imaging.training.torch_recipes.plate_reader").run(folder, steps=steps, stop=stop)


def card(folder: Path, _options: argparse.Namespace) -> Path:
    """Choose the thresholds on one half of the transcribed crops, measure on the other, and ship."""
    first = draft(
        NAME,
        folder,
        labels=[*ALPHABET, UNREADABLE],
        thresholds={"score": 0.0, "seen": 0.0},
        parameters={"two_lines_below": 1.0, "pattern_cost": 0.0, "doubt": DOUBT},
        precisions=("float16",),
    )
    choosing, figure = (halves(cc0(), half) for half in (0, 1))
    choice = choose(first, choosing)
    chosen = card_with(first, choice)
    measured = {
        "validation": {"chosen": asdict(choice), **_measured(chosen, choosing)},
        "metrics": _measured(chosen, figure),
        "timing": timing(chosen, repeats=30),
    }
    return ship(chosen, folder, ["float16"], rounded(measured))


def evaluate(request: Request) -> Report:
    """Judge the shipped model: on the figure's half of the transcribed crops, or on a TSV of file and text."""
    crops = halves(cc0(), 1) if request.data is None else _asked(request.data, request.images)
    if not crops:
        raise ValueError("there is nothing to read")
    reader = cast("PlateReader", registry.load(NAME))
    reader.read(crop_read(crops[0]))
    started = time.perf_counter()
    said = [reader.read(crop_read(one)).text for one in tqdm(crops, desc="read")]
    rate = len(crops) / (time.perf_counter() - started)
    found = compare((text, one.text) for text, one in zip(said, crops, strict=True))
    lines = [f"{found.count} crops", *table(found, rate)]
    if request.sheet is not None:
        sheet_write(list(zip(crops, said, strict=True)), request.sheet)
        lines.append(f"misses (read / true): {request.sheet}")
    return Report({"exact": found.exact, "characters": found.characters, "images_per_second": rate}, lines)


def table(found: Compared, rate: float) -> list[str]:
    """Lines of the card's table."""
    rows = {"exact": found.exact, "exact, I/1 and O/0 alike": found.alike, "characters": found.characters}
    return [f"{name:<28}{value:>8.3f}" for name, value in {**rows, "images_per_second": rate}.items()]


def cc0() -> list[Transcribed]:
    """The transcribed crops of plates/cc0."""
    labels = data_root() / LABELS
    return transcribed_load(TABLE, labels.parent / "images", labels)


def halves(crops: Sequence[Transcribed], half: int) -> list[Transcribed]:
    """Return half 0 (choosing) or 1 (figure); crops with the same text are on the same side."""
    return [one for one in crops if zlib.crc32(one.text.encode()) % 2 == half]


def choose(first: Card, crops: Sequence[Transcribed]) -> Choice:
    """Return what reads most of `crops` without fault; among equals the calmer thresholds."""
    tried: list[Choice] = []
    for below in TWO_LINES_BELOW:
        parameters = {"two_lines_below": below, "pattern_cost": 0.0, "doubt": DOUBT}
        reader = PlateReader(replace(first, parameters=parameters), network(first, "float16"))
        seen = [(reader.rows(crop_read(one)), one.text) for one in tqdm(crops, desc=f"two lines below {below}")]
        tried += [one for cost in COSTS for one in _choices(seen, below, cost)]
    return max(tried, key=lambda one: (one.exact, -one.pattern_cost, one.score, one.seen, -one.two_lines_below))


def card_with(first: Card, choice: Choice) -> Card:
    """Return the card with what was chosen."""
    thresholds = {"score": choice.score, "seen": choice.seen}
    chosen = {"two_lines_below": choice.two_lines_below, "pattern_cost": choice.pattern_cost}
    return replace(first, thresholds=thresholds, parameters=dict(first.parameters) | chosen)


def _choices(seen: Sequence[tuple[Rows, str]], below: float, cost: float) -> Iterator[Choice]:
    """Every pair of thresholds, at one cost."""
    fits = [(tuple(fitted(rows, most=cost)) if len(rows) else (), text) for rows, text in seen]
    for low in SEEN:
        for score in (score for score in SCORES if score >= low):
            said = ((reading_of(characters, seen=low, score=score).text, text) for characters, text in fits)
            yield Choice(below, cost, low, score, compare(said).exact)


def _asked(table_path: Path, images: Path | None) -> list[Transcribed]:
    """Crops of a TSV: whole files, or with a third column boxes of plates/cc0."""
    lines = (line for line in table_path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    boxed = any(line.count("\t") == 2 for line in lines)
    labels = data_root() / LABELS if boxed else None
    beside = table_path.parent / "images"
    folder = images or (labels.parent / "images" if labels else beside if beside.is_dir() else table_path.parent)
    return transcribed_load(table_path, folder, labels)


def _measured(chosen: Card, crops: Sequence[Transcribed]) -> Mapping[str, Any]:
    """Figures on `crops`; also of distinct plates, of those that can be read in full, and by score."""
    reader = PlateReader(chosen, network(chosen, "float16"))
    reader.read(crop_read(crops[0]))
    started = time.perf_counter()
    readings = [reader.read(crop_read(one)) for one in crops]
    rate = len(crops) / (time.perf_counter() - started)
    pairs = [(reading.text, one.text) for reading, one in zip(readings, crops, strict=True)]
    found = compare(pairs)
    scored = [(reading.score, text == true) for reading, (text, true) in zip(readings, pairs, strict=True)]
    return {
        "exact": found.exact,
        "characters": found.characters,
        "images_per_second": rate,
        "crops": found.count,
        "exact_alike": found.alike,
        "readable": asdict(compare(pair for pair in pairs if UNREADABLE not in pair[1])),
        "distinct": asdict(compare({true: (said, true) for said, true in pairs}.values())),
        "from_score": {str(least): _from(scored, least) for least in STEPS_OF_SCORE},
    }


def _from(scored: Sequence[tuple[float, bool]], least: float) -> dict[str, float]:
    """Share of the readings whose score is at least `least`, and how many of those are right."""
    kept = [right for score, right in scored if score >= least]
    return {"share": len(kept) / max(1, len(scored)), "exact": sum(kept) / max(1, len(kept))}
