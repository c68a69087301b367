"""Groups of tenants: W16 (list), W17 (create), W18 (change)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from tenants.models import Tenant, TenantGroup, User
from tenants.services.tenant_groups import tenant_group_create
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import golden

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
GROUPS = "/core/v1/auth/tenantGroups"


def post(client: Client, body: Any, headers: Headers) -> Any:
    return client.post(GROUPS, body, content_type="application/json", headers=headers)


def patch(client: Client, group: TenantGroup, body: Any, headers: Headers) -> Any:
    return client.patch(f"{GROUPS}/{group.pk}", body, content_type="application/json", headers=headers)


def shown(client: Client, headers: Headers) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(GROUPS, headers=headers).json()["data"]["items"]
    return items


@pytest.fixture
def group(ours: factories.House, outsider: factories.House) -> TenantGroup:
    """Both tenants, with ours in power."""
    return tenant_group_create(name="Both", members=[ours.tenant, outsider.tenant], power_tenant=ours.tenant)


def test_list_is_the_golden_json(client: Client, ours: factories.House, bearer: Bearer) -> None:
    second = Tenant.objects.create(id=UUID("acf2461b-0160-4d14-b11b-efae4d66c69b"), name="Tenant name 2")
    first = Tenant.objects.create(id=UUID("7c81a5ca-3174-4f10-b3b8-9a857fc5d571"), name="Tenant name")
    for pk, name, members, power in (
        ("79d9e895-b96c-4574-a059-f8cb7ea0fc57", "Tenant Group B", [second], second),
        ("594302d9-f090-4dce-b7ad-66043c9ae000", "Tenant Group A", [second, first], first),
    ):
        TenantGroup.objects.create(id=UUID(pk), name=name, power_tenant=power).members.set(members)
    response = client.get(GROUPS, headers=bearer(ours.global_admin))
    assert (response.status_code, response.json()) == (200, golden("tenant_groups"))


def test_pages(client: Client, ours: factories.House, group: TenantGroup, bearer: Bearer) -> None:
    tenant_group_create(name="Alone")
    headers = bearer(ours.global_admin)
    second = client.get(GROUPS, {"limit": "1", "page": "2"}, headers=headers).json()
    assert [item["name"] for item in second["data"]["items"]] == ["Both"]
    assert second["meta"] == {
        "currentItemsPerPage": 1, "currentPage": 2, "lastPage": 2, "maxPerPage": 100, "totalItems": 2,
    }  # fmt: skip
    assert client.get(GROUPS, {"page": "9"}, headers=headers).json()["data"] == {"items": []}
    for asked in ({"limit": "0"}, {"page": "x"}, {"name": "Both"}):
        assert client.get(GROUPS, asked, headers=headers).status_code == 400


def test_number_of_queries_does_not_grow(
    client: Client, ours: factories.House, bearer: Bearer, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    headers = bearer(ours.global_admin)
    tenants = Tenant.objects.bulk_create(Tenant(name=f"Tenant {number}") for number in range(30))
    tenant_group_create(name="One", members=tenants[:2])
    with CaptureQueriesContext(connection) as few:
        assert len(shown(client, headers)) == 1
    # Who asks; the count, the page and its members.
    assert len(few) <= 3 + 3
    for number in range(9):
        tenant_group_create(name=f"Group {number}", members=tenants)
    with django_assert_num_queries(len(few)):
        assert len(shown(client, headers)) == 10


def test_a_group_is_created_with_each_member_once(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    headers, ids = bearer(ours.global_admin), [str(house.tenant.pk) for house in (ours, outsider)]
    response = post(client, {"name": " New ", "members": [*ids, *ids], "powerTenantId": ids[0]}, headers)
    assert (response.status_code, response.json()) == (200, golden("tenant_group_created"))
    (item,) = shown(client, headers)
    assert (item["name"], item["powerTenantId"]) == ("New", ids[0])
    assert [member["name"] for member in item["members"]] == ["Other Rental", "Our Rental"]
    newest = TenantGroup.history.latest("history_date")
    assert (newest.history_user, newest.members.count()) == (ours.global_admin, 2)


@pytest.mark.parametrize("body", [{"name": "Bare"}, {"name": "Bare", "members": [], "powerTenantId": None}])
def test_a_name_is_enough(client: Client, ours: factories.House, bearer: Bearer, body: dict[str, Any]) -> None:
    headers = bearer(ours.global_admin)
    assert post(client, body, headers).status_code == 200
    (item,) = shown(client, headers)
    assert (item["name"], item["members"], item["powerTenantId"]) == ("Bare", [], None)


def test_a_change_leaves_what_it_does_not_name(
    client: Client, ours: factories.House, outsider: factories.House, group: TenantGroup, bearer: Bearer
) -> None:
    headers, whole = bearer(ours.global_admin), shown(client, bearer(ours.global_admin))[0]
    theirs = {"id": str(outsider.tenant.pk), "name": "Other Rental"}
    for change, expected in (
        ({"name": "Renamed"}, {"name": "Renamed"}),
        ({"members": [theirs["id"]]}, {"members": [theirs]}),
        ({"powerTenantId": theirs["id"]}, {"powerTenantId": theirs["id"]}),
        ({"powerTenantId": None}, {"powerTenantId": None}),
        ({"members": []}, {"members": []}),
    ):
        response = patch(client, group, change, headers)
        assert (response.status_code, response.json()) == (200, golden("updated"))
        whole = whole | expected
        assert shown(client, headers) == [whole]
        assert TenantGroup.history.filter(id=group.pk).latest("history_date").history_user == ours.global_admin


BAD: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": "  "}, "name"),
    ({"name": None}, "name"),
    ({"name": "x" * 201}, "name"),
    ({"name": "a\0b"}, "name"),
    ({"name": "\ud800"}, "name"),
    ({"name": ["x"]}, "name"),
    ({"members": None}, "members"),
    ({"members": "all"}, "members"),
    ({"members": {"a": 1}}, "members"),
    ({"members": ["x"]}, "members.0"),
    ({"members": [None]}, "members.0"),
    ({"members": [str(uuid4())] * 1001}, "members"),
    ({"powerTenantId": "x"}, "powerTenantId"),
    ({"powerTenantId": ["x"]}, "powerTenantId"),
    ({"powerTenantId": "a\0"}, "powerTenantId"),
]


@pytest.mark.parametrize(("body", "field"), BAD)
def test_wrong_values_are_named_and_nothing_is_stored(
    client: Client, ours: factories.House, group: TenantGroup, bearer: Bearer, body: dict[str, Any], field: str
) -> None:
    headers = bearer(ours.global_admin)
    before = shown(client, headers)
    for response in (post(client, {"name": "New"} | body, headers), patch(client, group, body, headers)):
        assert (response.status_code, list(response.json()["errors"])) == (400, [field])
    assert shown(client, headers) == before


@pytest.mark.parametrize("body", [{}, {"title": "x"}])
def test_a_change_of_nothing_is_refused(
    client: Client, ours: factories.House, group: TenantGroup, bearer: Bearer, body: dict[str, Any]
) -> None:
    assert patch(client, group, body, bearer(ours.global_admin)).status_code == 400


def test_a_name_is_taken_once(client: Client, ours: factories.House, group: TenantGroup, bearer: Bearer) -> None:
    headers, other = bearer(ours.global_admin), tenant_group_create(name="Other")
    for response in (post(client, {"name": "Both"}, headers), patch(client, other, {"name": "Both"}, headers)):
        assert response.status_code == 409
        assert response.json()["message"] == "A tenant group with this name exists already."
    assert patch(client, group, {"name": "Both"}, headers).status_code == 200


def test_unknown_tenants_and_groups_are_not_there(
    client: Client, ours: factories.House, group: TenantGroup, bearer: Bearer
) -> None:
    headers, nobody = bearer(ours.global_admin), str(uuid4())
    for body in ({"members": [str(ours.tenant.pk), nobody]}, {"powerTenantId": nobody}):
        # The name is wrong as well: 404 comes before 400.
        for response in (post(client, body | {"name": ""}, headers), patch(client, group, body, headers)):
            assert (response.status_code, response.json()["message"]) == (404, "Tenant not found.")
    for path in (f"{GROUPS}/{nobody}", f"{GROUPS}/x"):
        response = client.patch(path, {"name": "x"}, content_type="application/json", headers=headers)
        assert (response.status_code, response.json()["message"]) == (404, "Tenant group not found.")


def test_only_global_admins_and_strangers_do_not_see_the_group(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    own = tenant_group_create(name="Own", members=[ours.tenant])
    for person in (ours.tenant_admin, ours.annotator, ours.staff):
        assert client.get(GROUPS, headers=bearer(person)).status_code == 403
        assert post(client, {"name": "", "members": [str(ours.tenant.pk)]}, bearer(person)).status_code == 403
        assert post(client, {"name": "", "members": [str(outsider.tenant.pk)]}, bearer(person)).status_code == 404
        assert patch(client, own, {}, bearer(person)).status_code == 403
    assert patch(client, own, {}, bearer(outsider.tenant_admin)).status_code == 404
    assert client.patch(f"{GROUPS}/{own.pk}").status_code == 401
