"""Recipe of `damage_detector`: a map of damage at stride 4, trained on tiles, run over the whole photo."""

from __future__ import annotations

import argparse
import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from imaging.ml.card import Card
from imaging.ml.models.damage_detector import DamageDetector
from imaging.training.boxes import boxes_evaluate
from imaging.training.calibration import chance, lines_of, platt_fit, plot_write, proposals, told
from imaging.training.cards import INT8_LOSS, draft, network, rounded, ship, timing
from imaging.training.coco import Photo, coco_load, data_root
from imaging.training.damage_photos import clean_photos
from imaging.training.evaluate import Look, details, figures, kinds_right, look, photo_level, recall_by_kind
from imaging.training.report import Report, Request
from imaging.training.tune import card_with, choose

NAME = "damage_detector"
VALID = "damage/usedcars/val.json"
TEST = "damage/usedcars/test.json"
ZOOMS = (1.5, 2.0)
KIND_OF: Mapping[str, str] = {
    f"{severity}-{kind}": kind for severity in ("minor", "moderate", "severe") for kind in ("scratch", "dent", "broken")
}
# A large photo's longer side is brought to this: six tiles at 4:3, well under a second on two cores.
SIDE = 1536
TILE, STRIDE, OVERLAP = 640, 4, 96
# Findings with a smaller chance than this are not even kept for people who ask for more.
FLOOR_KEPT = 0.1
# The alarms on clean cars at which the recall of damaged photos is told.
CLEAN_ALARMS = 0.1


def train(folder: Path, *, steps: int | None, stop: int | None) -> None:
    """Train and export into `folder`."""
    importlib.import_module("imaging.training.torch_recipes.damage_detector").run(folder, steps=steps, stop=stop)


def evaluate(request: Request) -> Report:
    """Judge the shipped model, by default on the test split; draw how far its chances can be trusted."""
    return boxes_evaluate(NAME, request, data_root() / TEST, also=_trust)


def _trust(found: Look, sheet: Path | None) -> list[str]:
    chances, hits = proposals(found)
    if sheet is None or not len(chances):
        return lines_of(chances, hits)
    path = sheet.with_name(f"{sheet.stem}_reliability.png")
    plot_write(chances, hits, path)
    return [*lines_of(chances, hits), f"said against observed: {path}"]


def card(folder: Path, options: argparse.Namespace) -> Path:
    """Choose scale and threshold on the validation photos, measure, and ship."""
    return card_write(folder, zooms=options.zooms or ZOOMS, kinds=not options.one_label)


def card_write(folder: Path, *, zooms: Sequence[float], kinds: bool, repeats: int = 15) -> Path:
    """Tune, measure and ship the exported files in `folder`; return the written card's path.

    `zooms` are tried on the validation photos. `kinds`: whether the labels tell scratch, dent and broken apart.
    `repeats`: how often each file is timed.
    """
    valid = coco_load(data_root() / VALID)
    first = draft(
        NAME,
        folder,
        labels=["scratch", "dent", "broken"] if kinds else ["damage"],
        thresholds={"score": 0.5, "grow": 0.25, "floor": 0.5},
        parameters={
            "zoom": 1,
            "side": SIDE,
            "stride": STRIDE,
            "overlap": OVERLAP,
            "gap": 1,
            "limit": 100,
            "far": 0,
            "relative": 0,
        },
    )
    choice = choose(first, network(first, "float16"), valid, zooms=zooms)[0]
    shaped = card_with(
        first, zoom=choice.zoom, far=choice.far, grow=choice.grow, gap=choice.gap, relative=choice.relative
    )
    chosen = calibrated(shaped, look(DamageDetector(shaped, network(shaped, "float16")), valid), choice.threshold)
    clean = clean_photos(data_root())
    report = {precision: _measured(chosen, valid, precision, clean) for precision in ("float16", "int8")}
    loss = report["float16"]["AP_rule"] - report["int8"]["AP_rule"]
    shipped = ["int8", "float16"] if loss < INT8_LOSS else ["float16"]
    measured = {
        "validation": {"tried_zooms": list(zooms), "chosen": asdict(choice), "by_file": report},
        "metrics": _measured(chosen, coco_load(data_root() / TEST), shipped[0], clean),
        "timing": timing(chosen, repeats=repeats),
    }
    return ship(chosen, folder, shipped, measured)


def calibrated(card: Card, found: Look, threshold: float) -> Card:
    """Return `card` with scores that are chances, fitted to what was `found`, and the same proposals at `threshold`.

    `found` holds scores before calibration. Where little is found the floor is the threshold itself.
    """
    scores, hits = proposals(found)
    slope, offset = platt_fit(scores, hits)
    # Rounded down: the finding that stands on the threshold stays.
    score = math.floor(float(chance(np.array([threshold]), slope, offset)[0]) * 1e4) / 1e4
    return card_with(
        card, slope=round(slope, 5), offset=round(offset, 5), score=score, floor=min(FLOOR_KEPT, score)
    )  # fmt: skip


def _measured(chosen: Card, photos: Sequence[Photo], precision: str, clean: Sequence[Photo]) -> dict[str, Any]:
    """Figures on `photos` by one file; `AP_rule`, the area under the curve of the match rule, is the main one.

    `clean`: photos of cars without damage, for how well a photo as a whole is told to show damage.
    """
    model = DamageDetector(chosen, network(chosen, precision))
    found = look(model, photos)
    threshold = chosen.thresholds["score"]
    measured: dict[str, Any] = figures(found, threshold) | details(found, threshold)
    if len(chosen.labels) > 1:
        measured["label_given_by_true_kind"] = kinds_right(found, threshold, KIND_OF)
        measured["recall_by_kind"] = recall_by_kind(found, threshold, KIND_OF)
    rounded_: dict[str, Any] = rounded(measured)
    rounded_["reliability"] = told(*proposals(found))
    if clean:
        rounded_["photo_level"] = rounded(photo_level(found, look(model, clean), threshold, CLEAN_ALARMS))
    return rounded_
