"""The quality gate: what is wrong with a photo of a car, each point with a score and a reason for people.

Scores are 0..1, and 1 is fine. A measurement's score is 0.5 where its flag begins. Nothing here refuses a photo: only
what shows nothing at all is unusable (`imaging.ops.quality`); the rest are flags, since people judge better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from imaging.ml.model import Model
from imaging.ml.models.vehicle_mask import main_car
from imaging.ml.models.view_and_wheels import ViewAndWheels
from imaging.ml.types import HALF, View
from imaging.ops import quality as limits
from imaging.ops.quality import Quality

#: The longer side, in pixels, of what the gate looks at.
SIDE: Final = 512

#: Below it no vehicle was found.
NO_VEHICLE: Final = 0.5
#: A car below this share of the photo is too small: a centimetre of its side then has about 3 px at 12 MP. Set by eye.
SMALL_CAR: Final = 0.06
#: A car that covers more of an edge of the photo than this share is cut off. Set where the flag agrees best with the
#: finer vehicle_mask (0.15 of an edge) on the 95 photos that view_and_wheels' thresholds were chosen with: 30 of 33 cut
#: cars are said, and 2 others; on its 102 test photos 16 of 20, and 6 others.
CUT: Final = 0.25

#: What people are told of each flag, and what they can do about it.
REASONS: Final[Mapping[str, str]] = {
    "black": "Nothing can be seen: it is black.",
    "blank": "Nothing can be seen: it shows one even surface.",
    "blurred_out": "It is blurred beyond recognition.",
    "blurred": "It is blurred: hold the camera still and wait until it has focused.",
    "too_dark": "It is too dark: more light, or the flash, would help.",
    "too_bright": "It is too bright: do not point the camera at the sun or a lamp.",
    "low_contrast": "It is pale, as through fog: wipe the lens.",
    "too_small": "It has too few pixels: choose a higher resolution.",
    "no_vehicle": "No vehicle was found on it.",
    "car_too_small": "The car is too small on it: go nearer.",
    "car_cut": "The car is cut off: step back until all of it is in the picture.",
    "wrong_view": "It shows another side of the car than the one asked for.",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the model saw on a photo: the view, and where the car is, (rows, columns) 0..1, without its neighbours."""

    view: View
    car: NDArray[np.float32]

    @property
    def vehicle(self) -> float:
        """How sure it is, 0..1, that a vehicle or a part of one is there; whole ones count among them."""
        return max(self.view.present, self.view.vehicle)

    @property
    def area(self) -> float:
        """The share, 0..1, of the photo that the car covers."""
        return float(self.car.mean())

    @property
    def cut(self) -> float:
        """The share, 0..1, of an edge of the photo that the car covers, of the edge where it is largest."""
        inside = self.car >= HALF
        return float(max(edge.mean() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1])))


@dataclass(frozen=True, slots=True)
class Eyes:
    """The model that finds the car and names the side it shows: one small network, so that a photo can be judged while
    its taker waits."""

    side: ViewAndWheels

    @classmethod
    def of(cls, load: Callable[[str], Model]) -> Eyes:
        """The model as `load` gives it by name."""
        return cls(side=cast("ViewAndWheels", load("view_and_wheels")))

    def look(self, small: NDArray[np.uint8]) -> Seen:
        """What it sees on a (height, width, 3) sRGB photo; `SIDE` px along its longer side are enough."""
        view = self.side.view(small)
        return Seen(view, main_car(view.coarse))

    @property
    def versions(self) -> dict[str, str]:
        """Model's name to its version."""
        return {self.side.name: self.side.version}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gate says of a photo.

    `flags`: words of REASONS, the gravest first. `scores`: by what was measured (`sharpness`, `light`, `contrast`,
    `resolution`; with the model also `vehicle`, `size`, `whole`, `view`). `view`: the side that is seen, "" where no
    car is, or not enough of it. `usable`: whether there is anything to see.
    """

    flags: tuple[str, ...]
    scores: Mapping[str, float]
    view: str
    usable: bool


def photo_judge(
    quality: Quality, *, seen: Seen | None = None, is_rig: bool = False, is_contrary: bool = False
) -> Judgement:
    """Put together what was measured on a photo and what the model saw on it.

    Without `seen` nothing is said of the car. A rig's cameras (`is_rig`) see parts of it, as close views of a panel do:
    a small or cut car is no fault there. `is_contrary`: the view model is sure of another side than the one asked for.
    """
    scores, flags, view = _measured(quality), list(quality.flags), ""
    if seen is not None:
        scores |= _scores_of(seen)
        flags += _car_flags(seen, is_rig=is_rig, is_contrary=is_contrary)
        view = seen.view.view if seen.view.vehicle >= NO_VEHICLE else ""
    rounded = {name: round(score, 3) for name, score in scores.items()}
    return Judgement(tuple(flags), rounded, view, quality.usable)


def reasons(flags: Iterable[str]) -> list[str]:
    """The sentences for these flags; other words, as for files that cannot be read, have reasons of their own."""
    return [REASONS[flag] for flag in flags if flag in REASONS]


def _measured(quality: Quality) -> dict[str, float]:
    light = min(quality.luma_mean / limits.DARK_MEAN, (1 - quality.luma_mean) / (1 - limits.BRIGHT_MEAN))
    return {
        "sharpness": _score((1 - quality.blur) / (1 - limits.BLURRED)),
        "light": _score(light),
        "contrast": _score(quality.contrast / limits.LOW_CONTRAST),
        "resolution": _score(min(quality.width, quality.height) / limits.SMALL_SIDE),
    }


def _scores_of(seen: Seen) -> dict[str, float]:
    return {
        "vehicle": seen.vehicle,
        "size": _score(seen.area / SMALL_CAR),
        "whole": 1 - _score(seen.cut / CUT),
        "view": seen.view.confidence,
    }


def _car_flags(seen: Seen, *, is_rig: bool, is_contrary: bool) -> list[str]:
    if seen.vehicle < NO_VEHICLE:
        return ["no_vehicle"]
    found = ["wrong_view"] if is_contrary else []
    # Neither a rig's cameras nor close views of a panel are meant to show all of a car.
    if is_rig or seen.view.vehicle < NO_VEHICLE:
        return found
    if seen.area < SMALL_CAR:
        found.append("car_too_small")
    return [*found, "car_cut"] if seen.cut > CUT else found


def _score(ratio: float) -> float:
    """0.5 where the ratio to the threshold is 1, at most 1."""
    return min(1.0, max(0.0, ratio / 2))
