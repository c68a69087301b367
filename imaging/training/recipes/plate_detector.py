"""Recipe of `plate_detector`: plate centres at stride 4, trained on 416 px samples, run on 640 px tiles."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from imaging.ml.card import Card
from imaging.ml.models.plate_detector import PlateDetector, Runs
from imaging.training.boxes import boxes_evaluate
from imaging.training.cards import INT8_LOSS, draft, network, rounded, ship, timing
from imaging.training.coco import Photo, coco_load, data_root
from imaging.training.evaluate import Look, details, figures, hit_labels, look
from imaging.training.metrics import at_iou, curve
from imaging.training.plate_photos import PLATE, TESTS, valid_photos
from imaging.training.report import Report, Request
from imaging.training.tune import card_with

NAME = "plate_detector"
RULE = at_iou(0.5)
OVERLAP = 128
# A photo's longer side in the closer look: at most six tiles at 4:3.
SIDE = 1536
# Plates that fill the photo are seen best at this share of the whole look's scale.
AFAR = 0.5
# How far small photos are enlarged in the closer look; 1: never beyond their own size.
CLOSEST = (1.0, 2.0, 3.0)
# A setting that takes longer must be better by this much of average precision.
WORTH = 0.005
# Edges of the classes by a plate's height in the photo's pixels.
HEIGHTS = (12, 24, 48)


def train(folder: Path, *, steps: int | None, stop: int | None) -> None:
    """Train and export into `folder`."""
    importlib.import_module("imaging.training.torch_recipes.plate_detector").run(folder, steps=steps, stop=stop)


def evaluate(request: Request) -> Report:
    """Judge the shipped model, by default on the test split of the Open Images subset."""
    return boxes_evaluate(NAME, request, data_root() / TESTS["openimages"], categories=[PLATE], rule=RULE)


@dataclass(frozen=True, slots=True)
class Choice:
    """One setting and how it does on the validation photos."""

    closest: float
    threshold: float
    precision: float
    recall: float
    AP50: float
    images_per_second: float


def card(folder: Path, options: argparse.Namespace) -> Path:
    """Choose sizes and threshold on the validation photos, measure, and ship."""
    return card_write(folder, zooms=options.zooms or CLOSEST)


def card_write(folder: Path, *, zooms: Sequence[float], repeats: int = 15) -> Path:
    """Tune, measure and ship the exported files in `folder`; return the written card's path.

    `zooms`: how far small photos may be enlarged, each tried. `repeats`: how often each file is timed.
    """
    first = draft(
        NAME,
        folder,
        labels=[PLATE],
        thresholds={"score": 0.3, "overlap": 0.4},
        parameters={
            "zoom": 2.0,
            "afar": AFAR,
            "closer": 1.3,
            "closest": 1.0,
            "side": SIDE,
            "overlap": OVERLAP,
            "limit": 50,
        },
    )
    valid = [photo for group in valid_photos(data_root()).values() for photo in group]
    tried = [_choice(first, network(first, "float16"), valid, zoom) for zoom in zooms]
    choice = _best(tried)
    chosen = card_with(first, closest=choice.closest, score=round(choice.threshold, 4))
    report = {precision: _measured(chosen, valid, precision) for precision in ("float16", "int8")}
    loss = report["float16"]["AP50"] - report["int8"]["AP50"]
    shipped = ["int8", "float16"] if loss < INT8_LOSS else ["float16"]
    measured = {
        "validation": {"tried": [asdict(one) for one in tried], "chosen": asdict(choice), "by_file": report},
        "metrics": _tests(chosen, shipped[0]),
        "timing": timing(chosen, repeats=repeats),
    }
    return ship(chosen, folder, shipped, measured)


def _choice(first: Card, loaded: Runs, photos: Sequence[Photo], closest: float) -> Choice:
    found = look(PlateDetector(card_with(first, closest=closest), loaded), photos, RULE)
    whole = curve([seen.judged for seen in found.seen], RULE)
    threshold = max((float(score) for score in whole.scores), key=lambda score: _f1(*whole.at(score)[:2]))
    precision, recall, _ = whole.at(threshold)
    return Choice(closest, threshold, precision, recall, whole.average_precision(), found.images_per_second)


def _f1(precision: float, recall: float) -> float:
    """Harmonic mean of both: the threshold is where it is highest on the validation photos."""
    return 2 * precision * recall / max(1e-9, precision + recall)


def _best(tried: Sequence[Choice]) -> Choice:
    """The setting of the highest average precision, or a faster one that is nearly as good."""
    top = max(one.AP50 for one in tried)
    return max((one for one in tried if top - WORTH <= one.AP50), key=lambda one: one.images_per_second)


def _tests(chosen: Card, precision: str) -> dict[str, Any]:
    """Figures on the test split of Open Images, with those of the other test set in it."""
    by_set: Mapping[str, Any] = {
        name: _measured(chosen, [photo.of({PLATE}) for photo in coco_load(data_root() / path)], precision)
        for name, path in TESTS.items()
    }
    return {**by_set["openimages"], "romania": by_set["romania"]}


def _measured(chosen: Card, photos: Sequence[Photo], precision: str) -> dict[str, Any]:
    found = look(PlateDetector(chosen, network(chosen, precision)), photos, RULE)
    threshold = chosen.thresholds["score"]
    heights = dict(recall_by_height(found, threshold))
    measured: dict[str, Any] = rounded(figures(found, threshold) | details(found, threshold))
    return measured | {"recall_by_height": heights}


def recall_by_height(found: Look, threshold: float) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the classes by a plate's height in the photo's pixels with the number of labels and their recall."""
    hits: dict[int, list[bool]] = {}
    for seen in found.seen:
        taken = set(hit_labels(seen, threshold, found.rule).tolist())
        for index, thing in enumerate(seen.photo.things):
            hits.setdefault(sum(thing.box[3] >= edge for edge in HEIGHTS), []).append(index in taken)
    names = [f"under {HEIGHTS[0]} px", *(f"from {edge} px" for edge in HEIGHTS)]
    for class_, found_ in sorted(hits.items()):
        yield names[class_], {"labels": len(found_), "recall": round(sum(found_) / len(found_), 4)}
