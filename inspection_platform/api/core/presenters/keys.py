"""JSON of API keys."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from inspection_platform.api.core.presenters.common import success
from tenants.services.keys import IssuedKey


def key_created(issued: IssuedKey) -> dict[str, Any]:
    """The answer with a fresh key."""
    return success({"apiKey": issued.value}, message="Api key successfully created")


def key_deleted() -> dict[str, Any]:
    """The vendor's words for a deleted key; the user stays."""
    return success(message="User successfully deleted")


def key(shown: IssuedKey, *, user_id: UUID) -> dict[str, Any]:
    """A key in clear; the words are the vendor's."""
    data = {"apiKey": shown.value, "description": shown.key.name, "userId": str(user_id)}
    return success(data, message="User successfully fetched")
