"""Rigs through their services: limits under many hands, units in their places, deletion, device keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from assets.models import CaptureSet, CaptureUnit
from assets.selectors import capture_sets_visible, capture_units_visible
from assets.services import rigs
from assets.services.device_keys import capture_unit_by_key, capture_unit_enrol, capture_unit_revoke
from assets.services.rigs import (
    UnitGiven,
    capture_set_create,
    capture_set_delete,
    capture_set_restore,
    capture_set_update,
    capture_unit_assign,
    capture_unit_default_set,
    capture_unit_unassign,
)
from tenants.errors import Conflict, Invalid, NotFound
from tenants.models import Tenant
from tenants.scope import Reach
from tests import factories

pytestmark = pytest.mark.django_db
AT_ONCE = 6


def virtual(tenant: Tenant) -> CaptureSet:
    return capture_set_create(tenant=tenant, values={"name": "Phone"}, is_virtual=True)


def together(work: Callable[[int], Any]) -> Counter[str]:
    """The outcomes of the work in threads with connections of their own, all starting at once."""
    start = Barrier(AT_ONCE)

    def one(number: int) -> str:
        try:
            start.wait(timeout=30)
            work(number)
        except Conflict:
            return "refused"
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return Counter(threads.map(one, range(AT_ONCE)))


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_the_last_free_places_are_given_out_once(
    ours: factories.House, outsider: factories.House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rigs, "MAX_VIRTUAL", 4)
    for tenant in (ours.tenant, ours.tenant, outsider.tenant):
        virtual(tenant)
    assert together(lambda _: virtual(ours.tenant)) == {"done": 2, "refused": AT_ONCE - 2}
    rows = CaptureSet.objects.of(ours.tenant.pk)
    assert rows.filter(is_virtual=True).count() == 4
    capture_set_delete(capture_set=rows[0])
    assert together(lambda _: capture_set_restore(capture_set=rows[0])) == {"done": AT_ONCE}
    assert rows.filter(deleted_at__isnull=True).count() == 4


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_nobody_unassigns_what_becomes_the_default(
    ours: factories.House, outsider: factories.House
) -> None:
    rig = factories.rig(ours.tenant, open_to=[ours.tenant, outsider.tenant])
    unit = rig.units.select_related("capture_set")[0]

    def work(number: int) -> None:
        if number % 2:
            capture_unit_unassign(unit=unit, tenants=[outsider.tenant])
        else:
            capture_unit_default_set(unit=unit, tenant=outsider.tenant)

    together(work)
    for one in rig.units.all():
        assert one.default_tenant_id is None or one.tenants.filter(pk=one.default_tenant_id).exists()


def test_the_limit_is_that_of_the_contract() -> None:
    assert rigs.MAX_VIRTUAL == 1000


def test_a_deleted_virtual_rig_leaves_its_place_and_needs_one_to_come_back(
    ours: factories.House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rigs, "MAX_VIRTUAL", 1)
    first = virtual(ours.tenant)
    capture_set_delete(capture_set=first, by=ours.tenant_admin)
    first.refresh_from_db()
    assert first.deleted_at is not None
    assert first.history.latest().history_user == ours.tenant_admin
    second = virtual(ours.tenant)
    with pytest.raises(Conflict, match="at most 1 virtual"):
        capture_set_restore(capture_set=first)
    records = first.history.count()
    capture_set_delete(capture_set=first)
    assert first.history.count() == records
    capture_set_delete(capture_set=second)
    capture_set_restore(capture_set=first)
    first.refresh_from_db()
    assert first.deleted_at is None


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"), ({"name": "x", "country_code": "1"}, "country_code"),
        ({"name": "x", "lenses": [1]}, "lenses"), ({"name": "x", "lenses": {"lens0": 5}}, "lenses"),
        ({"name": "x", "lenses": {"lens9": {}}}, "lenses"), ({"name": "x", "lenses": {"lens0": {"zoom": 1}}}, "lenses"),
        ({"name": "x", "lenses": {"lens0": {"focalLength": 0}}}, "lenses"),
        ({"name": "x", "pipeline_mask": ["teleport"]}, "pipeline_mask"),
    ],
)  # fmt: skip
def test_wrong_values_are_named(ours: factories.House, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        capture_set_create(tenant=ours.tenant, values=values, is_virtual=True)
    assert list(refusal.value.fields) == [field]


def test_a_regular_rig_needs_units_of_its_own(ours: factories.House) -> None:
    left = UnitGiven(side="left")
    unit = capture_set_create(tenant=ours.tenant, values={"name": "a"}, units=[left]).units.get()
    twice = [UnitGiven(side="left", unit=unit), UnitGiven(side="right", unit=unit)]
    for units in ([], [left, left], twice):
        with pytest.raises(Invalid, match="unit"):
            capture_set_create(tenant=ours.tenant, values={"name": "b"}, units=units)
    assert CaptureSet.objects.of(ours.tenant.pk).count() == 1


def test_a_unit_joins_with_the_tenants_and_the_default_of_the_other(
    ours: factories.House, outsider: factories.House
) -> None:
    rig = capture_set_create(tenant=ours.tenant, values={"name": "a"}, units=[UnitGiven(side="left")])
    left = rig.units.select_related("capture_set").get()
    capture_unit_assign(unit=left, tenants=[outsider.tenant])
    capture_unit_default_set(unit=left, tenant=outsider.tenant)
    without = UnitGiven(side="right", tenant_ids=frozenset({ours.tenant.pk}))
    with pytest.raises(Conflict, match="default tenant"):
        capture_set_update(capture_set=rig, values={}, units=[without])
    assert rig.units.count() == 1
    capture_set_update(capture_set=rig, values={}, units=[UnitGiven(side="right")])
    right = rig.units.get(side="right")
    assert right.default_tenant == outsider.tenant
    assert set(right.tenants.all()) == {ours.tenant, outsider.tenant}


def test_what_vanished_meanwhile_is_not_found(ours: factories.House) -> None:
    rig, other = factories.rig(ours.tenant, open_to=[ours.tenant]), factories.rig(ours.tenant)
    unit, gone = rig.units.select_related("capture_set")[0], other.units.select_related("capture_set")[0]
    capture_set_delete(capture_set=other)
    other.units.exclude(pk=gone.pk).delete()
    free = capture_set_create(tenant=ours.tenant, values={"name": "a"}, units=[UnitGiven(side="left")])
    with pytest.raises(NotFound, match="unit"):
        capture_set_update(capture_set=free, values={}, units=[UnitGiven(side="right", unit=gone)])
    capture_set_delete(capture_set=rig)
    for call in (
        lambda: capture_set_update(capture_set=rig, values={}),
        lambda: capture_unit_assign(unit=unit, tenants=[ours.tenant]),
        lambda: capture_unit_unassign(unit=unit, tenants=[ours.tenant]),
        lambda: capture_unit_default_set(unit=unit, tenant=None),
    ):
        with pytest.raises(NotFound):
            call()


def test_a_column_that_people_do_not_set_is_a_mistake_of_the_caller(ours: factories.House) -> None:
    with pytest.raises(TypeError, match="deleted_at"):
        capture_set_create(tenant=ours.tenant, values={"name": "a", "deleted_at": None}, is_virtual=True)


def test_many_tenants_are_assigned_in_few_queries(
    ours: factories.House, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    unit = factories.rig(ours.tenant).units.select_related("capture_set")[0]
    tenants = Tenant.objects.bulk_create(Tenant(name=f"Tenant {number}") for number in range(60))
    with django_assert_max_num_queries(20):
        capture_unit_assign(unit=unit, tenants=tenants)
    assert unit.tenants.count() == 60


def test_rigs_and_units_are_seen_by_owners_and_by_those_they_record_for(
    ours: factories.House, outsider: factories.House
) -> None:
    rig = factories.rig(ours.tenant)
    phone = virtual(ours.tenant)
    [left, right] = rig.units.order_by("side")
    right.tenants.add(outsider.tenant)
    mine, theirs = Reach.only(ours.tenant.pk), Reach.only(outsider.tenant.pk)
    assert set(capture_sets_visible(mine)) == set(capture_sets_visible(Reach.every())) == {rig, phone}
    assert list(capture_sets_visible(theirs)) == [rig]
    assert list(capture_units_visible(mine)) == list(capture_units_visible(Reach.every())) == [left, right]
    assert list(capture_units_visible(theirs)) == [right]
    assert not capture_sets_visible(Reach.some(())).exists()
    capture_set_delete(capture_set=rig)
    assert list(capture_sets_visible(Reach.every())) == [phone]
    assert not capture_units_visible(Reach.every()).exists()


# --- device keys -----------------------------------------------------------------------------------------------------


@pytest.fixture
def unit(ours: factories.House) -> CaptureUnit:
    """A unit of ours."""
    return factories.rig(ours.tenant).units.select_related("capture_set")[0]


def test_a_device_is_known_by_its_key_which_is_not_stored(ours: factories.House, unit: CaptureUnit) -> None:
    value = capture_unit_enrol(unit=unit, by=ours.global_admin)
    assert len(value) > 40
    found = capture_unit_by_key(value)
    assert found == unit
    assert found.capture_set.tenant == ours.tenant
    assert found.last_seen_at is not None
    unit.refresh_from_db()
    assert unit.enrolled_at is not None
    assert value not in str(vars(unit))
    assert unit.history.latest().history_user == ours.global_admin
    for wrong in ("", "x", value[:-1], unit.device_key_digest):
        assert capture_unit_by_key(wrong) is None


def test_an_earlier_key_opens_nothing_after_enrolling_again_or_revoking(unit: CaptureUnit) -> None:
    first, second = capture_unit_enrol(unit=unit), capture_unit_enrol(unit=unit)
    assert capture_unit_by_key(first) is None
    assert capture_unit_by_key(second) == unit
    capture_unit_revoke(unit=unit)
    assert capture_unit_by_key(second) is None
    assert capture_unit_by_key("") is None
    records = unit.history.count()
    capture_unit_revoke(unit=unit)
    assert unit.history.count() == records
    assert unit.enrolled_at is None


@pytest.mark.parametrize("change", ["deleted", "virtual", "inactive"])
def test_a_device_is_refused_while_its_rig_is_out_of_use(unit: CaptureUnit, change: str) -> None:
    value, rig = capture_unit_enrol(unit=unit), unit.capture_set
    if change == "inactive":
        Tenant.objects.filter(pk=rig.tenant_id).update(is_active=False)
    else:
        rig.deleted_at, rig.is_virtual = (timezone.now(), False) if change == "deleted" else (None, True)
        rig.save()
        with pytest.raises(Conflict):
            capture_unit_enrol(unit=unit)
    assert capture_unit_by_key(value) is None


def test_a_device_is_noted_as_seen_once_a_minute(
    unit: CaptureUnit, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    value = capture_unit_enrol(unit=unit)
    with django_assert_num_queries(2):
        capture_unit_by_key(value)
    with django_assert_num_queries(1):
        capture_unit_by_key(value)
    long_ago = timezone.now() - timedelta(minutes=2)
    CaptureUnit.objects.of(unit.capture_set.tenant_id).filter(pk=unit.pk).update(last_seen_at=long_ago)
    capture_unit_by_key(value)
    unit.refresh_from_db()
    assert unit.last_seen_at is not None
    assert unit.last_seen_at > long_ago
