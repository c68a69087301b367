"""JSON of registration and password reset: constant messages of the contract."""

from __future__ import annotations

from typing import Any, Final

from inspection_platform.api.core.presenters.common import success

REGISTERED: Final = "User has been created, needs confirmation"
VERIFIED: Final = "User has been verified"
#: The contract has the same words for both steps of a reset.
RESET: Final = "Please check your registered email or phone for validation code"


def registered() -> dict[str, Any]:
    """The answer to every registration in order."""
    return success(message=REGISTERED)


def verified() -> dict[str, Any]:
    """The answer to the right code."""
    return success(message=VERIFIED)


def reset() -> dict[str, Any]:
    """The answer to both steps of a password reset."""
    return success(message=RESET)
