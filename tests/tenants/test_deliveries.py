"""Deliveries against a real receiver on loopback: claims, leases, order, retries, and what is written down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tenants.errors import Conflict, Invalid, NotFound
from tenants.models import Delivery, DeliveryAttempt, DeliveryState, Event, SigningSecret, Tenant
from tenants.outbound import verify
from tenants.services.deliveries import deliveries_due, delivery_attempt, delivery_create, delivery_send_again
from tenants.services.events import event_record
from tenants.services.secrets import signing_secret_rotate, signing_secrets_valid
from tenants.services.settings import tenant_create
from tests.tenants.outbound.peers import Peer, answer

OK = answer(b'{"thanks": true}')
GONE = answer(status="410 Gone")
BROKEN = answer(b"out of order", status="500 Internal Server Error")
HOUR = 3600


@pytest.fixture(autouse=True)
def loopback_allowed(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    """Start receivers that end with the test."""
    peers: list[Peer] = []

    def make(talk: Any = OK) -> Peer:
        peers.append(Peer(talk))
        peers[-1].start()
        return peers[-1]

    yield make
    for one in peers:
        one.close()


@pytest.fixture
def tenant(db: None) -> Tenant:
    return tenant_create(name="Sender")


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


# --- one message -----------------------------------------------------------------------------------------------------


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


# --- failure and retries ---------------------------------------------------------------------------------------------


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


# --- send again ------------------------------------------------------------------------------------------------------


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


# --- killed workers --------------------------------------------------------------------------------------------------


def lease_is_over(delivery: Delivery) -> None:
    now = timezone.now()
    change(delivery, lease_until=now, next_attempt_at=now)


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


# --- order -----------------------------------------------------------------------------------------------------------


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


# --- several workers at once -----------------------------------------------------------------------------------------


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
