"""JSON of changes of the platform's groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from inspection_platform.api.core.presenters.common import success
from tenants.models import ANNOTATOR, GLOBAL_ADMIN, REVIEWER

#: What the vendor's message calls a group.
_FLAGS: Final[Mapping[str, str]] = {
    ANNOTATOR: "isAnnotator",
    GLOBAL_ADMIN: "isGlobalAdmin",
    REVIEWER: "isReviewer",
}


def group_changed(group: str, *, user_id: UUID) -> dict[str, Any]:
    """The answer to joining and leaving alike: the vendor's says POST in both."""
    return success(message=f"Modified (POST) group {_FLAGS[group]} for {user_id}")
