"""What every answer of the core family looks like."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID


def success(data: Any = None, **extra: Any) -> dict[str, Any]:
    """The success envelope; `extra` holds what a call puts beside `data` (message, meta, expiresIn)."""
    return {"success": True, **({} if data is None else {"data": data}), **extra}


def seconds(moment: datetime | None) -> int | None:
    """Unix seconds; None for what has not happened."""
    return None if moment is None else int(moment.timestamp())


def text_id(value: UUID | None) -> str | None:
    """An id as text; None for nothing."""
    return None if value is None else str(value)


def id_text(value: UUID | str) -> str:
    """An id as text, also one that SQLite keeps as 32 digits."""
    if isinstance(value, str):
        return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"
    return str(value)


def in_utc(moment: datetime) -> datetime:
    """A time with its zone, also one that SQLite keeps without."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
