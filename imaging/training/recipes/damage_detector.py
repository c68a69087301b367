"""Recipe of `damage_detector`: a map of damage at stride 4, trained on tiles, run over the whole photo."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from imaging.ml.card import Card
from imaging.ml.models.damage_detector import DamageDetector
from imaging.training.boxes import boxes_evaluate
from imaging.training.cards import INT8_LOSS, draft, network, rounded, ship, timing
from imaging.training.coco import Photo, coco_load, data_root
from imaging.training.evaluate import details, figures, kinds_right, look
from imaging.training.report import Report, Request
from imaging.training.tune import card_with, choose

NAME = "damage_detector"
VALID = "damage/usedcars/val.json"
TEST = "damage/usedcars/test.json"
ZOOMS = (1.0, 1.5, 2.0)
KIND_OF: Mapping[str, str] = {
    f"{severity}-{kind}": kind for severity in ("minor", "moderate", "severe") for kind in ("scratch", "dent", "broken")
}
# A large photo's longer side is brought to this: six tiles at 4:3, well under a second on two cores.
SIDE = 1536
TILE, STRIDE, OVERLAP = 640, 4, 96


def train(folder: Path, *, steps: int | None, stop: int | None) -> None:
    """Train and export into `folder`."""
    importlib.import_module("imaging.training.torch_recipes.damage_detector").run(folder, steps=steps, stop=stop)


def evaluate(request: Request) -> Report:
    """Judge the shipped model, by default on the test split."""
    return boxes_evaluate(NAME, request, data_root() / TEST)


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
        thresholds={"score": 0.5, "grow": 0.25},
        parameters={"zoom": 1, "side": SIDE, "stride": STRIDE, "overlap": OVERLAP, "gap": 1, "limit": 100},
    )
    choice = choose(first, network(first, "float16"), valid, zooms=zooms)[0]
    chosen = card_with(first, zoom=choice.zoom, grow=choice.grow, gap=choice.gap, score=round(choice.threshold, 4))
    report = {precision: _measured(chosen, valid, precision) for precision in ("float16", "int8")}
    loss = report["float16"]["AP_rule"] - report["int8"]["AP_rule"]
    shipped = ["int8", "float16"] if loss < INT8_LOSS else ["float16"]
    measured = {
        "validation": {"tried_zooms": list(zooms), "chosen": asdict(choice), "by_file": report},
        "metrics": _measured(chosen, coco_load(data_root() / TEST), shipped[0]),
        "timing": timing(chosen, repeats=repeats),
    }
    return ship(chosen, folder, shipped, measured)


def _measured(chosen: Card, photos: Sequence[Photo], precision: str) -> dict[str, Any]:
    """Figures on `photos` by one file; `AP_rule`, the area under the curve of the match rule, is the main one."""
    found = look(DamageDetector(chosen, network(chosen, precision)), photos)
    threshold = chosen.thresholds["score"]
    measured: dict[str, Any] = figures(found, threshold) | details(found, threshold)
    if len(chosen.labels) > 1:
        measured["label_given_by_true_kind"] = kinds_right(found, threshold, KIND_OF)
    rounded_: dict[str, Any] = rounded(measured)
    return rounded_
