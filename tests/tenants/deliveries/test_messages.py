"""Deliveries: one message, as it arrives at a real receiver on loopback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tenants.errors import Invalid, NotFound
from tenants.models import DeliveryState, Tenant
from tenants.outbound import verify
from tenants.services.deliveries import delivery_attempt, delivery_create
from tenants.services.secrets import signing_secret_rotate, signing_secrets_valid
from tests.tenants.deliveries.messages import BROKEN, due, event, make_due, queued, tries
from tests.tenants.outbound.peers import Peer


def test_a_delivery_arrives_signed_and_is_delivered(tenant: Tenant, peer: Callable[..., Peer]) -> None:
    receiver = peer()
    delivery = queued(tenant, receiver.url("/hook"), headers={"Authorization": "Bearer theirs"}, method="PUT")
    assert due() == [delivery.pk]
    done = delivery_attempt(delivery_id=delivery.pk)
    got = receiver.received[0]
    assert (got.method, got.target, got.body.decode()) == ("PUT", "/hook", '{"damage": "Rost ä"}')
    assert got.headers["content-type"] == "application/json"
    assert got.headers["authorization"] == "Bearer theirs"
    assert got.headers["webhook-id"] == str(delivery.pk)
    verify(signing_secrets_valid(tenant), headers=got.headers, body=got.body)
    assert done.state == DeliveryState.DELIVERED
    assert done.delivered_at is not None
    assert (done.last_status, done.last_error, done.next_attempt_at, done.lease_until) == (200, "", None, None)
    (only,) = tries(delivery)
    assert (only.number, only.status, only.error, only.excerpt) == (1, 200, "", '{"thanks": true}')
    assert due() == []


def test_both_secrets_sign_during_a_rotation(tenant: Tenant, peer: Callable[..., Peer]) -> None:
    (old,) = signing_secrets_valid(tenant)
    new = signing_secret_rotate(tenant=tenant)
    receiver = peer()
    delivery_attempt(delivery_id=queued(tenant, receiver.url()).pk)
    got = receiver.received[0]
    verify([old], headers=got.headers, body=got.body)
    verify([new], headers=got.headers, body=got.body)


def test_a_header_of_the_tenant_cannot_forge_the_signature(tenant: Tenant, peer: Callable[..., Peer]) -> None:
    receiver = peer()
    headers = {"Webhook-Id": "forged", "Content-Type": "application/vnd.example+json"}
    delivery_attempt(delivery_id=queued(tenant, receiver.url(), headers=headers).pk)
    got = receiver.received[0].headers
    assert got["webhook-id"] != "forged"
    assert got["content-type"] == "application/vnd.example+json"


def test_the_message_id_is_the_same_on_every_try(tenant: Tenant, peer: Callable[..., Peer]) -> None:
    receiver = peer(BROKEN)
    delivery = queued(tenant, receiver.url())
    delivery_attempt(delivery_id=delivery.pk)
    make_due(delivery)
    delivery_attempt(delivery_id=delivery.pk)
    assert {got.headers["webhook-id"] for got in receiver.received} == {str(delivery.pk)}
    assert len(receiver.received) == 2


def test_the_same_event_family_and_target_is_one_delivery(tenant: Tenant) -> None:
    happened = event(tenant)
    values: dict[str, Any] = {
        "event": happened,
        "tenant_id": tenant.id,
        "retry_delays": [],
        "target": "https://a.example",
    }
    first = delivery_create(family="core", body="first", **values)
    second = delivery_create(family="core", body="second", **values)
    assert (second.pk, second.body) == (first.pk, "first")
    assert delivery_create(family="pave", body="other family", **values).pk != first.pk


def test_a_target_that_fits_no_column_is_refused(tenant: Tenant) -> None:
    with pytest.raises(Invalid) as refused:
        queued(tenant, "https://a.example/" + "x" * 2000)
    assert "target" in refused.value.fields


def test_an_unknown_delivery_is_not_found(db: None) -> None:
    with pytest.raises(NotFound):
        delivery_attempt(delivery_id=uuid4())
