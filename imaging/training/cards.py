"""Write a model's card: told facts from `cards/`, measured ones from the shipped files themselves. No torch."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from imaging.ml import registry, runtime
from imaging.ml.card import Card, card_parse
from imaging.ml.runtime import Network

TOLD = Path(__file__).parent / "cards"
# 8 bits are shipped only while they cost less than this much of the main figure.
INT8_LOSS = 0.01


def draft(
    name: str,
    work: Path,
    *,
    labels: Sequence[str],
    thresholds: Mapping[str, float],
    parameters: Mapping[str, float],
    precisions: Sequence[str] = ("float16", "int8"),
) -> Card:
    """Return a card good enough to load the files in `work` with; what is measured comes later.

    `work` holds `<name>.<precision>.tflite` and `trained.json`: the version and how it was trained.
    """
    told = json.loads((TOLD / f"{name}.json").read_text(encoding="utf-8"))
    trained = json.loads((work / "trained.json").read_text(encoding="utf-8"))
    raw = told | {
        "name": name,
        "version": trained["version"],
        "labels": list(labels),
        "training": told["training"] | trained,
        "thresholds": dict(thresholds),
        "parameters": dict(parameters),
        "files": [_entry(work / f"{name}.{precision}.tflite", precision) for precision in precisions],
        "metrics": {"pending": 1},
        "timing": {"pending": 1},
    }
    return card_parse(raw, work)


def ship(card: Card, work: Path, shipped: Sequence[str], measured: Mapping[str, Any]) -> Path:
    """Put the files of the precisions `shipped` beside the other models, and the card that tells of them."""
    for precision in shipped:
        source = work / f"{card.name}.{precision}.tflite"
        shutil.copyfile(source, registry.FOLDER / _file_name(card.name, precision))
    return card_store(card, {"files": _files(card.name, work, shipped), **measured})


def card_store(card: Card, measured: Mapping[str, Any]) -> Path:
    """Write the card with what was measured, and when and where; return its path."""
    document = (
        dict(card.raw)
        | dict(measured)
        | {
            "thresholds": dict(card.thresholds),
            "parameters": dict(card.parameters),
            "measured_on": {"date": datetime.now(UTC).date().isoformat(), "machine": _machine()},
        }
    )
    path = registry.FOLDER / f"{card.name}.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def network(card: Card, precision: str, *, threads: int = 2) -> Network:
    """Load the file of `card` in `precision` on the preferred runtime."""
    file = next(file for file in card.files if file.precision == precision)
    return Network(file.path.read_bytes(), threads=threads)


def rounded(value: Any) -> Any:
    """Return the numbers in `value` with four digits after the point."""
    if isinstance(value, Mapping):
        return {key: rounded(inner) for key, inner in value.items()}
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
                    loaded = Network(file.path.read_bytes(), runtime=name, threads=threads)
                    rows[f"{file.precision}, {name}, {threads} thread{'s' * (threads > 1)}"] = _invoke(loaded, repeats)
    return rows


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


def _invoke(loaded: Network, repeats: int) -> float:
    batch = np.zeros(loaded.input_shape, dtype=np.float32)
    loaded.run(batch)
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        loaded.run(batch)
        times.append(time.perf_counter() - started)
    return round(1000 * min(times), 1)


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
