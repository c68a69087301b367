"""People: logging in, reach, roles and groups."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tenants.errors import Conflict, Invalid, NotAuthenticated, NotFound
from tenants.models import ANNOTATOR, GLOBAL_ADMIN, GROUPS, REVIEWER, Membership, Role, Tenant, User
from tenants.scope import Reach
from tenants.services.people import (
    global_admins,
    group_assign,
    group_unassign,
    is_global_admin,
    membership_remove,
    membership_set,
    memberships_assign,
    memberships_unassign,
    reach_of,
    user_authenticate,
    user_groups,
    working_tenant,
)
from tests import factories
from tests.factories import PASSWORD, House


def request(address: str = "198.51.100.7") -> HttpRequest:
    return RequestFactory().post("/core/v1/auth/login", REMOTE_ADDR=address)


def log_in(username: str, password: str = PASSWORD, **extra: Any) -> User:
    return user_authenticate(request=request(**extra), username=username, password=password)


# --- logging in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", ["{}", " {} ", "00{}", "{} "])
def test_a_phone_in_any_spelling_and_the_password_open_the_door(ours: House, spelling: str) -> None:
    phone = ours.staff.phone
    typed = spelling.format(phone.removeprefix("+") if spelling.startswith("00") else phone)
    assert log_in(typed) == ours.staff
    ours.staff.refresh_from_db()
    assert ours.staff.last_login is not None


def test_a_verified_address_opens_the_door_an_unverified_or_shared_one_does_not(ours: House) -> None:
    ours.staff.email = "Sam@example.com"
    ours.staff.save()
    with pytest.raises(NotAuthenticated):
        log_in("sam@example.com")
    ours.staff.email_verified_at = timezone.now()
    ours.staff.save()
    assert log_in("sam@EXAMPLE.com ") == ours.staff
    User.objects.filter(pk=ours.annotator.pk).update(email="sam@example.com", email_verified_at=timezone.now())
    with pytest.raises(NotAuthenticated):
        log_in("sam@example.com")


@pytest.mark.parametrize(
    "username", ["+4799999999", "nobody@example.com", "", "x" * 500, "+47", "ادمن", "\0", "a@\0b.example"]
)
def test_every_refusal_has_the_same_words(ours: House, username: str) -> None:
    with pytest.raises(NotAuthenticated) as wrong_password:
        log_in(ours.staff.phone, "wrong")
    with pytest.raises(NotAuthenticated) as wrong_name:
        log_in(username)
    assert wrong_name.value.message == wrong_password.value.message


@pytest.mark.parametrize("change", [{"is_active": False}, {"deleted_at": timezone.now()}])
def test_who_is_gone_stays_out(ours: House, change: dict[str, Any]) -> None:
    User.objects.filter(pk=ours.staff.pk).update(**change)
    with pytest.raises(NotAuthenticated):
        log_in(ours.staff.phone)


def test_too_many_failures_lock_the_name_in_every_spelling_from_that_address(ours: House, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    for spelling in (ours.staff.phone, f" {ours.staff.phone}", "00" + ours.staff.phone[1:]):
        with pytest.raises(NotAuthenticated):
            log_in(spelling, "wrong")
    with pytest.raises(NotAuthenticated):
        log_in(ours.staff.phone)
    assert log_in(ours.staff.phone, address="198.51.100.8") == ours.staff
    assert log_in(ours.annotator.phone) == ours.annotator


def test_a_success_forgets_the_failures_before_it(ours: House, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    for _ in range(3):
        for _ in range(2):
            with pytest.raises(NotAuthenticated):
                log_in(ours.staff.phone, "wrong")
        assert log_in(ours.staff.phone) == ours.staff


# --- reach -----------------------------------------------------------------------------------------------------------


def test_members_reach_their_tenants_and_global_admins_all(ours: House, outsider: House) -> None:
    assert reach_of(ours.staff) == Reach.only(ours.tenant.id)
    assert reach_of(ours.staff, ours.tenant) == Reach.only(ours.tenant.id)
    assert reach_of(ours.staff, outsider.tenant) == Reach.some(())
    assert reach_of(ours.global_admin, outsider.tenant) == Reach.every()
    membership_set(user=ours.staff, tenant=outsider.tenant, role=Role.USER)
    assert reach_of(ours.staff) == Reach.only(ours.tenant.id, outsider.tenant.id)
    assert reach_of(ours.staff, outsider.tenant) == Reach.only(outsider.tenant.id)


def test_nobody_reaches_an_inactive_tenant_or_from_beyond(ours: House) -> None:
    Tenant.objects.filter(pk=ours.tenant.pk).update(is_active=False)
    assert reach_of(ours.staff) == Reach.some(())
    for change in ({"is_active": False}, {"is_active": True, "deleted_at": timezone.now()}):
        for pk in (ours.staff.pk, ours.global_admin.pk):
            User.objects.filter(pk=pk).update(**change)
            assert reach_of(User.objects.get(pk=pk)) == Reach.some(())
            assert not is_global_admin(User.objects.get(pk=pk))


def test_a_superuser_is_a_global_admin(ours: House) -> None:
    assert is_global_admin(User.objects.create_superuser("+4740000001", PASSWORD))
    assert is_global_admin(ours.global_admin)
    assert not is_global_admin(ours.tenant_admin)


def test_reach_costs_two_queries_at_most(ours: House, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_max_num_queries(2):
        reach_of(ours.staff)


# --- memberships -----------------------------------------------------------------------------------------------------


def test_a_role_is_changed_in_place_and_the_history_says_by_whom(ours: House) -> None:
    before = ours.staff.memberships.get()
    after = membership_set(user=ours.staff, tenant=ours.tenant, role=Role.ADMIN_TENANT, by=ours.tenant_admin)
    assert (after.pk, after.role) == (before.pk, Role.ADMIN_TENANT)
    newest = after.history.first()
    assert newest is not None
    assert (newest.role, newest.history_user) == (Role.ADMIN_TENANT, ours.tenant_admin)
    membership_set(user=ours.staff, tenant=ours.tenant, role=Role.ADMIN_TENANT)
    assert after.history.count() == 2


def test_an_unknown_role_is_refused(ours: House) -> None:
    with pytest.raises(Invalid) as refused:
        membership_set(user=ours.staff, tenant=ours.tenant, role="EMPEROR")
    assert "role" in refused.value.fields


def test_leaving_a_tenant_moves_on_to_another_or_to_none(ours: House, outsider: House) -> None:
    membership_set(user=ours.staff, tenant=outsider.tenant, role=Role.USER)
    membership_remove(user=ours.staff, tenant=ours.tenant, by=ours.tenant_admin)
    ours.staff.refresh_from_db()
    assert ours.staff.current_tenant == outsider.tenant
    membership_remove(user=ours.staff, tenant=outsider.tenant)
    assert User.objects.get(pk=ours.staff.pk).current_tenant is None
    removed = Membership.history.filter(user=ours.staff, history_type="-").order_by("history_date").first()
    assert removed is not None
    assert removed.history_user == ours.tenant_admin
    with pytest.raises(NotFound):
        membership_remove(user=ours.staff, tenant=ours.tenant)


def test_the_first_tenant_becomes_the_current_one(ours: House) -> None:
    person = User.objects.create_user("+4740000002", PASSWORD)
    membership_set(user=person, tenant=ours.tenant, role=Role.USER)
    person.refresh_from_db()
    assert person.current_tenant == ours.tenant


def test_several_tenants_are_joined_and_left_all_or_none(ours: House, outsider: House) -> None:
    person = User.objects.create_user("+4740000004", PASSWORD)
    both = {ours.tenant: Role.USER, outsider.tenant: Role.ADMIN_TENANT}

    def roles() -> dict[Tenant, str]:
        return {row.tenant: row.role for row in User.objects.get(pk=person.pk).memberships.select_related("tenant")}

    with pytest.raises(Invalid):
        memberships_assign(user=person, roles=both | {outsider.tenant: "EMPEROR"})
    assert roles() == {}
    memberships_assign(user=person, roles=both, by=ours.global_admin)
    assert roles() == both
    third = Tenant.objects.create(name="Third")
    with pytest.raises(NotFound):
        memberships_unassign(user=person, tenants=[ours.tenant, third])
    assert roles() == both
    memberships_unassign(user=person, tenants=both, by=ours.tenant_admin)
    assert roles() == {}
    removed = Membership.history.filter(user=person, history_type="-")
    assert {row.history_user for row in removed} == {ours.tenant_admin}


def test_the_history_says_who_moved_somebody_to_another_tenant(ours: House, outsider: House) -> None:
    membership_set(user=ours.staff, tenant=outsider.tenant, role=Role.USER)
    membership_remove(user=ours.staff, tenant=ours.tenant, by=ours.tenant_admin)
    newest = ours.staff.history.first()
    assert newest is not None
    assert (newest.current_tenant, newest.history_user) == (outsider.tenant, ours.tenant_admin)


@pytest.mark.django_db(transaction=True)
def test_two_who_add_the_same_member_at_once_make_one_membership() -> None:
    crowded = factories.house("Crowded Rental")
    person = User.objects.create_user("+4740000005", PASSWORD)

    def add(role: str) -> None:
        try:
            membership_set(user=User.objects.get(pk=person.pk), tenant=crowded.tenant, role=role)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, [Role.USER, Role.ADMIN_TENANT] * 2))
    assert person.memberships.count() == 1


# --- the tenant worked in --------------------------------------------------------------------------------------------


def test_the_wished_tenant_counts_before_the_current_and_the_first(ours: House, outsider: House) -> None:
    third = Tenant.objects.create(name="Third")
    for tenant in (outsider.tenant, third):
        membership_set(user=ours.staff, tenant=tenant, role=Role.USER)
    assert working_tenant(ours.staff, third) == third
    assert working_tenant(ours.staff) == ours.tenant
    Tenant.objects.filter(pk=ours.tenant.pk).update(is_active=False)
    person = User.objects.get(pk=ours.staff.pk)
    assert working_tenant(person) == outsider.tenant
    membership_remove(user=person, tenant=third)
    assert working_tenant(person, third) == outsider.tenant


def test_a_global_admin_may_work_in_every_active_tenant(ours: House, outsider: House) -> None:
    assert working_tenant(ours.global_admin, outsider.tenant) == outsider.tenant
    Tenant.objects.filter(pk=outsider.tenant.pk).update(is_active=False)
    assert working_tenant(ours.global_admin, Tenant.objects.get(pk=outsider.tenant.pk)) == ours.tenant


# --- groups ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", GROUPS)
def test_joining_and_leaving_a_group(ours: House, group: str) -> None:
    person = User.objects.create_user("+4740000003", PASSWORD)
    group_assign(user=person, group=group, by=ours.global_admin)
    assert user_groups(person) == {group}
    assert person.is_staff
    group_unassign(user=person, group=group, by=ours.global_admin)
    assert user_groups(person) == frozenset()
    reasons = person.history.filter(history_user=ours.global_admin).values_list("history_change_reason", flat=True)
    assert set(reasons) == {f"joined {group}", f"left {group}"}


def test_an_unknown_group_is_refused(ours: House) -> None:
    for change in (group_assign, group_unassign):
        with pytest.raises(Invalid):
            change(user=ours.staff, group="isAnnotator")


@pytest.mark.parametrize("change", [group_assign, group_unassign])
def test_the_same_change_again_leaves_no_record(ours: House, change: Callable[..., None]) -> None:
    change(user=ours.staff, group=REVIEWER, by=ours.global_admin)
    before = ours.staff.history.count()
    change(user=ours.staff, group=REVIEWER, by=ours.global_admin)
    assert ours.staff.history.count() == before


def test_the_last_global_admin_cannot_leave(ours: House, outsider: House) -> None:
    group_unassign(user=outsider.global_admin, group=GLOBAL_ADMIN)
    with pytest.raises(Conflict):
        group_unassign(user=ours.global_admin, group=GLOBAL_ADMIN)
    assert list(global_admins()) == [ours.global_admin]
    User.objects.filter(pk=ours.staff.pk).update(is_superuser=True)
    group_unassign(user=ours.global_admin, group=GLOBAL_ADMIN)
    assert list(global_admins()) == [ours.staff]


def test_a_superuser_stays_a_global_admin_without_the_group(ours: House) -> None:
    User.objects.filter(pk=ours.global_admin.pk).update(is_superuser=True)
    last = User.objects.get(pk=ours.global_admin.pk)
    group_unassign(user=last, group=GLOBAL_ADMIN)
    assert is_global_admin(last)


@pytest.mark.django_db(transaction=True)
def test_of_two_global_admins_who_leave_at_once_one_stays() -> None:
    pair = [factories.house(name).global_admin for name in ("Left Rental", "Right Rental")]

    def leave(person: User) -> bool:
        try:
            group_unassign(user=User.objects.get(pk=person.pk), group=GLOBAL_ADMIN)
        except Conflict:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(leave, pair)) == [False, True]
    assert global_admins().count() == 1


def test_a_person_may_be_in_several_groups(ours: House) -> None:
    for group in (ANNOTATOR, REVIEWER, GLOBAL_ADMIN):
        group_assign(user=ours.staff, group=group)
    assert user_groups(ours.staff) == set(GROUPS)


def test_the_admins_login_page_counts_and_locks_in_the_same_way(
    ours: House, client: Client, settings: Settings
) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    page = reverse("admin:login")
    for spelling in (ours.staff.phone, f" {ours.staff.phone}", "00" + ours.staff.phone[1:]):
        client.post(page, {"username": spelling, "password": "wrong"})
    assert client.post(page, {"username": ours.staff.phone, "password": PASSWORD}).status_code == 429
    assert client.post(page, {"username": ours.annotator.phone, "password": PASSWORD}).status_code == 302
    with pytest.raises(NotAuthenticated):
        log_in(ours.staff.phone, address="127.0.0.1")
