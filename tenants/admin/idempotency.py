"""Admin page of repeatable requests: what a client's Idempotency-Keys stand for."""

from __future__ import annotations

from django.contrib import admin

from tenants.admin_base import RecordAdmin
from tenants.admin_parts import ReachFilter, column
from tenants.models import IdempotencyRecord


def _answer(record: IdempotencyRecord) -> str:
    """The status of the stored answer."""
    return "being worked on" if record.status is None else str(record.status)


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(RecordAdmin[IdempotencyRecord]):
    """Requests under an Idempotency-Key of the last day; their answers stay sealed."""

    list_display = (
        "key",
        "path",
        "tenant",
        column(_answer, "answer", ordering="status"),
        "actor",
        "created_at",
        "expires_at",
    )
    list_select_related = ("tenant",)
    list_filter = ("status", ("tenant", ReachFilter), "created_at")
    search_fields = ("key", "path", "actor")
    ordering = ("-created_at",)
    fields = ("id", "tenant", "key", "path", "actor", "status", ("created_at", "lease_until", "expires_at"))
