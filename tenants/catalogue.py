"""Camera names and limits that tenant settings speak of (contract: enumerations)."""

from __future__ import annotations

from typing import Final

CAMERAS: Final = (
    "backLeft", "backRight", "bottomLeft", "bottomRight", "frontLeft", "frontRight",
    "roofLeft", "roofRight", "topLeft", "topRight",
)  # fmt: skip

#: Cameras whose number of selected frames a tenant limits, with the defaults of the contract's sample.
DEFAULT_FRAME_LIMITS: Final[dict[str, int]] = {
    "bottomLeft": 32, "bottomRight": 32, "roofLeft": 16, "roofRight": 16, "topLeft": 16, "topRight": 16,
}  # fmt: skip

#: Frames taken from a video that no camera of a rig made.
FRAMES_WITHOUT_CAMERA: Final = 32

MAX_FRAMES: Final = 256


def default_frame_limits() -> dict[str, int]:
    """A fresh copy of the default frame limits by camera."""
    return dict(DEFAULT_FRAME_LIMITS)


def default_face_blur() -> dict[str, bool]:
    """Face blur is off for every camera until a tenant asks for it."""
    return dict.fromkeys(CAMERAS, False)
