"""Which models can run in shadow: those that a job of the pipeline shows whole photos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Shadowed:
    """`job`: after which job candidates look at its photos. `is_stored`: whether what the current version saw is kept
    as detections; if not, it looks once more beside the candidate."""

    job: str
    is_stored: bool = False


SHADOWED: Final[Mapping[str, Shadowed]] = {
    "damage_detector": Shadowed("damage_detection", is_stored=True),
    "face_detector": Shadowed("face_blur"),
    "plate_detector": Shadowed("plate_reading"),
}

#: Name of a job -> the model it runs that may have candidates in shadow.
MODEL_OF_JOB: Final[Mapping[str, str]] = {shadowed.job: name for name, shadowed in SHADOWED.items()}
