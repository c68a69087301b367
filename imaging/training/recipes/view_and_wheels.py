"""Recipe of `view_and_wheels`: which of eight sides of the car we see, and the wheels on it; labels of our own."""

from __future__ import annotations

import argparse
import importlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from tqdm import tqdm

from imaging.ml import registry
from imaging.ml.card import Card
from imaging.ml.models.view_and_wheels import VIEWS, ViewAndWheels
from imaging.ml.types import View
from imaging.training.cards import INT8_LOSS, draft, network, rounded, ship, timing
from imaging.training.coco import data_root
from imaging.training.report import Report, Request
from imaging.training.tune import card_with
from imaging.training.view_photos import CLOSE, NOTHING, Viewed, card_photos, choosing_photos, viewed_read, whole
from imaging.training.viewed import (
    Seen,
    calibration,
    confusion,
    contrary_least,
    temperature_best,
    view_figures,
    views_sheet,
    wheel_figures,
)

NAME = "view_and_wheels"
# What is tried for the chance from which a tyre counts.
WHEELS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
MOST = 4
FILES = ("float16", "weights8")


def train(folder: Path, *, steps: int | None, stop: int | None) -> None:
    """Train and export into `folder`."""
    importlib.import_module("imaging.training.torch_recipes.view_and_wheels").run(folder, steps=steps, stop=stop)


def evaluate(request: Request) -> Report:
    """Judge the shipped model on our labels of test photos, or on a JSON of file names and views beside IMAGES."""
    photos = card_photos(data_root()) if request.data is None else _asked(request.data, request.images)
    model = cast("ViewAndWheels", registry.load(NAME))
    seen, rate = look(model, photos)
    figures = {**view_figures(seen), **wheel_figures(seen), "images_per_second": rate}
    lines = [f"{len(photos)} photos, {len(whole(photos))} of them with a side to name"]
    lines += [f"{name:<24}{value:>8.3f}" for name, value in figures.items()]
    lines += [f"{true:<12} seen as {given}" for true, given in confusion(seen).items()]
    if request.sheet is not None:
        views_sheet(seen, request.sheet)
        lines.append(f"wrong views first, tyres in green: {request.sheet}")
    return Report(figures, lines)


def _asked(data: Path, images: Path | None) -> list[Viewed]:
    """Photos of a JSON object {file name: view}; ValueError for another word than the eight views, close and none."""
    told: Mapping[str, str] = json.loads(data.read_text(encoding="utf-8"))
    words = (*VIEWS, CLOSE, NOTHING)
    strange = set(told.values()) - set(words)
    if not told or strange:
        raise ValueError(f"{data.name}: not a JSON object of file names and {', '.join(words)}: {sorted(strange)}")
    folder = images if images is not None else data.parent / "images"
    return [Viewed(folder / name, view, None) for name, view in told.items()]


def look(model: ViewAndWheels, photos: Sequence[Viewed]) -> tuple[list[Seen], float]:
    """Let `model` look at every photo; also how many a second, reading included."""
    model.view(viewed_read(photos[0]))
    started = time.perf_counter()
    answers = [model.view(viewed_read(one)) for one in tqdm(photos, desc="evaluate")]
    rate = len(photos) / (time.perf_counter() - started)
    return [Seen(photo, answer) for photo, answer in zip(photos, answers, strict=True)], rate


def card(folder: Path, _options: argparse.Namespace) -> Path:
    """Choose temperature and thresholds on the choosing photos, measure, and ship."""
    return card_write(folder)


def card_write(folder: Path, *, repeats: int = 200) -> Path:
    """Calibrate, measure and ship the exported files in `folder`; return the written card's path."""
    first = draft(
        NAME,
        folder,
        labels=[*VIEWS, "wheel"],
        thresholds={"vehicle": 0.5, "wheel": 0.3, "contrary": 0.9},
        parameters={"temperature": 1.0, "wheels": MOST},
        precisions=FILES,
    )
    choosing = choosing_photos(data_root())
    chosen, told = _chosen(first, choosing)
    by_file = {precision: _measured(chosen, choosing, precision) for precision in FILES}
    loss = by_file["float16"]["view"] - by_file["weights8"]["view"]
    shipped = "weights8" if loss < INT8_LOSS else "float16"
    measured = {
        "validation": {"chosen": told, "by_file": by_file},
        "metrics": _measured(chosen, card_photos(data_root()), shipped),
        "timing": timing(chosen, repeats=repeats),
    }
    return ship(chosen, folder, [shipped], rounded(measured))


def _chosen(first: Card, photos: Sequence[Viewed]) -> tuple[Card, dict[str, float]]:
    """Return the card with what suits the choosing photos best, and those numbers."""
    model = ViewAndWheels(first, network(first, "weights8"))
    looks = [model.look(viewed_read(one)) for one in tqdm(photos, desc="choose")]
    named = [
        (logits, VIEWS.index(one.view)) for (logits, _), one in zip(looks, photos, strict=True) if one.view in VIEWS
    ]
    told = {"temperature": round(temperature_best(named), 3)}
    warm = card_with(first, **told)

    def seen(with_card: Card) -> list[Seen]:
        reader = ViewAndWheels(with_card, network(first, "weights8"))
        return [Seen(one, _answer(reader, pair, one)) for pair, one in zip(looks, photos, strict=True)]

    wheels = {least: wheel_figures(seen(card_with(warm, wheel=least))) for least in WHEELS}
    told["wheel"] = max(WHEELS, key=lambda least: wheels[least]["wheel_f1"])
    told["contrary"] = contrary_least(seen(warm))
    return card_with(warm, wheel=told["wheel"], contrary=told["contrary"]), told


def _answer(reader: ViewAndWheels, pair: tuple[Any, Any], photo: Viewed) -> View:
    height, width, _ = viewed_read(photo).shape
    return reader.answer(pair[0], pair[1], width, height)


def _measured(chosen: Card, photos: Sequence[Viewed], precision: str) -> dict[str, Any]:
    seen, rate = look(ViewAndWheels(chosen, network(chosen, precision)), photos)
    return {
        **view_figures(seen),
        **wheel_figures(seen),
        "images_per_second": rate,
        "photos": len(photos),
        "confusion": confusion(seen),
        "calibration": calibration(seen),
    }
