"""Many rows at once: PostgreSQL's COPY, with what the model says of every column that the caller does not name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, models


def copy_rows(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]], /, **common: Any
) -> None:
    """Write rows of `columns` (attribute names); all others are as in one object with the values `common`."""
    template = model(**common)
    fields = {field.attname: field for field in model._meta.concrete_fields}  # noqa: SLF001 - Django's documented way
    others = [field for name, field in fields.items() if name not in columns]
    constant = "\t".join(_text(field.pre_save(template, add=True)) for field in others)
    names = ", ".join(f'"{field.column}"' for field in (*(fields[name] for name in columns), *others))
    table = model._meta.db_table  # noqa: SLF001 - Django's documented way to a table's name
    with connection.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write("\t".join([*map(_text, row), constant]) + "\n")


@contextmanager
def unchecked(*tables: type[models.Model]) -> Iterator[None]:
    """Without looking up foreign keys, and making the indexes of these tables anew afterwards: much faster.

    Needs a superuser of the database. The planner's statistics are up to date at the end.
    """
    names = [model._meta.db_table for model in tables]  # noqa: SLF001 - as above
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes JOIN pg_class ON relname = indexname"
            " WHERE tablename = ANY(%s) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = pg_class.oid)",
            [names],
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        for _, definition in indexes:
            cursor.execute(definition)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")


def _text(value: Any) -> str:
    """A value in COPY's text format; none of ours holds tabs, line ends or backslashes."""
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
