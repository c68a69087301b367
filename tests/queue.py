"""Running queued tasks inside a test's own process."""

from __future__ import annotations

import importlib

from django_q.models import OrmQ


def drain() -> int:
    """Run every queued task, those queued meanwhile included; returns how many ran."""
    count = 0
    while (row := OrmQ.objects.order_by("pk").first()) is not None:
        task = row.task
        row.delete()
        module, _, name = task["func"].rpartition(".")
        getattr(importlib.import_module(module), name)(*task["args"], **task["kwargs"])
        count += 1
    return count
