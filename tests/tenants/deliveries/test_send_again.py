"""Deliveries: sent again by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.errors import Conflict
from tenants.models import DeliveryState, Tenant
from tenants.services.deliveries import delivery_attempt, delivery_send_again
from tests.tenants.deliveries.messages import BROKEN, OK, change, due, queued, tries
from tests.tenants.outbound.peers import Peer


def test_send_again_starts_a_new_life_and_keeps_the_history(tenant: Tenant, peer: Callable[..., Peer]) -> None:
    receiver = peer(BROKEN)
    delivery = queued(tenant, receiver.url(), retry_delays=[])
    delivery_attempt(delivery_id=delivery.pk)
    receiver.talk = OK
    renewed = delivery_send_again(delivery=delivery)
    assert (renewed.state, renewed.attempts) == (DeliveryState.WAITING, 0)
    assert due() == [delivery.pk]
    assert delivery_attempt(delivery_id=delivery.pk).state == DeliveryState.DELIVERED
    assert [(one.number, one.status) for one in tries(delivery)] == [(1, 500), (2, 200)]


def test_a_delivered_message_may_be_sent_again_by_hand(tenant: Tenant, peer: Callable[..., Peer]) -> None:
    receiver = peer()
    delivery = queued(tenant, receiver.url())
    delivery_attempt(delivery_id=delivery.pk)
    assert delivery_send_again(delivery=delivery).delivered_at is None
    delivery_attempt(delivery_id=delivery.pk)
    assert len(receiver.received) == 2


def test_a_message_that_is_being_sent_cannot_be_sent_again(tenant: Tenant) -> None:
    delivery = queued(tenant, "https://a.example")
    change(delivery, state=DeliveryState.SENDING, lease_until=timezone.now() + timedelta(minutes=1))
    with pytest.raises(Conflict):
        delivery_send_again(delivery=delivery)
    change(delivery, lease_until=timezone.now())
    assert delivery_send_again(delivery=delivery).state == DeliveryState.WAITING
