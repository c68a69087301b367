"""Which path belongs to which family: the one table that routes, envelopes and documents go by."""

from __future__ import annotations

from typing import Final

from inspection_platform.api.core import errors as core_errors
from inspection_platform.api.inspektlabs import errors as inspektlabs_errors
from inspection_platform.api.refusals import FamilyEnvelope

#: Mount point of a family, without slashes around it, and the module that words its refusals.
ENVELOPES: Final[dict[str, FamilyEnvelope]] = {
    "core/v1": core_errors,
    "inspektlabs": inspektlabs_errors,
}


def envelope_of(path: str) -> FamilyEnvelope | None:
    """The envelope of the family that a request path (`/core/v1/...`) belongs to; None outside of all families."""
    inside = f"{path.lstrip('/')}/"
    return next((envelope for mount, envelope in ENVELOPES.items() if inside.startswith(f"{mount}/")), None)
