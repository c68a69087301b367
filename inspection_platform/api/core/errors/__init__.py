"""Refusals of the core family: `{"success": false, "message": ..., "errors": {...}}`. The form is ours."""

from __future__ import annotations

from typing import Any, Final

from inspection_platform.api.refusals import Refusal, RefusalKind

#: 422 is never used; a body of another content type or of too many bytes is a plain 400.
STATUS: Final[dict[RefusalKind, int]] = {
    RefusalKind.INVALID: 400,
    RefusalKind.UNSUPPORTED_MEDIA_TYPE: 400,
    RefusalKind.NOT_AUTHENTICATED: 401,
    RefusalKind.FORBIDDEN: 403,
    RefusalKind.NOT_FOUND: 404,
    RefusalKind.METHOD_NOT_ALLOWED: 405,
    RefusalKind.CONFLICT: 409,
    RefusalKind.REPEATED: 409,
    RefusalKind.THROTTLED: 429,
    RefusalKind.QUOTA_EXCEEDED: 429,
    RefusalKind.UNAVAILABLE: 503,
    RefusalKind.UNEXPECTED: 500,
}


def render(refusal: Refusal) -> tuple[int, dict[str, Any]]:
    """The status and body of a refusal; `errors` is present when single fields are at fault."""
    body: dict[str, Any] = {"success": False, "message": refusal.message}
    if refusal.fields:
        body["errors"] = dict(refusal.fields)
    return STATUS[refusal.kind], body
