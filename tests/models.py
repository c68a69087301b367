"""A model whose findings a test chooses, in the place of the real one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from imaging.jobs import damage_detection
from imaging.ml.card import Card, ModelFile
from imaging.ml.types import Finding, Prediction

See = Callable[[NDArray[np.uint8]], list[Finding]]


def square(left: float, top: float, size: float = 0.1, *, score: float = 0.8, label: str = "scratch") -> Finding:
    """A finding of the given size (shares of the photo)."""
    right, bottom = left + size, top + size
    return Finding(label, score, ((left, top), (right, top), (right, bottom), (left, bottom)))


class ChosenModel:
    """Says what the test wants; counts how often it was asked."""

    name, version = "damage_detector", "test-1"

    def __init__(self, see: See) -> None:
        self.see = see
        self.asked = 0
        files = tuple(
            ModelFile(path=Path("none"), sha256="f" * 64, precision="none", runtimes=frozenset({runtime}))
            for runtime in ("litert", "tflite")
        )
        self.card = Card(
            name=self.name,
            version=self.version,
            labels=("scratch", "dent", "broken"),
            thresholds={"score": 0.5},
            parameters={},
            files=files,
            raw={"name": self.name},
        )

    def predict(self, image: NDArray[np.uint8]) -> Prediction:
        """The chosen findings."""
        self.asked += 1
        height, width = image.shape[:2]
        return Prediction(self.name, self.version, width, height, tuple(self.see(image)))


def use(monkeypatch: pytest.MonkeyPatch, see: See) -> ChosenModel:
    """Put a chosen model in the place of the damage model."""
    model = ChosenModel(see)
    monkeypatch.setattr(damage_detection, "load", lambda _name, *, threads: model)
    return model
