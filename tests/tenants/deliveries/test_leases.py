"""Deliveries: workers that vanish while they send."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from tenants.models import Delivery, DeliveryState, Tenant
from tenants.services.deliveries import deliveries_due, delivery_attempt
from tests.tenants.deliveries.messages import BROKEN, change, due, lease_is_over, queued, tries
from tests.tenants.outbound.peers import Peer


def killed(delivery: Delivery, *, attempts: int = 1) -> None:
    """Leave the row as a worker does that was killed between its claim and its answer, its lease over."""
    change(delivery, state=DeliveryState.SENDING, attempts=attempts)
    lease_is_over(delivery)


def test_a_try_under_a_living_lease_is_left_alone(tenant: Tenant, peer: Callable[..., Peer]) -> None:
    receiver = peer()
    delivery = queued(tenant, receiver.url())
    change(delivery, state=DeliveryState.SENDING, attempts=1, lease_until=timezone.now() + timedelta(minutes=1))
    assert due() == []
    assert delivery_attempt(delivery_id=delivery.pk).state == DeliveryState.SENDING
    assert receiver.received == []


def test_a_vanished_workers_delivery_is_due_again_within_two_minutes(tenant: Tenant, peer: Callable[..., Peer]) -> None:
    receiver = peer()
    delivery = queued(tenant, receiver.url())
    killed(delivery)
    assert due() == [delivery.pk]
    assert delivery_attempt(delivery_id=delivery.pk).state == DeliveryState.DELIVERED
    assert [one.error for one in tries(delivery)] == ["The worker vanished during this try.", ""]


def test_a_lease_is_longer_than_a_send_and_shorter_than_two_minutes(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tenants.services.deliveries.send", die)
    delivery = queued(tenant, "https://a.example")
    before = timezone.now()
    with pytest.raises(KeyboardInterrupt):
        delivery_attempt(delivery_id=delivery.pk)
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.SENDING
    assert delivery.lease_until is not None
    assert deliveries_due(now=delivery.lease_until - timedelta(seconds=1), limit=1) == []
    assert deliveries_due(now=delivery.lease_until, limit=1) == [delivery.pk]
    assert settings.DELIVERY_SECONDS < (delivery.lease_until - before).total_seconds() < 120


def test_the_last_try_is_not_lost_by_a_kill_but_kills_do_not_go_on_for_ever(
    tenant: Tenant, peer: Callable[..., Peer]
) -> None:
    receiver = peer(BROKEN)
    delivery = queued(tenant, receiver.url(), retry_delays=[60])
    killed(delivery, attempts=2)
    assert delivery_attempt(delivery_id=delivery.pk).state == DeliveryState.FAILED
    assert len(receiver.received) == 1
    killed(delivery, attempts=4)
    assert delivery_attempt(delivery_id=delivery.pk).state == DeliveryState.FAILED
    assert len(receiver.received) == 1
    assert due() == []
