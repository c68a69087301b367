"""Refusals of the Inspektlabs-shaped family."""

from __future__ import annotations

from typing import Any, Final

from inspection_platform.api.refusals import Refusal, RefusalKind

STATUS: Final[dict[RefusalKind, int]] = {
    RefusalKind.INVALID: 400,
    RefusalKind.UNSUPPORTED_MEDIA_TYPE: 415,
    RefusalKind.NOT_AUTHENTICATED: 401,
    RefusalKind.FORBIDDEN: 403,
    RefusalKind.METHOD_NOT_ALLOWED: 405,
    RefusalKind.THROTTLED: 429,
    RefusalKind.QUOTA_EXCEEDED: 429,
    RefusalKind.UNAVAILABLE: 503,
}


def render(refusal: Refusal) -> tuple[int, dict[str, Any]]:
    """The status and body of a refusal; whatever nobody foresaw is the contract's 404."""
    return STATUS.get(refusal.kind, 404), {"status": "error", "message": refusal.message}
