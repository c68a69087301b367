"""Deliveries: failures, retries, and what is written down of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from tenants.models import DeliveryState, SigningSecret, Tenant
from tenants.services.deliveries import delivery_attempt
from tenants.services.secrets import signing_secrets_valid
from tests.tenants.deliveries.messages import BROKEN, GONE, due, make_due, queued, tries
from tests.tenants.outbound.peers import Peer, answer


def test_failures_follow_the_schedule_and_then_it_is_given_up(tenant: Tenant, peer: Callable[..., Peer]) -> None:
    receiver = peer(BROKEN)
    delivery = queued(tenant, receiver.url(), retry_delays=[60, 600])
    for number, delay in enumerate([60, 600], start=1):
        before = timezone.now()
        after = delivery_attempt(delivery_id=delivery.pk)
        assert after.state == DeliveryState.WAITING
        assert after.attempts == number
        assert after.next_attempt_at is not None
        assert timedelta(seconds=delay) <= after.next_attempt_at - before < timedelta(seconds=delay + 30)
        assert due() == []
        make_due(delivery)
    last = delivery_attempt(delivery_id=delivery.pk)
    assert (last.state, last.attempts, last.next_attempt_at) == (DeliveryState.FAILED, 3, None)
    assert (last.last_status, last.last_error) == (500, "The receiver answered with status 500.")
    assert [(one.number, one.status, one.excerpt) for one in tries(delivery)] == [
        (number, 500, "out of order") for number in (1, 2, 3)
    ]
    delivery_attempt(delivery_id=delivery.pk)
    assert len(receiver.received) == 3


def test_nothing_is_sent_before_its_time(tenant: Tenant, peer: Callable[..., Peer]) -> None:
    receiver = peer(BROKEN)
    delivery = queued(tenant, receiver.url())
    delivery_attempt(delivery_id=delivery.pk)
    same = delivery_attempt(delivery_id=delivery.pk)
    assert (len(receiver.received), same.attempts) == (1, 1)


def test_gone_ends_it_for_good(tenant: Tenant, peer: Callable[..., Peer]) -> None:
    delivery = queued(tenant, peer(GONE).url())
    done = delivery_attempt(delivery_id=delivery.pk)
    assert (done.state, done.last_status, done.next_attempt_at) == (DeliveryState.FAILED, 410, None)
    assert due() == []


@pytest.mark.parametrize("status", ["301 Moved", "400 Bad", "401 No", "404 No", "429 Slow", "503 Later"])
def test_any_other_status_is_tried_again(tenant: Tenant, peer: Callable[..., Peer], status: str) -> None:
    answered = answer(status=status, headers=("Location: http://127.0.0.1:9/",))
    done = delivery_attempt(delivery_id=queued(tenant, peer(answered).url()).pk)
    assert done.state == DeliveryState.WAITING


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "204 No Content", "299 Fine"])
def test_every_2xx_delivers(tenant: Tenant, peer: Callable[..., Peer], status: str) -> None:
    done = delivery_attempt(delivery_id=queued(tenant, peer(answer(status=status)).url()).pk)
    assert done.state == DeliveryState.DELIVERED


def test_a_forbidden_address_is_a_failed_try_with_its_reason(tenant: Tenant, settings: Settings) -> None:
    settings.OUTBOUND_ALLOW = []
    delivery = queued(tenant, "http://127.0.0.1:8999/hook?token=hush")
    done = delivery_attempt(delivery_id=delivery.pk)
    (only,) = tries(delivery)
    assert done.state == DeliveryState.WAITING
    assert (only.status, bool(only.error)) == (None, True)
    assert "hush" not in only.error


def test_a_dead_receiver_is_a_failed_try(tenant: Tenant, peer: Callable[..., Peer]) -> None:
    receiver = peer()
    target = receiver.url()
    receiver.close()
    done = delivery_attempt(delivery_id=queued(tenant, target).pk)
    assert (done.state, done.last_status) == (DeliveryState.WAITING, None)
    assert done.last_error


def test_without_a_signing_secret_nothing_leaves(tenant: Tenant, peer: Callable[..., Peer]) -> None:
    SigningSecret.objects.of(tenant.id).delete()
    receiver = peer()
    done = delivery_attempt(delivery_id=queued(tenant, receiver.url()).pk)
    assert (receiver.received, done.last_error) == ([], "The tenant has no signing secret.")


def test_a_lost_sealing_key_is_a_failed_try_not_a_crash(
    tenant: Tenant, peer: Callable[..., Peer], settings: Settings
) -> None:
    receiver = peer()
    delivery = queued(tenant, receiver.url(), headers={"X-Key": "sesame-open"})
    settings.SECRET_KEY = "another"
    done = delivery_attempt(delivery_id=delivery.pk)
    assert receiver.received == []
    assert "SEALING_KEYS" in done.last_error


def test_no_secret_is_written_down_even_if_the_receiver_echoes_it(tenant: Tenant, peer: Callable[..., Peer]) -> None:
    (secret,) = signing_secrets_valid(tenant)
    echo = answer(f"you sent sesame-open with {secret}".encode(), status="400 Bad")
    headers = {"Authorization": "Bearer sesame-open"}
    delivery = queued(tenant, peer(echo).url("/?key=query-secret"), headers=headers)
    done = delivery_attempt(delivery_id=delivery.pk)
    (only,) = tries(delivery)
    assert only.excerpt == "you sent *** with ***"
    for hidden in ("sesame-open", secret, "query-secret"):
        assert hidden not in only.error + only.excerpt + done.last_error + done.sealed_headers
