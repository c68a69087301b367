"""Deliveries: messages of one inspection go out in order, and nobody else waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tenants.models import DeliveryState, Tenant
from tenants.services.deliveries import delivery_attempt
from tenants.services.settings import tenant_create
from tests.tenants.deliveries.messages import BROKEN, GONE, OK, change, due, make_due, queued
from tests.tenants.outbound.peers import Peer


def test_later_messages_wait_for_three_tries_of_an_earlier_one(tenant: Tenant, peer: Callable[..., Peer]) -> None:
    receiver = peer(BROKEN)
    first = queued(tenant, receiver.url(), retry_delays=[60] * 5)
    second, third = queued(tenant, receiver.url()), queued(tenant, receiver.url())
    for _ in range(2):
        assert due() == [first.pk]
        delivery_attempt(delivery_id=first.pk)
        assert due() == []
        assert delivery_attempt(delivery_id=second.pk).attempts == 0
        make_due(first)
    delivery_attempt(delivery_id=first.pk)
    assert due() == [second.pk]
    receiver.talk = OK
    delivery_attempt(delivery_id=second.pk)
    assert due() == [third.pk]
    make_due(first)
    assert set(due()) == {first.pk, third.pk}


@pytest.mark.parametrize("talk", [OK, GONE])
def test_the_next_goes_out_as_soon_as_the_earlier_one_is_done(
    tenant: Tenant, peer: Callable[..., Peer], talk: bytes
) -> None:
    receiver = peer(talk)
    first, second = queued(tenant, receiver.url()), queued(tenant, receiver.url())
    delivery_attempt(delivery_id=first.pk)
    assert due() == [second.pk]


def test_nothing_overtakes_a_message_that_is_being_sent_for_the_third_time(tenant: Tenant) -> None:
    first, second = queued(tenant, "https://a.example"), queued(tenant, "https://a.example")
    lease = timezone.now() + timedelta(minutes=1)
    change(first, state=DeliveryState.SENDING, attempts=3, lease_until=lease)
    assert due() == []
    change(first, attempts=4)
    assert due() == [second.pk]


def test_other_inspections_receivers_and_tenants_do_not_wait(tenant: Tenant) -> None:
    queued(tenant, "https://a.example")
    elsewhere = queued(tenant, "https://b.example")
    other_set = queued(tenant, "https://a.example", key="set-2")
    neighbour = tenant_create(name="Neighbour")
    other_tenant = queued(neighbour, "https://a.example")
    held_back = queued(tenant, "https://a.example")
    ids = set(due())
    assert {elsewhere.pk, other_set.pk, other_tenant.pk} < ids
    assert held_back.pk not in ids


def test_messages_without_a_key_do_not_wait_for_one_another(tenant: Tenant) -> None:
    first, second = queued(tenant, "https://a.example"), queued(tenant, "https://a.example")
    for one in (first, second):
        change(one, ordering_key="")
    assert set(due()) == {first.pk, second.pk}


def test_the_longest_waiting_come_first_and_no_more_than_asked_for(
    tenant: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rows = [queued(tenant, "https://a.example", key=f"set-{number}") for number in range(5)]
    for number, row in enumerate(rows):
        change(row, next_attempt_at=timezone.now() - timedelta(minutes=number))
    with django_assert_num_queries(1):
        ids = due(limit=3)
    assert ids == [row.pk for row in reversed(rows)][:3]
