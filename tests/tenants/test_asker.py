"""Who asks, found in one query, agrees with what the services say one by one."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tenants.asker import asker_find
from tenants.models import ANNOTATOR, GLOBAL_ADMIN, REVIEWER, Role, Tenant, User
from tenants.services.people import group_assign, membership_set, reach_of, user_groups
from tests import factories

pytestmark = pytest.mark.django_db
PEOPLE = ("global_admin", "tenant_admin", "annotator", "reviewer", "staff")


@pytest.mark.parametrize("name", PEOPLE)
def test_one_query_tells_what_the_services_tell(
    ours: factories.House, outsider: factories.House, name: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    person: User = getattr(ours, name)
    for tenant in (ours.tenant, outsider.tenant, None):
        with django_assert_num_queries(1):
            asker = asker_find(person.pk, tenant_id=tenant.pk if tenant else None)
            assert asker is not None
            assert asker.user == person
            assert asker.user.phone == person.phone
            assert asker.tenant == tenant
            assert asker.tenant is None or tenant is None or asker.tenant.name == tenant.name
        assert asker.groups == user_groups(person)
        assert asker.is_global_admin == (name == "global_admin")
        own = tenant == ours.tenant
        assert bool(asker.role) == own
        if own and not asker.is_global_admin:
            assert asker.role == ours.tenant.memberships.get(user=person).role
            assert reach_of(person, tenant).covers(ours.tenant.pk)


def test_every_group_is_told(ours: factories.House) -> None:
    for group in (ANNOTATOR, REVIEWER, GLOBAL_ADMIN):
        group_assign(user=ours.staff, group=group)
    asker = asker_find(ours.staff.pk, tenant_id=None)
    assert asker is not None
    assert asker.groups == {ANNOTATOR, REVIEWER, GLOBAL_ADMIN}


def test_a_role_is_that_of_the_tenant_asked_for(ours: factories.House, outsider: factories.House) -> None:
    membership_set(user=ours.staff, tenant=outsider.tenant, role=Role.ADMIN_TENANT)
    roles = [asker_find(ours.staff.pk, tenant_id=house.tenant.pk) for house in (ours, outsider)]
    assert [asker and asker.role for asker in roles] == [Role.USER, Role.ADMIN_TENANT]


def test_superusers_are_global_admins() -> None:
    root = User.objects.create_superuser("+4740000009", None)
    asker = asker_find(root.pk, tenant_id=None)
    assert asker is not None
    assert asker.is_global_admin


@pytest.mark.parametrize("change", [{"is_active": False}, {"deleted_at": timezone.now()}])
def test_the_gone_do_not_ask(ours: factories.House, change: dict[str, object]) -> None:
    User.objects.filter(pk=ours.staff.pk).update(**change)
    assert asker_find(ours.staff.pk, tenant_id=ours.tenant.pk) is None
    assert asker_find(uuid4(), tenant_id=ours.tenant.pk) is None


def test_an_inactive_tenant_is_none(ours: factories.House) -> None:
    Tenant.objects.filter(pk=ours.tenant.pk).update(is_active=False)
    asker = asker_find(ours.staff.pk, tenant_id=ours.tenant.pk)
    assert asker is not None
    assert (asker.tenant, asker.role) == (None, "")


def test_the_tenants_times_are_read_when_they_are_wanted(ours: factories.House) -> None:
    asker = asker_find(ours.staff.pk, tenant_id=ours.tenant.pk)
    assert asker is not None
    assert asker.tenant is not None
    assert asker.tenant.created_at == ours.tenant.created_at
    assert asker.tenant.settings == ours.tenant.settings
