"""Which models can run in shadow, and how two versions of each are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from imaging.gate import SIDE
from imaging.ml.comparing import MASKS, THINGS, VIEWS, Measure


@dataclass(frozen=True, slots=True)
class Shadowed:
    """`job`: after which job candidates look at its photos. `is_stored`: whether what the current version saw is kept
    as detections; if not, it looks once more beside the candidate. `side`: the longer side, in pixels, of what the job
    shows the model; None for whole photos."""

    job: str
    measure: Measure = THINGS
    is_stored: bool = False
    side: int | None = None


SHADOWED: Final[Mapping[str, Shadowed]] = {
    "damage_detector": Shadowed("damage_detection", is_stored=True),
    "face_detector": Shadowed("face_blur"),
    "plate_detector": Shadowed("plate_reading"),
    "vehicle_mask": Shadowed("damage_detection", MASKS),
    "view_and_wheels": Shadowed("quality", VIEWS, side=SIDE),
}


def shadowed_in(job: str) -> frozenset[str]:
    """Names of the models that a job runs and that may have candidates in shadow."""
    return frozenset(name for name, shadowed in SHADOWED.items() if shadowed.job == job)
