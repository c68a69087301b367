"""Recipe of `vehicle_mask`: the main car as a soft mask, trained on masks, composites, outlines and boxes."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from imaging.ml import registry
from imaging.ml.card import Card
from imaging.ml.models.vehicle_mask import VehicleMask
from imaging.training.cards import INT8_LOSS, draft, network, rounded, ship, timing
from imaging.training.coco import data_root
from imaging.training.mask_photos import mask_files, masks_of
from imaging.training.masked import masks_details, masks_figures, masks_look, masks_sheet
from imaging.training.parts import parts_inside, parts_load
from imaging.training.report import Report, Request
from imaging.training.tune import card_with

NAME = "vehicle_mask"
# A larger window means a second look at more photos: it must be better by this, IoU and boundary IoU added.
WORTH = 0.005
# How large the window of a second look may be, as a share of the photo. Small cars always get one: hardly any of the
# choosing photos shows such a car, so that they could not tell.
CLOSER = (0.6, 0.75, 0.9)
# What is compared. Static int8 is not: two runtimes differ on it, and tflite-runtime does not speed it up.
FILES = ("float16", "weights8")
Files = Sequence[tuple[Path, Path]]


def train(folder: Path, *, steps: int | None, stop: int | None) -> None:
    """Train and export into `folder`."""
    importlib.import_module("imaging.training.torch_recipes.vehicle_mask").run(folder, steps=steps, stop=stop)


def evaluate(request: Request) -> Report:
    """Judge the shipped model on the asked photos and masks, by default on the valid split of foreground/car_masks."""
    model = cast("VehicleMask", registry.load(NAME))
    found = masks_look(model, _asked(request))
    figures, details = masks_figures(found), masks_details(found)
    lines = [f"{details['photos']} photos, {details['without_a_car']} without a car found"]
    lines += [f"{name:<20}{value:>8.3f}" for name, value in figures.items()]
    lines += [f"IoU from {least}: {share:.3f} of the photos" for least, share in details["share_from_IoU"].items()]
    if request.sheet is not None:
        masks_sheet(model, found, request.sheet)
        lines.append(f"missed (red), too much (orange), worst first: {request.sheet}")
    return Report(figures, lines)


def _asked(request: Request) -> Files:
    if request.images is None and request.masks is None:
        return masks_of(data_root(), "valid")
    if request.images is None or request.masks is None:
        raise ValueError("IMAGES names the folder of the photos and MASKS that of their masks: both are needed")
    return mask_files(request.images, request.masks)


def card(folder: Path, options: argparse.Namespace) -> Path:
    """Choose the second look on the choosing photos, measure, and ship."""
    return card_write(folder, closer=options.zooms or CLOSER)


def card_write(folder: Path, *, closer: Sequence[float], repeats: int = 60) -> Path:
    """Tune, measure and ship the exported files in `folder`; return the written card's path.

    `closer`: sizes of the second look's window to try. `repeats`: how often each file is timed.
    """
    choosing = masks_of(data_root(), "choosing")
    first = draft(
        NAME,
        folder,
        labels=["vehicle"],
        thresholds={"score": 0.7, "area": 0.005},
        parameters={"closer": 0.0},
        precisions=FILES,
    )
    tried = {one: _figures(card_with(first, closer=one), "float16", choosing) for one in closer}
    merit = {one: tried[one]["IoU"] + tried[one]["boundary_IoU"] for one in closer}
    chosen = card_with(first, closer=min(one for one in closer if merit[one] >= max(merit.values()) - WORTH))
    by_file = {precision: _figures(chosen, precision, choosing) for precision in FILES}
    loss = by_file["float16"]["IoU"] - by_file["weights8"]["IoU"]
    if loss >= INT8_LOSS:
        raise ValueError(f"8-bit weights cost {loss:.3f} of IoU, and the float16 file is too large to ship")
    measured = {
        "validation": {"photos": len(choosing), "tried": {str(k): v for k, v in tried.items()}, "by_file": by_file},
        "metrics": _metrics(chosen),
        "timing": timing(chosen, repeats=repeats),
    }
    return ship(chosen, folder, ["weights8"], rounded(measured))


def _figures(chosen: Card, precision: str, files: Files) -> Mapping[str, float]:
    return masks_figures(masks_look(VehicleMask(chosen, network(chosen, precision)), files))


def _metrics(chosen: Card) -> dict[str, Any]:
    """Figures on the valid split, and how much of the parts set's parts it holds if that is there."""
    model = VehicleMask(chosen, network(chosen, "weights8"))
    found = masks_look(model, masks_of(data_root(), "valid"))
    measured: dict[str, Any] = masks_figures(found) | masks_details(found)
    if parts := parts_load(data_root()):
        measured["evaluation_only/parts"] = {"photos": len(parts), "parts_inside": parts_inside(model, parts)}
    return measured
