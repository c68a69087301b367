"""Events: numbered without gaps per key, in the transaction of what they tell."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from tenants.models import Event, Tenant
from tenants.services.events import event_record
from tenants.services.settings import tenant_create


def record(tenant: Tenant, key: str = "set-1") -> Event:
    return event_record(
        tenant_id=tenant.id, kind="result", subject_id=uuid4(), ordering_key=key, payload={"version": 1}
    )


@pytest.fixture
def tenant(db: None) -> Tenant:
    return tenant_create(name="Teller")


def test_each_key_counts_for_itself(tenant: Tenant) -> None:
    assert [record(tenant, key).sequence for key in ("a", "a", "b", "a", "b")] == [1, 2, 1, 3, 2]


def test_an_event_is_stored_as_told(tenant: Tenant) -> None:
    stored = Event.objects.of(tenant.id).get(pk=record(tenant).pk)
    assert (stored.kind, stored.payload, stored.handled_at) == ("result", {"version": 1}, None)
    assert event_record(tenant_id=None, kind="k", subject_id=uuid4(), ordering_key="a").payload == {}


def test_an_event_vanishes_with_the_transaction_it_belongs_to(tenant: Tenant) -> None:
    with transaction.atomic():
        record(tenant)
        transaction.set_rollback(True)
    assert not Event.objects.of(tenant.id).exists()
    assert record(tenant).sequence == 1


@pytest.mark.django_db(transaction=True)
def test_an_event_of_no_known_tenant_is_an_error_and_not_a_retry() -> None:
    with pytest.raises(IntegrityError):
        event_record(tenant_id=uuid4(), kind="k", subject_id=uuid4(), ordering_key="a")


@pytest.mark.django_db(transaction=True)
def test_eight_writers_of_one_key_get_numbers_without_gaps() -> None:
    tenant = tenant_create(name="Chorus")

    def write(_: int) -> list[int]:
        try:
            with transaction.atomic():
                return [record(tenant).sequence, record(tenant).sequence]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        pairs = list(pool.map(write, range(8)))
    assert sorted(number for pair in pairs for number in pair) == list(range(1, 17))
    assert all(second == first + 1 for first, second in pairs)
