"""The damage model kept to the vehicle, with a mask whose answer is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from imaging.ml import registry
from imaging.ml.model import Model
from imaging.ml.on_vehicle import SURE, VEHICLE, FloatMap, OnVehicle, helpers_of, on_vehicle
from tests.imaging.ml.test_damage_detector import bounds, card, detector, photo


@dataclass(frozen=True, slots=True)
class Half:
    """The right half of the photo."""

    score: float

    @property
    def soft(self) -> FloatMap:
        return np.repeat(np.array([[0.0] * 10 + [1.0] * 10], dtype=np.float32), 10, axis=0)


@dataclass(frozen=True, slots=True)
class Sees:
    """Says the same of every photo."""

    score: float

    def mask(self, image: np.ndarray) -> Half:  # type: ignore[type-arg]
        assert image.shape == (100, 200, 3)
        return Half(self.score)


def two_damages() -> np.ndarray:  # type: ignore[type-arg]
    image = photo(200, 100)
    image[40:60, 20:60] = 255
    image[40:60, 140:180] = 255
    return image


def test_only_the_vehicle_is_looked_at() -> None:
    model, _ = detector()
    kept = OnVehicle(model, Sees(0.9))
    assert (kept.name, kept.version, kept.card) == (model.name, model.version, model.card)
    (finding,) = kept.predict(two_damages()).findings
    assert bounds(finding.polygon)[0] == pytest.approx(0.7, abs=0.03)
    assert len(kept.propose(two_damages(), floor=0.1).findings) == 1


def test_without_a_sure_mask_the_whole_photo_is_looked_at() -> None:
    model, _ = detector()
    for score in (0.0, SURE - 0.01):
        assert OnVehicle(model, Sees(score)).predict(two_damages()) == model.predict(two_damages())


def test_the_card_says_how_sure_is_sure() -> None:
    model, _ = detector(replace(card(), thresholds={"score": 0.5, "grow": 0.3, "vehicle": 0.95}))
    assert len(OnVehicle(model, Sees(0.94)).predict(two_damages()).findings) == 2
    assert len(OnVehicle(model, Sees(0.96)).predict(two_damages()).findings) == 1


def test_only_the_damage_model_is_kept_to_the_vehicle(monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = detector()
    asked: list[str] = []

    def load(name: str) -> Any:
        asked.append(name)
        return Sees(0.9)

    monkeypatch.setattr(registry, "names", lambda: (VEHICLE,))
    kept = on_vehicle(model, load)
    assert isinstance(kept, OnVehicle)
    assert asked == [VEHICLE]
    assert list(helpers_of(kept)) == [cast("Model", Sees(0.9))]
    assert helpers_of(model) == ()
    other = SimpleNamespace(name="plate_detector")
    assert on_vehicle(cast("Model", other), load) is other
    monkeypatch.setattr(registry, "names", lambda: ())
    assert on_vehicle(model, load) is model
    assert asked == [VEHICLE]
