"""Events: what happened, told to the apps on the right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max

from tenants.errors import Conflict
from tenants.models import Event

#: Each lost race means that somebody else's event was written, so this many writers of one key may meet.
_TRIES: Final = 50


@transaction.atomic
def event_record(
    *,
    tenant_id: UUID | None,
    kind: str,
    subject_id: UUID,
    ordering_key: str,
    payload: Mapping[str, Any] | None = None,
) -> Event:
    """Write an event as the next of its ordering key, inside the caller's transaction (its own, if there is none).

    Two writers of one key never get the same sequence: the database's constraint makes the second wait for the
    first, and the second then takes the number after.
    """
    for _ in range(_TRIES):
        event = Event(
            tenant_id=tenant_id,
            kind=kind,
            subject_id=subject_id,
            ordering_key=ordering_key,
            sequence=_next_sequence(ordering_key),
            payload=dict(payload or {}),
        )
        if _insert(event):
            return event
    raise Conflict(f"Too many writers of events for {ordering_key}.")


def _next_sequence(ordering_key: str) -> int:
    events = Event.objects.all_tenants("an ordering key counts across tenants").filter(ordering_key=ordering_key)
    last: int | None = events.aggregate(last=Max("sequence"))["last"]
    return (last or 0) + 1


def _insert(event: Event) -> bool:
    """Whether the number was still free; the savepoint keeps the caller's transaction usable if not."""
    try:
        with transaction.atomic():
            event.save(force_insert=True)
    except IntegrityError:
        taken = Event.objects.all_tenants("an ordering key counts across tenants").filter(
            ordering_key=event.ordering_key, sequence=event.sequence
        )
        if not taken.exists():
            raise
        return False
    return True
