"""Words that captured things use: jobs a mask may name, lenses, labels, sides (contract: enumerations)."""

from __future__ import annotations

from typing import Final

#: Names a `pipelineMask` may hold: a name in the mask switches that job off for the set.
MASKABLE_JOBS: Final = ("damage_detection", "part_detection", "cost", "damage_identification")

DEFAULT_COUNTRY: Final = "NO"

#: The largest number that describes a lens: millimetres, or pixels across the sensor.
LENS_LIMIT: Final = 100_000

_SENSOR: Final[dict[str, float]] = {"sensorResolution": 1920, "sensorSize": 11.3}


def default_lenses() -> dict[str, dict[str, float]]:
    """The lenses of a rig whose creator names none: focal lengths in millimetres as in the contract's sample."""
    return {f"lens{number}": {"focalLength": focal, **_SENSOR} for number, focal in enumerate((6, 6, 8))}
