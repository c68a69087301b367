"""Quotas: counted by month, never passed, also by many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tenants.errors import Invalid, QuotaExceeded
from tenants.models import Quota, Service, Tenant, UsageCounter
from tenants.services.quotas import Usage, quota_set, usage_of, usage_return, usage_take
from tenants.services.settings import tenant_create
from tests.factories import House

SERVICE = Service.INSPEKTLABS


@pytest.fixture
def tenant(db: None) -> Tenant:
    return tenant_create(name="Metered")


def used(tenant: Tenant) -> int:
    return {use.service: use.used for use in usage_of(tenant)}[SERVICE]


def test_without_a_quota_everything_is_counted_and_nothing_refused(tenant: Tenant) -> None:
    for _ in range(5):
        usage_take(tenant=tenant, service=SERVICE)
    assert usage_of(tenant)[0] == Usage(SERVICE, 5, None)


def test_the_quota_is_usable_to_the_last_and_not_beyond(tenant: Tenant) -> None:
    quota_set(tenant=tenant, service=SERVICE, limit=3)
    usage_take(tenant=tenant, service=SERVICE, amount=2)
    with pytest.raises(QuotaExceeded):
        usage_take(tenant=tenant, service=SERVICE, amount=2)
    usage_take(tenant=tenant, service=SERVICE)
    with pytest.raises(QuotaExceeded):
        usage_take(tenant=tenant, service=SERVICE)
    assert used(tenant) == 3


def test_a_quota_of_none_at_all_refuses_the_first(tenant: Tenant) -> None:
    quota_set(tenant=tenant, service=SERVICE, limit=0)
    with pytest.raises(QuotaExceeded):
        usage_take(tenant=tenant, service=SERVICE)


def test_what_is_returned_can_be_taken_again_and_never_goes_below_zero(tenant: Tenant) -> None:
    quota_set(tenant=tenant, service=SERVICE, limit=1)
    month = usage_take(tenant=tenant, service=SERVICE)
    usage_return(tenant=tenant, service=SERVICE, month=month)
    usage_return(tenant=tenant, service=SERVICE)
    assert used(tenant) == 0
    usage_take(tenant=tenant, service=SERVICE)
    assert used(tenant) == 1


def test_months_services_and_tenants_are_counted_apart(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    neighbour = tenant_create(name="Neighbour")
    for one in (tenant, neighbour):
        for service in Service.values:
            quota_set(tenant=one, service=service, limit=1)
            usage_take(tenant=one, service=service)
    last_second = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
    for moment, month in [(last_second, date(2026, 1, 1)), (last_second + timedelta(seconds=1), date(2026, 2, 1))]:
        monkeypatch.setattr("tenants.services.quotas.timezone.now", lambda moment=moment: moment)
        assert usage_take(tenant=tenant, service=SERVICE) == month
        with pytest.raises(QuotaExceeded):
            usage_take(tenant=tenant, service=SERVICE)


def test_a_use_is_returned_in_the_month_it_was_taken(tenant: Tenant) -> None:
    usage_take(tenant=tenant, service=SERVICE)
    UsageCounter(tenant=tenant, service=SERVICE, month=date(2020, 1, 1), used=2).save()
    usage_return(tenant=tenant, service=SERVICE, month=date(2020, 1, 1))
    assert used(tenant) == 1
    assert UsageCounter.objects.of(tenant.id).get(month=date(2020, 1, 1)).used == 1


def test_a_rolled_back_request_used_nothing(tenant: Tenant) -> None:
    with transaction.atomic():
        usage_take(tenant=tenant, service=SERVICE)
        transaction.set_rollback(True)
    assert used(tenant) == 0


def test_a_quota_is_changed_lifted_and_remembered(ours: House) -> None:
    for limit in (5, 5, 9, None, None):
        quota_set(tenant=ours.tenant, service=SERVICE, limit=limit, by=ours.global_admin)
    assert usage_of(ours.tenant)[0].limit is None
    records = Quota.history.filter(tenant=ours.tenant).order_by("history_date")
    assert list(records.values_list("history_type", "limit", "history_user")) == [
        ("+", 5, ours.global_admin.pk),
        ("~", 9, ours.global_admin.pk),
        ("-", 9, ours.global_admin.pk),
    ]


@pytest.mark.parametrize("service", ["", "pave", "INSPEKTLABS"])
def test_an_unknown_service_is_refused(tenant: Tenant, service: str) -> None:
    for call in (usage_take, usage_return):
        with pytest.raises(Invalid):
            call(tenant=tenant, service=service)
    with pytest.raises(Invalid):
        quota_set(tenant=tenant, service=service, limit=1)


def test_taking_nothing_is_a_mistake_of_the_caller(tenant: Tenant) -> None:
    with pytest.raises(ValueError, match="at least one"):
        usage_take(tenant=tenant, service=SERVICE, amount=0)


@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 6), st.lists(st.tuples(st.booleans(), st.integers(1, 3)), max_size=12))
def test_the_counter_is_the_sum_of_what_was_granted(tenant: Tenant, limit: int, steps: list[tuple[bool, int]]) -> None:
    UsageCounter.objects.of(tenant.id).delete()
    quota_set(tenant=tenant, service=SERVICE, limit=limit)
    expected = 0
    for take, amount in steps:
        if not take:
            usage_return(tenant=tenant, service=SERVICE, amount=amount)
            expected -= amount if amount <= expected else 0
        elif expected + amount <= limit:
            usage_take(tenant=tenant, service=SERVICE, amount=amount)
            expected += amount
        else:
            with pytest.raises(QuotaExceeded):
                usage_take(tenant=tenant, service=SERVICE, amount=amount)
    assert used(tenant) == expected <= max(limit, 0)


@pytest.mark.django_db(transaction=True)
def test_eight_threads_cannot_take_more_than_the_quota() -> None:
    tenant = tenant_create(name="Crowd")
    quota_set(tenant=tenant, service=SERVICE, limit=13)

    def take_some(_: int) -> int:
        granted = 0
        try:
            for _ in range(5):
                try:
                    usage_take(tenant=tenant, service=SERVICE)
                except QuotaExceeded:
                    continue
                granted += 1
        finally:
            connection.close()
        return granted

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take_some, range(8))) == 13
    assert used(tenant) == 13
    assert UsageCounter.objects.of(tenant.id).filter(month=timezone.now().date().replace(day=1)).count() == 1
