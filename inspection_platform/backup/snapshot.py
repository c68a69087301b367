"""One moment of the database, however long it takes to read it, and without keeping anybody from writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction


@contextmanager
def snapshot() -> Iterator[None]:
    """Everything read in the block is of the moment of the first query."""
    made = _postgresql() if connection.vendor == "postgresql" else _sqlite()
    with made:
        yield


@contextmanager
def _postgresql() -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


@contextmanager
def _sqlite() -> Iterator[None]:
    """A deferred transaction: with the write-ahead log a reader keeps its moment and blocks no writer.

    The project's other transactions begin IMMEDIATE, which would take the write lock for as long as the backup takes.
    """
    connection.ensure_connection()
    wrapper: Any = connection
    usual = wrapper.transaction_mode
    wrapper.transaction_mode = "DEFERRED"
    try:
        with transaction.atomic():
            yield
    finally:
        wrapper.transaction_mode = usual
