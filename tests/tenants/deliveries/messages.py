"""Deliveries as tests make them and look at them."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from tenants.models import Delivery, DeliveryAttempt, Event, Tenant
from tenants.services.deliveries import deliveries_due, delivery_create
from tenants.services.events import event_record
from tests.tenants.outbound.peers import answer

OK = answer(b'{"thanks": true}')
GONE = answer(status="410 Gone")
BROKEN = answer(b"out of order", status="500 Internal Server Error")
HOUR = 3600


def event(tenant: Tenant, key: str = "set-1") -> Event:
    return event_record(tenant_id=tenant.id, kind="result", subject_id=uuid4(), ordering_key=key)


def queued(tenant: Tenant, target: str, *, key: str = "set-1", **extra: Any) -> Delivery:
    values: dict[str, Any] = {"body": '{"damage": "Rost ä"}', "retry_delays": [HOUR, HOUR]}
    return delivery_create(
        event=event(tenant, key), tenant_id=tenant.id, family="inspektlabs", target=target, **(values | extra)
    )


def change(delivery: Delivery, **values: Any) -> None:
    Delivery.objects.of(delivery.tenant_id).filter(pk=delivery.pk).update(**values)


def make_due(delivery: Delivery) -> None:
    change(delivery, next_attempt_at=timezone.now())


def tries(delivery: Delivery) -> list[DeliveryAttempt]:
    return list(DeliveryAttempt.objects.of(delivery.tenant_id).filter(delivery=delivery).order_by("number"))


def due(limit: int = 10) -> list[UUID]:
    return deliveries_due(now=timezone.now(), limit=limit)


def lease_is_over(delivery: Delivery) -> None:
    now = timezone.now()
    change(delivery, lease_until=now, next_attempt_at=now)
