"""What every answer of the core family looks like."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from tenants.rows import in_utc


def success(data: Any = None, **extra: Any) -> dict[str, Any]:
    """The success envelope; `extra` holds what a call puts beside `data` (message, meta, expiresIn)."""
    return {"success": True, **({} if data is None else {"data": data}), **extra}


def seconds(moment: datetime | None) -> int | None:
    """Unix seconds; None for what has not happened."""
    return None if moment is None else int(in_utc(moment).timestamp())


def text_id(value: UUID | None) -> str | None:
    """An id as text; None for nothing."""
    return None if value is None else str(value)
