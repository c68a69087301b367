"""Write a model's card: told facts from `cards/`, measured ones from the shipped file itself. No torch."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from imaging.ml import registry, runtime
from imaging.ml.card import Card, card_parse
from imaging.ml.models.damage_detector import DamageDetector
from imaging.ml.runtime import Network
from imaging.training.coco import Photo, coco_load, data_root
from imaging.training.evaluate import details, figures, kinds_right, look
from imaging.training.specs import SPECS
from imaging.training.tune import card_with, choose

TOLD = Path(__file__).parent / "cards"
# int8 is shipped for LiteRT only while it costs less than this much of the main figure.
INT8_LOSS = 0.01
# A large photo's longer side is brought to this: six tiles at 4:3, well under a second on two cores.
SIDE = 1536
TILE, STRIDE, OVERLAP = 640, 4, 96


def card_write(name: str, work: Path, *, zooms: Sequence[float], kinds: bool, repeats: int = 15) -> Path:
    """Tune, measure and ship `name` from the exported files in `work`; return the written card's path.

    `zooms` are tried on the validation photos. `kinds`: whether the labels tell scratch, dent and broken apart.
    `repeats`: how often each file is timed.
    """
    spec, root = SPECS[name], data_root()
    valid = coco_load(root / spec.valid)
    draft = _draft(name, work, kinds=kinds)
    choice = choose(draft, _network(draft, "float16"), valid, zooms=zooms)[0]
    card = card_with(draft, zoom=choice.zoom, grow=choice.grow, gap=choice.gap, score=round(choice.threshold, 4))
    report = {precision: _measured(card, valid, spec.kind_of, precision) for precision in ("float16", "int8")}
    loss = report["float16"]["AP_rule"] - report["int8"]["AP_rule"]
    shipped = ["int8", "float16"] if loss < INT8_LOSS else ["float16"]
    measured = {
        "validation": {"tried_zooms": list(zooms), "chosen": asdict(choice), "by_file": report},
        "metrics": _measured(card, coco_load(root / spec.test), spec.kind_of, shipped[0]),
        "timing": timing(card, repeats=repeats),
    }
    return _ship(card, work, shipped, measured)


def _ship(card: Card, work: Path, shipped: Sequence[str], measured: Mapping[str, Any]) -> Path:
    """Put the files of the precisions `shipped` beside the other models, and the card that tells of them."""
    for precision in shipped:
        source = work / f"{card.name}.{precision}.tflite"
        shutil.copyfile(source, registry.FOLDER / _file_name(card.name, precision))
    document = (
        dict(card.raw)
        | dict(measured)
        | {
            "thresholds": dict(card.thresholds),
            "parameters": dict(card.parameters),
            "files": _files(card.name, work, shipped),
            "measured_on": {"date": datetime.now(UTC).date().isoformat(), "machine": _machine()},
        }
    )
    path = registry.FOLDER / f"{card.name}.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _draft(name: str, work: Path, *, kinds: bool) -> Card:
    """A card good enough to load the files in `work` with; its measured parts are placeholders that get replaced."""
    told = json.loads((TOLD / f"{name}.json").read_text(encoding="utf-8"))
    trained = json.loads((work / "trained.json").read_text(encoding="utf-8"))
    labels = ["scratch", "dent", "broken"] if kinds else ["damage"]
    raw = told | {
        "name": name,
        "version": trained["version"],
        "labels": labels,
        "training": told["training"] | trained,
        "thresholds": {"score": 0.5, "grow": 0.25},
        "parameters": {"zoom": 1, "side": SIDE, "stride": STRIDE, "overlap": OVERLAP, "gap": 1, "limit": 100},
        "files": [_entry(work / f"{name}.{precision}.tflite", precision) for precision in ("float16", "int8")],
        "metrics": {"pending": 1},
        "timing": {"pending": 1},
    }
    return card_parse(raw, work)


def _entry(path: Path, precision: str) -> dict[str, Any]:
    runtimes = ["litert"] if precision == "int8" else ["litert", "tflite"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {
        "file": path.name,
        "sha256": digest,
        "bytes": path.stat().st_size,
        "precision": precision,
        "runtimes": runtimes,
    }


def _file_name(name: str, precision: str) -> str:
    return f"{name}.int8.tflite" if precision == "int8" else f"{name}.tflite"


def _files(name: str, work: Path, shipped: Sequence[str]) -> list[dict[str, Any]]:
    entries = (_entry(work / f"{name}.{precision}.tflite", precision) for precision in shipped)
    return [entry | {"file": _file_name(name, entry["precision"])} for entry in entries]


def _network(card: Card, precision: str, *, name: str | None = None, threads: int = 2) -> Network:
    file = next(file for file in card.files if file.precision == precision)
    return Network(file.path.read_bytes(), runtime=name, threads=threads)


def _measured(card: Card, photos: Sequence[Photo], kind_of: Mapping[str, str], precision: str) -> dict[str, Any]:
    """Figures on `photos` by one file; `AP_rule`, the area under the curve of the match rule, is the main one."""
    found = look(DamageDetector(card, _network(card, precision)), photos)
    threshold = card.thresholds["score"]
    measured: dict[str, Any] = figures(found, threshold) | details(found, threshold)
    if len(card.labels) > 1:
        measured["label_given_by_true_kind"] = kinds_right(found, threshold, kind_of)
    rounded: dict[str, Any] = _rounded(measured)
    return rounded


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(inner) for key, inner in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def timing(card: Card, *, repeats: int) -> dict[str, float]:
    """Best milliseconds of one invoke for every file, installed runtime and 1 and 2 threads.

    The best and not the mean: what else the machine does then says nothing about the model.
    """
    rows: dict[str, float] = {}
    for file in card.files:
        for name in runtime.installed():
            if name in file.runtimes:
                for threads in (1, 2):
                    network = Network(file.path.read_bytes(), runtime=name, threads=threads)
                    rows[f"{file.precision}, {name}, {threads} thread{'s' * (threads > 1)}"] = _invoke(network, repeats)
    return rows


def _invoke(network: Network, repeats: int) -> float:
    batch = np.zeros(network.input_shape, dtype=np.float32)
    network.run(batch)
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        network.run(batch)
        times.append(time.perf_counter() - started)
    return round(1000 * min(times), 1)


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
