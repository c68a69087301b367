"""Recipe of `damage_detector`: a map of damage at stride 4, trained on tiles, run over the whole photo."""

from __future__ import annotations

import argparse
import importlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from imaging.ml import registry
from imaging.ml.card import Card
from imaging.ml.models.damage_detector import DamageDetector, FloatMap
from imaging.ml.on_vehicle import SURE, VEHICLE, OnVehicle, Outlines
from imaging.training.boxes import boxes_evaluate
from imaging.training.calibration import chance, hits_of, lines_of, platt_fit, plot_write, proposals, told
from imaging.training.cards import INT8_LOSS, draft, network, rounded, ship, timing
from imaging.training.coco import Photo, coco_load, data_root
from imaging.training.damage_photos import clean_photos
from imaging.training.evaluate import (
    Look,
    Proposer,
    details,
    figures,
    kinds_right,
    look,
    photo_level,
    photo_read,
    recall_by_kind,
)
from imaging.training.metrics import Judged
from imaging.training.report import Report, Request
from imaging.training.tune import card_with, choose

NAME = "damage_detector"
PRECISIONS = ("float16", "int8")
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
    vehicle = _vehicle()
    return boxes_evaluate(
        NAME,
        request,
        data_root() / TEST,
        also=_trust,
        around=lambda model: _around(cast("DamageDetector", model), vehicle),
    )


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
    vehicle = _vehicle()
    choice = choose(first, network(first, "float16"), valid, zooms=zooms, withins=_withins(vehicle, valid))[0]
    shaped = card_with(
        first, zoom=choice.zoom, far=choice.far, grow=choice.grow, gap=choice.gap, relative=choice.relative
    )
    chosen = calibrated(shaped, choice.judged, choice.threshold)
    looks = {one: look(_around(DamageDetector(chosen, network(chosen, one)), vehicle), valid) for one in PRECISIONS}
    report = {precision: _measured(chosen, found) for precision, found in looks.items()}
    loss = report["float16"]["AP_rule"] - report["int8"]["AP_rule"]
    shipped = ["int8", "float16"] if loss < INT8_LOSS else ["float16"]
    model = _around(DamageDetector(chosen, network(chosen, shipped[0])), vehicle)
    tested, clean = look(model, coco_load(data_root() / TEST)), look(model, clean_photos(data_root()))
    validation = {"tried_zooms": list(zooms), "chosen": rounded(choice.told()), "by_file": report}
    measured = {
        "validation": validation | _photo_level(chosen, looks[shipped[0]], clean),
        "metrics": _measured(chosen, tested) | _photo_level(chosen, tested, clean),
        "timing": timing(chosen, repeats=repeats),
    }
    return ship(chosen, folder, shipped, measured)


def _vehicle() -> Outlines | None:
    """The model that says where the vehicle is, where there is one."""
    return cast("Outlines", registry.load(VEHICLE)) if VEHICLE in registry.names() else None


def _around(model: DamageDetector, vehicle: Outlines | None) -> Proposer:
    """`model` as the platform runs it: kept to the vehicle."""
    return OnVehicle(model, vehicle) if vehicle is not None else model


def _withins(vehicle: Outlines | None, photos: Sequence[Photo]) -> list[FloatMap | None]:
    masks = [vehicle.mask(photo_read(photo)) for photo in photos] if vehicle is not None else []
    return [mask.soft if mask.score >= SURE else None for mask in masks]


def calibrated(card: Card, judged: Sequence[Judged], threshold: float) -> Card:
    """Return `card` with scores that are chances, fitted to what was `judged`, and the same proposals at `threshold`.

    The scores in `judged` are those before calibration. The floor never lies above the threshold.
    """
    slope, offset = (round(value, 5) for value in platt_fit(*hits_of(judged)))
    # Rounded down: the finding that stands on the threshold stays.
    score = math.floor(float(chance(np.array([threshold]), slope, offset)[0]) * 1e4) / 1e4
    return card_with(card, slope=slope, offset=offset, score=score, floor=min(FLOOR_KEPT, score))


def _measured(chosen: Card, found: Look) -> dict[str, Any]:
    """Figures of a look; `AP_rule`, the area under the curve of the match rule, is the main one."""
    threshold = chosen.thresholds["score"]
    measured: dict[str, Any] = figures(found, threshold) | details(found, threshold)
    if len(chosen.labels) > 1:
        measured["label_given_by_true_kind"] = kinds_right(found, threshold, KIND_OF)
        measured["recall_by_kind"] = recall_by_kind(found, threshold, KIND_OF)
    rounded_: dict[str, Any] = rounded(measured)
    return rounded_ | {"reliability": told(*proposals(found))}


def _photo_level(chosen: Card, damaged: Look, clean: Look) -> dict[str, Any]:
    return {"photo_level": rounded(photo_level(damaged, clean, chosen.thresholds["score"], CLEAN_ALARMS))}
