"""Groups of tenants: what they hold, who changed them, and whom a power tenant may act for."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from tenants.errors import Conflict, Invalid
from tenants.models import Tenant, TenantGroup, User
from tenants.scope import Reach
from tenants.services.tenant_groups import (
    acting_reach,
    tenant_group_create,
    tenant_group_update,
    tenant_groups_within,
)
from tests.factories import House

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(ours: House, outsider: House) -> TenantGroup:
    """Both tenants, with ours in power."""
    return tenant_group_create(name="Both", members=[ours.tenant, outsider.tenant], power_tenant=ours.tenant)


def members(group: TenantGroup) -> list[str]:
    return [tenant.name for tenant in TenantGroup.objects.get(pk=group.pk).members.all()]


def recorded(group: TenantGroup) -> tuple[User | None, set[Any]]:
    """Who made the newest record of the group, and the members that it holds."""
    newest = TenantGroup.history.filter(id=group.pk).latest("history_date")
    return newest.history_user, {row.tenant_id for row in newest.members.all()}


def test_a_group_may_begin_empty(ours: House) -> None:
    made = tenant_group_create(name="  Nobody ", by=ours.global_admin)
    assert (made.name, members(made), made.power_tenant) == ("Nobody", [], None)
    assert recorded(made) == (ours.global_admin, set())


def test_what_is_not_given_stays(ours: House, outsider: House, group: TenantGroup) -> None:
    tenant_group_update(group=group, name="Renamed")
    tenant_group_update(group=group, members=[outsider.tenant])
    now = TenantGroup.objects.get(pk=group.pk)
    assert (now.name, members(now), now.power_tenant) == ("Renamed", ["Other Rental"], ours.tenant)
    tenant_group_update(group=group, power_tenant=None)
    now = TenantGroup.objects.get(pk=group.pk)
    assert (now.name, members(now), now.power_tenant) == ("Renamed", ["Other Rental"], None)


def test_the_history_tells_who_changed_the_members(ours: House, outsider: House) -> None:
    group = tenant_group_create(name="Both", members=[ours.tenant], by=ours.global_admin)
    assert recorded(group) == (ours.global_admin, {ours.tenant.pk})
    tenant_group_update(group=group, members=[outsider.tenant], by=outsider.global_admin)
    assert recorded(group) == (outsider.global_admin, {outsider.tenant.pk})


def test_a_change_to_what_is_already_so_leaves_no_record(ours: House, outsider: House, group: TenantGroup) -> None:
    before = TenantGroup.history.filter(id=group.pk).count()
    tenant_group_update(
        group=group, name="Both", members=[outsider.tenant, ours.tenant], power_tenant=ours.tenant, by=ours.global_admin
    )
    assert TenantGroup.history.filter(id=group.pk).count() == before


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
def test_a_name_that_is_none_is_refused_and_nothing_changes(ours: House, group: TenantGroup, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        tenant_group_create(name=name)
    assert "name" in refused.value.fields
    with pytest.raises(Invalid):
        tenant_group_update(group=group, name=name, members=[])
    assert (TenantGroup.objects.get().name, len(members(group))) == ("Both", 2)


def test_a_name_is_taken_once(ours: House, group: TenantGroup) -> None:
    with pytest.raises(Conflict):
        tenant_group_create(name="Both")
    other = tenant_group_create(name="Other")
    with pytest.raises(Conflict):
        tenant_group_update(group=other, name="Both", members=[ours.tenant])
    assert members(other) == []


def test_a_power_tenant_reaches_the_members_of_its_groups(ours: House, outsider: House, group: TenantGroup) -> None:
    third = Tenant.objects.create(name="Third")
    tenant_group_create(name="More", members=[third], power_tenant=ours.tenant)
    assert acting_reach(ours.tenant) == Reach.only(ours.tenant.pk, outsider.tenant.pk, third.pk)
    assert acting_reach(outsider.tenant) == Reach.only(outsider.tenant.pk)
    assert acting_reach(third) == Reach.only(third.pk)


def test_power_ends_with_membership_with_the_power_itself_and_with_the_members_activity(
    ours: House, outsider: House, group: TenantGroup
) -> None:
    alone = Reach.only(ours.tenant.pk)
    Tenant.objects.filter(pk=outsider.tenant.pk).update(is_active=False)
    assert acting_reach(ours.tenant) == alone
    Tenant.objects.filter(pk=outsider.tenant.pk).update(is_active=True)
    assert acting_reach(ours.tenant) != alone
    tenant_group_update(group=group, members=[ours.tenant])
    assert acting_reach(ours.tenant) == alone
    tenant_group_update(group=group, members=[outsider.tenant], power_tenant=outsider.tenant)
    assert acting_reach(ours.tenant) == alone


def test_power_is_not_handed_on(ours: House, outsider: House, group: TenantGroup) -> None:
    third = Tenant.objects.create(name="Third")
    tenant_group_create(name="Next", members=[third], power_tenant=outsider.tenant)
    assert not acting_reach(ours.tenant).covers(third.pk)


def test_the_reach_of_a_power_tenant_is_one_query(
    ours: House, group: TenantGroup, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        acting_reach(ours.tenant)


def test_a_group_is_known_to_its_members_and_its_power_tenant(ours: House, outsider: House, group: TenantGroup) -> None:
    third = Tenant.objects.create(name="Third")
    tenant_group_update(group=group, members=[outsider.tenant, ours.tenant])
    powered = tenant_group_create(name="A", members=[outsider.tenant], power_tenant=third)

    def known(*tenants: Tenant) -> list[TenantGroup]:
        return list(tenant_groups_within(Reach.some(tenant.pk for tenant in tenants)))

    assert known(ours.tenant) == [group]
    assert known(third) == [powered]
    assert known(ours.tenant, outsider.tenant) == [powered, group]
    assert known() == []
    assert list(tenant_groups_within(Reach.every())) == [powered, group]
