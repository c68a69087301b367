"""Rows for lists: as the database's driver gives them, since making objects of them takes longer than all else."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Func, QuerySet
from django.db.models.sql.compiler import SQLCompiler
from psycopg.types.datetime import TimestamptzLoader
from psycopg.types.string import TextLoader


def plain_rows(rows: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """The rows of a `values_list` as the database's driver gives them, in one query.

    Django converts them value by value, which takes longer than all else about a page of a hundred. So ids are text, of
    32 digits on SQLite, times may lack their zone, which is UTC, and JSON is text still: `id_text`, `in_utc` and
    `json_value` read them.
    """
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # The session's zone is UTC, so that the driver may read times by itself; ids are printed as text anyway.
            adapters = cursor.cursor.adapters
            adapters.register_loader("uuid", TextLoader)
            adapters.register_loader("timestamptz", TimestamptzLoader)
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def id_text(value: UUID | str) -> str:
    """An id as text with its dashes, also one of 32 digits."""
    text = value if isinstance(value, str) else str(value)
    return text if "-" in text else f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def maybe_id_text(value: UUID | str | None) -> str | None:
    """The same; None for nothing."""
    return None if value is None else id_text(value)


def in_utc(moment: datetime) -> datetime:
    """A time with its zone, also one that SQLite keeps without."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def json_value(value: Any) -> Any:
    """What a JSON column holds, whether it was read from its text already or not."""
    return orjson.loads(value) if isinstance(value, str) else value


class AmongIds(Func):
    """Whether an id is one of many: as `__in`, without converting and quoting each of them."""

    output_field = BooleanField()

    def __init__(self, name: str, ids: Collection[UUID | str], **extra: Any) -> None:
        """`name` is that of the column."""
        super().__init__(name, **extra)
        self.ids = [id_text(one) for one in ids]

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """An array on PostgreSQL, JSON elsewhere: one parameter either way."""
        column, params = compiler.compile(self.source_expressions[0])
        if connection.vendor == "postgresql":
            return f"{column} = ANY(%s::uuid[])", [*params, self.ids]
        digits = orjson.dumps([one.replace("-", "") for one in self.ids]).decode()
        return f"{column} IN (SELECT value FROM json_each(%s))", [*params, digits]  # noqa: S608 - a column's name
