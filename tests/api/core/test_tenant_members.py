"""Who belongs to a tenant: W21 to W23."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from tenants.models import ANNOTATOR, Membership, Role, Tenant, User
from tenants.services.people import group_assign, membership_set
from tests import factories
from tests.api.core.conftest import golden
from tests.api.core.tenants import TENANTS, Bearer, call, vendors_tenant

pytestmark = pytest.mark.django_db
ASSIGN, UNASSIGN, USERS = f"{TENANTS}/assign", f"{TENANTS}/unassign", f"{TENANTS}/users"
#: Method and path of each way to change who belongs to a tenant.
WAYS = [("post", ASSIGN), ("post", UNASSIGN), ("delete", UNASSIGN)]


def belonging(user: User | str, *tenants: tuple[Tenant, Any]) -> dict[str, Any]:
    items = [{"tenantId": str(tenant.pk), "role": role} for tenant, role in tenants]
    return {"user": str(user.pk) if isinstance(user, User) else user, "tenants": items}


@pytest.fixture
def vendors(ours: factories.House) -> tuple[User, Tenant]:
    """The person and the tenant of the vendor's sample."""
    tenant = vendors_tenant("0f8ca2a0-ce75-4015-b65a-d731f5b791d1", "Tenant name")
    factories.settings(tenant, manualAnnotationEnabled=True)
    person = User.objects.create_user("+4740000009", "x", id=UUID("533c1e58-27ed-461b-8ccd-982eb6ca71b8"))
    return person, tenant


def test_assigning_and_unassigning_are_the_golden_json(
    client: Client, ours: factories.House, vendors: tuple[User, Tenant], bearer: Bearer
) -> None:
    person, tenant = vendors
    headers = bearer(ours.global_admin)
    joined = call(client, "post", ASSIGN, belonging(person, (tenant, "USER")), headers)
    assert (joined.status_code, joined.json()) == (200, golden("memberships"))
    for method in ("post", "delete"):
        call(client, "post", ASSIGN, belonging(person, (ours.tenant, "USER")), headers)
        left = call(client, method, UNASSIGN, belonging(person, (ours.tenant, "USER")), headers)
        assert (left.status_code, left.json()) == (200, golden("memberships"))


def test_people_of_several_tenants_are_the_golden_json(
    client: Client, ours: factories.House, vendors: tuple[User, Tenant], bearer: Bearer
) -> None:
    person, tenant = vendors
    Tenant.objects.filter(pk=tenant.pk).update(name="Witek's Garage")
    membership_set(user=person, tenant=tenant, role=Role.ADMIN_TENANT)
    group_assign(user=person, group=ANNOTATOR)
    response = client.get(USERS, {"users": f"{person.pk},{uuid4()}"}, headers=bearer(ours.global_admin))
    assert (response.status_code, response.json()) == (200, golden("people_memberships"))


def test_a_tenant_admin_changes_a_role_and_the_history_says_who(
    client: Client, ours: factories.House, bearer: Bearer
) -> None:
    body = belonging(ours.staff, (ours.tenant, "ADMIN_TENANT"))
    answer = call(client, "post", ASSIGN, body, bearer(ours.tenant_admin)).json()
    assert answer["data"][str(ours.staff.pk)]["tenants"][str(ours.tenant.pk)]["role"] == "ADMIN_TENANT"
    newest = ours.staff.memberships.get().history.first()
    assert newest is not None
    assert (newest.role, newest.history_user) == (Role.ADMIN_TENANT, ours.tenant_admin)


@pytest.mark.parametrize("way", WAYS)
def test_all_tenants_have_to_be_administered(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer, way: tuple[str, str]
) -> None:
    both = belonging(ours.staff, (ours.tenant, "USER"), (outsider.tenant, "USER"))
    membership_set(user=ours.staff, tenant=outsider.tenant, role=Role.ADMIN_TENANT)
    asker = ours.tenant_admin
    for role, status in ((None, 404), (Role.USER, 403), (Role.ADMIN_TENANT, 200)):
        if role is not None:
            membership_set(user=asker, tenant=outsider.tenant, role=role)
        assert call(client, *way, both, bearer(asker)).status_code == status


@pytest.mark.parametrize("way", WAYS)
def test_plain_members_and_strangers_assign_nobody(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer, way: tuple[str, str]
) -> None:
    # The role is wrong as well: 404 and 403 come before 400.
    body = belonging(ours.staff, (ours.tenant, "EMPEROR"))
    for person in (ours.staff, ours.annotator, ours.reviewer):
        assert call(client, *way, body, bearer(person)).status_code == 403
        assert call(client, *way, {}, bearer(person)).status_code == 403
    assert call(client, *way, body, bearer(outsider.tenant_admin)).status_code == 404
    assert call(client, *way, body, {}).status_code == 401
    for unseen in (belonging(outsider.staff, (ours.tenant, "USER")), belonging(ours.staff, (outsider.tenant, "USER"))):
        assert call(client, *way, unseen, bearer(ours.tenant_admin)).status_code == 404
    for unknown in (belonging(str(uuid4()), (ours.tenant, "USER")), belonging(ours.staff, (Tenant(), "USER"))):
        assert call(client, *way, unknown, bearer(ours.global_admin)).status_code == 404


