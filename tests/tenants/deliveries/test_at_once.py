"""Deliveries: several workers at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from tenants.models import Delivery, DeliveryState
from tenants.services.deliveries import delivery_attempt, delivery_create
from tenants.services.settings import tenant_create
from tests.tenants.deliveries.messages import BROKEN, OK, event, lease_is_over, make_due, queued
from tests.tenants.outbound.peers import Peer


def in_thread(work: Callable[[], Delivery]) -> Delivery:
    try:
        return work()
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_eight_claimers_send_once(peer: Callable[..., Peer]) -> None:
    tenant = tenant_create(name="Busy")
    receiver = peer()
    rows = [queued(tenant, receiver.url(), key=f"set-{number}") for number in range(5)]
    for row in rows:
        start = threading.Barrier(8)

        def claim(_: int, row: Delivery = row, start: threading.Barrier = start) -> None:
            start.wait()
            in_thread(lambda: delivery_attempt(delivery_id=row.pk))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(claim, range(8)))
    assert sorted(got.headers["webhook-id"] for got in receiver.received) == sorted(str(row.pk) for row in rows)
    for row in rows:
        row.refresh_from_db()
        assert (row.state, row.attempts) == (DeliveryState.DELIVERED, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("slow", "quick"), [(OK, BROKEN), (BROKEN, OK)], ids=["slow one delivers", "quick one delivers"]
)
def test_of_two_overlapping_tries_the_one_that_delivered_stands(
    peer: Callable[..., Peer], slow: bytes, quick: bytes
) -> None:
    """A worker slower than its lease meets the one that took over: whoever got the 2xx is right, whatever the order."""
    tenant = tenant_create(name="Slow")
    took_over: list[Delivery] = []

    def talk(conn: Any, _request: Any, _stop: threading.Event) -> None:
        if took_over or len(receiver.received) > 1:
            conn.sendall(quick)
            return
        lease_is_over(delivery)
        took_over.append(in_thread(lambda: delivery_attempt(delivery_id=delivery.pk)))
        conn.sendall(slow)

    receiver = peer(talk)
    delivery = queued(tenant, receiver.url())
    done = delivery_attempt(delivery_id=delivery.pk)
    assert len(receiver.received) == 2
    assert len(took_over) == 1
    assert done.state == DeliveryState.DELIVERED
    make_due(delivery)
    delivery_attempt(delivery_id=delivery.pk)
    assert len(receiver.received) == 2


@pytest.mark.django_db(transaction=True)
def test_eight_creators_make_one_delivery() -> None:
    tenant = tenant_create(name="Eager")
    happened = event(tenant)

    def create(number: int) -> UUID:
        return in_thread(
            lambda: delivery_create(
                event=happened, tenant_id=tenant.id, family="core", target="https://a.example", body=str(number),
                retry_delays=[],
            )
        ).pk  # fmt: skip

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(create, range(8)))) == 1
