"""A model whose findings a test chooses, in the place of the real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from imaging.gate import Seen
from imaging.jobs import damage_detection, plate_reading, quality
from imaging.ml.card import Card, ModelFile
from imaging.ml.types import Finding, Prediction, Reading, View

See = Callable[[NDArray[np.uint8]], list[Finding]]
Read = Callable[[NDArray[np.uint8]], str]


def square(left: float, top: float, size: float = 0.1, *, score: float = 0.8, label: str = "scratch") -> Finding:
    """A finding of the given size (shares of the photo)."""
    right, bottom = left + size, top + size
    return Finding(label, score, ((left, top), (right, top), (right, bottom), (left, bottom)))


@dataclass(frozen=True, slots=True)
class Nowhere:
    """A mask without a vehicle."""

    soft: NDArray[np.float32]
    score: float = 0.0


class ChosenModel:
    """Says what the test wants; counts how often it was asked."""

    version = "test-1"

    def __init__(self, see: See, name: str = "damage_detector", *, floor: float | None = None) -> None:
        """`floor`: from which score on findings are kept that are no proposals."""
        thresholds = {"score": 0.5} | ({} if floor is None else {"floor": floor})
        self.see = see
        self.name = name
        self.asked = 0
        files = tuple(
            ModelFile(path=Path("none"), sha256="f" * 64, precision="none", runtimes=frozenset({runtime}))
            for runtime in ("litert", "tflite")
        )
        self.card = Card(
            name=self.name,
            version=self.version,
            labels=("scratch", "dent", "broken"),
            thresholds=thresholds,
            parameters={},
            files=files,
            raw={"name": self.name, "thresholds": thresholds},
        )

    def predict(self, image: NDArray[np.uint8]) -> Prediction:
        """The chosen findings."""
        self.asked += 1
        height, width = image.shape[:2]
        return Prediction(self.name, self.version, width, height, tuple(self.see(image)))

    def mask(self, image: NDArray[np.uint8]) -> Nowhere:
        """In the place of the mask model: no vehicle is seen, so that damage may be anywhere."""
        return Nowhere(np.zeros((1, 1), dtype=np.float32))

    def propose(
        self, image: NDArray[np.uint8], *, floor: float, within: NDArray[np.float32] | None = None
    ) -> Prediction:
        """The chosen findings from `floor` on, best first."""
        assert within is None
        said = self.predict(image)
        found = sorted(said.findings, key=lambda finding: -finding.score)
        return replace(said, findings=tuple(finding for finding in found if finding.score >= floor))


class ChosenReader(ChosenModel):
    """Reads what the test wants on a crop, each character with the same confidence."""

    def __init__(self, read: Read, confidence: float) -> None:
        super().__init__(lambda _crop: [], plate_reading.READER)
        self.text_of = read
        self.confidence = confidence

    def read(self, crop: NDArray[np.uint8]) -> Reading:
        """The chosen text."""
        self.asked += 1
        text = self.text_of(crop)
        return Reading(text, self.confidence if text else 0.0, tuple((one, self.confidence) for one in text))


class ChosenEyes:
    """Sees a car in the middle of every photo, all of it, from the front left; or what the test says."""

    versions: ClassVar = {"view_and_wheels": "test-1"}

    def __init__(self, **changes: Any) -> None:
        self.changes = changes
        self.asked = 0
        self.side = ChosenModel(lambda _image: [], "view_and_wheels")

    def look(self, small: NDArray[np.uint8]) -> Seen:
        """The chosen facts."""
        self.asked += 1
        height, width = small.shape[:2]
        return seen(width, height, **self.changes)


def seen(
    width: int = 512,
    height: int = 384,
    *,
    car: tuple[float, float, float, float] | None = (0.1, 0.2, 0.9, 0.8),
    present: float = 0.98,
    vehicle: float = 0.97,
    view: str = "front_left",
    confidence: float = 0.9,
) -> Seen:
    """What the gate's model saw: a car in this box (left, top, right, bottom of the photo, 0..1), or none."""
    coarse = np.zeros((32, 32), np.float32)
    if car is not None:
        left, top, right, bottom = (round(32 * value) for value in car)
        coarse[top:bottom, left:right] = 1
    chances = ((view, confidence), ("rear", 1 - confidence))
    name, version = "view_and_wheels", "test-1"
    return Seen(View(name, version, width, height, view, confidence, chances, vehicle, (), present, coarse), coarse)


def use_eyes(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> ChosenEyes:
    """Put chosen models in the place of those of the quality gate."""
    eyes = ChosenEyes(**changes)
    monkeypatch.setattr(quality, "eyes_load", lambda *, threads: eyes)
    return eyes


def use(monkeypatch: pytest.MonkeyPatch, see: See, *, floor: float | None = None) -> ChosenModel:
    """Put a chosen model in the place of the damage model; no plate is seen, unless `use_plates` is called later."""
    model = ChosenModel(see, floor=floor)
    monkeypatch.setattr(damage_detection, "load", lambda _name, *, threads: model)
    use_plates(monkeypatch, lambda _image: [], lambda _crop: "")
    use_eyes(monkeypatch)
    return model


def use_plates(
    monkeypatch: pytest.MonkeyPatch, see: See, read: Read, *, confidence: float = 0.99
) -> tuple[ChosenModel, ChosenReader]:
    """Put chosen models in the place of those that find and read plates."""
    detector, reader = ChosenModel(see, plate_reading.DETECTOR), ChosenReader(read, confidence)
    models = {detector.name: detector, reader.name: reader}
    monkeypatch.setattr(plate_reading, "load", lambda name, *, threads: models[name])
    return detector, reader
