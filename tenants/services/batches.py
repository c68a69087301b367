"""Deleting many rows: a bounded number at a time, each batch in a transaction of its own."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

BATCH: Final = 500


def batch_lock(rows: QuerySet[Any], *, size: int = BATCH) -> list[Any]:
    """The keys of the next rows, locked until the transaction ends; rows that somebody else holds are passed over."""
    locked = rows.select_for_update(skip_locked=True, of=("self",)).order_by("pk")
    return list(locked.values_list("pk", flat=True)[:size])


def rows_delete(rows: QuerySet[Any], *, dry_run: bool = False) -> int:
    """Delete the rows of a query and what hangs on them; how many there were. With `dry_run` they are only counted.

    A row that no longer fits the query when its turn comes stays.
    """
    if dry_run:
        return rows.count()
    total = 0
    while True:
        with transaction.atomic():
            keys = batch_lock(rows)
            if not keys:
                return total
            rows.filter(pk__in=keys).order_by().delete()
            total += len(keys)