def items(count: int) -> list[dict[str, str]]:
    return [{"tenantId": str(uuid4()), "role": "USER"} for _ in range(count)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"user": None}, "user"),
        ({"user": "me"}, "user"),
        ({"user": ["x"]}, "user"),
        ({"tenants": None}, "tenants"),
        ({"tenants": []}, "tenants"),
        ({"tenants": {}}, "tenants"),
        ({"tenants": "all"}, "tenants"),
        ({"tenants": ["x"]}, "tenants.0"),
        ({"tenants": [None]}, "tenants.0"),
        ({"tenants": [{}]}, "tenants.0.tenantId"),
        ({"tenants": [{"tenantId": "a\0", "role": "USER"}]}, "tenants.0.tenantId"),
        ({"tenants": items(101)}, "tenants"),
    ],
)
def test_what_is_wrong_is_named(
    client: Client, ours: factories.House, bearer: Bearer, way: tuple[str, str], changes: dict[str, Any], field: str
) -> None:
    body = belonging(ours.staff, (ours.tenant, "USER")) | changes
    response = call(client, *way, body, bearer(ours.tenant_admin))
    assert response.status_code == 400
    assert field in {name.removesuffix(".non_field_errors") for name in response.json()["errors"]}
    assert ours.staff.memberships.get().role == Role.USER


@pytest.mark.parametrize("role", ["EMPEROR", "user", None, "", ["USER"], 1, "\ud800", "x" * 5000, {}])
def test_a_role_is_needed_to_join_and_ignored_to_leave(
    client: Client, ours: factories.House, bearer: Bearer, role: Any
) -> None:
    body = json.dumps(belonging(ours.staff, (ours.tenant, role)))
    refused = call(client, "post", ASSIGN, body, bearer(ours.tenant_admin))
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["tenants.0.role"])
    assert call(client, "post", UNASSIGN, body, bearer(ours.tenant_admin)).status_code == 200


@pytest.mark.parametrize("way", WAYS)
def test_a_tenant_is_named_once(client: Client, ours: factories.House, bearer: Bearer, way: tuple[str, str]) -> None:
    body = belonging(ours.staff, (ours.tenant, "USER"), (ours.tenant, "ADMIN_TENANT"))
    response = call(client, *way, body, bearer(ours.tenant_admin))
    assert (response.status_code, list(response.json()["errors"])) == (400, ["tenants"])


def test_nobody_leaves_when_one_tenant_is_not_theirs(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    body = belonging(ours.staff, (ours.tenant, "USER"), (outsider.tenant, "USER"))
    response = call(client, "post", UNASSIGN, body, bearer(ours.global_admin))
    assert (response.status_code, response.json()["message"]) == (404, "The user is not a member of this tenant.")
    assert ours.staff.memberships.count() == 1


def test_a_live_token_of_a_removed_member_stops(client: Client, ours: factories.House, bearer: Bearer) -> None:
    headers = bearer(ours.staff)
    assert client.get("/core/v1/imageSets", headers=headers).status_code == 200
    body = belonging(ours.staff, (ours.tenant, "USER"))
    assert call(client, "delete", UNASSIGN, body, bearer(ours.tenant_admin)).json()["data"] == {
        str(ours.staff.pk): {"tenants": {}}
    }
    assert client.get("/core/v1/imageSets", headers=headers).status_code == 401


def test_answers_show_the_tenants_that_the_asker_may_know(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    membership_set(user=ours.staff, tenant=outsider.tenant, role=Role.USER)
    own, person = str(ours.tenant.pk), str(ours.staff.pk)

    def seen(asker: User) -> set[str]:
        found = client.get(USERS, {"users": person}, headers=bearer(asker)).json()["data"]
        return set(found[person]["tenants"]) if found else set()

    assert seen(ours.annotator) == {own}
    assert seen(ours.staff) == seen(ours.global_admin) == {own, str(outsider.tenant.pk)}
    assert seen(outsider.staff) == {str(outsider.tenant.pk)}
    changed = call(client, "post", ASSIGN, belonging(ours.staff, (ours.tenant, "USER")), bearer(ours.tenant_admin))
    assert set(changed.json()["data"][person]["tenants"]) == {own}


def test_strangers_and_deleted_people_are_left_out(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    asked = {"users": f"{ours.annotator.pk}, {outsider.staff.pk},{uuid4()},"}
    found = client.get(USERS, asked, headers=bearer(ours.staff)).json()["data"]
    assert found.keys() == {str(ours.annotator.pk)}
    assert found[str(ours.annotator.pk)]["groups"] == ["ANNOTATOR"]
    assert client.get(USERS, asked).status_code == 401


@pytest.mark.parametrize("users", [None, "", " , ", "me", "a\0", ",".join(str(uuid4()) for _ in range(101))])
def test_whom_to_tell_of_is_needed(client: Client, ours: factories.House, bearer: Bearer, users: str | None) -> None:
    response = client.get(USERS, {} if users is None else {"users": users}, headers=bearer(ours.staff))
    assert (response.status_code, list(response.json()["errors"])) == (400, ["users"])


def test_many_people_cost_as_many_queries_as_one(
    client: Client, ours: factories.House, bearer: Bearer, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    headers = bearer(ours.staff)
    with CaptureQueriesContext(connection) as few:
        client.get(USERS, {"users": str(ours.annotator.pk)}, headers=headers)
    # Who asks and their roles; people, their groups, their memberships.
    assert len(few) <= 3 + 2 + 3
    people = User.objects.bulk_create(User(phone=f"+4741{number:06d}") for number in range(60))
    Membership.objects.of(ours.tenant.pk).bulk_create(
        Membership(user=person, tenant=ours.tenant, role=Role.USER) for person in people
    )
    with django_assert_num_queries(len(few)):
        asked = ",".join(str(person.pk) for person in people)
        assert len(client.get(USERS, {"users": asked}, headers=headers).json()["data"]) == 60
