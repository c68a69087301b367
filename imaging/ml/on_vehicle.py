"""The damage model kept to the vehicle: what is not the car cannot be damaged, so paving, walls and people are out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from imaging.ml import registry
from imaging.ml.card import Card
from imaging.ml.model import Model, UInt8Image
from imaging.ml.types import Prediction

FloatMap = npt.NDArray[np.float32]
DAMAGE, VEHICLE = "damage_detector", "vehicle_mask"
# A card that says nothing about it trusts the mask from this certainty on.
SURE = 0.8


class Outlined(Protocol):
    """What is needed of a vehicle's mask."""

    @property
    def soft(self) -> FloatMap:
        """(rows, columns), 0..1, over the whole photo."""

    @property
    def score(self) -> float:
        """How sure the model is of it, 0..1; 0 without a vehicle."""


class Outlines(Protocol):
    """A model that says where the vehicle is."""

    def mask(self, image: UInt8Image) -> Outlined:
        """Return where the vehicle on `image` is."""


class Restricted(Protocol):
    """A damage model that can be kept to a part of the photo."""

    name: str
    version: str
    card: Card

    def propose(self, image: UInt8Image, *, floor: float, within: FloatMap | None = None) -> Prediction:
        """Return the findings with a score of at least `floor`, best first."""


class OnVehicle:
    """The damage model with the mask model before it; to everybody else it is the damage model.

    Where the mask is not sure of a vehicle the whole photo is looked at: rather a false alarm than a lost damage.
    """

    def __init__(self, damage: Restricted, vehicle: Outlines) -> None:
        """`damage` and `vehicle` are loaded models."""
        self.name, self.version, self.card = damage.name, damage.version, damage.card
        self._damage, self.vehicle = damage, vehicle
        self._sure = damage.card.thresholds.get("vehicle", SURE)

    def predict(self, image: UInt8Image) -> Prediction:
        """Return the damages on the vehicle of `image`, (H, W, 3) uint8 RGB of any size, at the card's threshold."""
        return self.propose(image, floor=self.card.thresholds["score"])

    def propose(self, image: UInt8Image, *, floor: float) -> Prediction:
        """Return all findings on the vehicle with a score of at least `floor`, best first."""
        mask = self.vehicle.mask(image)
        within = mask.soft if mask.score >= self._sure else None
        return self._damage.propose(image, floor=floor, within=within)


def on_vehicle(model: Model, load: Callable[[str], Model]) -> Model:
    """Return `model` as it is run: the damage model kept to the vehicle, any other as it is.

    `load` fetches the mask model by its name.
    """
    if model.name != DAMAGE or VEHICLE not in registry.names():
        return model
    return OnVehicle(cast("Restricted", model), cast("Outlines", load(VEHICLE)))


def helpers_of(model: Model) -> tuple[Model, ...]:
    """The models that help this one, as `on_vehicle` returned it: the mask model, or none."""
    return (cast("Model", model.vehicle),) if isinstance(model, OnVehicle) else ()
