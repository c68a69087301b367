"""Tenants, their settings and members: W19 to W25."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from tenants.models import ANNOTATOR, Family, Membership, Role, Tenant, TenantSettings, User
from tenants.services.people import group_assign, membership_set
from tenants.services.settings import tenant_create, tenant_settings_present
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import golden

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
TENANTS = "/core/v1/auth/tenants"
ASSIGN, UNASSIGN, USERS = f"{TENANTS}/assign", f"{TENANTS}/unassign", f"{TENANTS}/users"
#: Method and path of each way to change who belongs to a tenant.
WAYS = [("post", ASSIGN), ("post", UNASSIGN), ("delete", UNASSIGN)]


def call(client: Client, method: str, path: str, body: Any, headers: Headers) -> Any:
    return getattr(client, method)(path, body, content_type="application/json", headers=headers)


def vendors_tenant(pk: str, name: str) -> Tenant:
    """A tenant as in the vendor's sample, with settings."""
    tenant = Tenant.objects.create(id=UUID(pk), name=name)
    TenantSettings.objects.create(tenant=tenant)
    return tenant


# --- the list, and new ones ------------------------------------------------------------------------------------------


def test_list_is_the_golden_json(client: Client, ours: factories.House, bearer: Bearer) -> None:
    tenant_create(name="Another Rental")
    vendors_tenant("79d9e895-b96c-4574-a059-f8cb7ea0fc57", "Tenant B")
    vendors_tenant("594302d9-f090-4dce-b7ad-66043c9ae000", "Tenant A")
    response = client.get(TENANTS, {"limit": "2", "page": "2"}, headers=bearer(ours.global_admin))
    assert (response.status_code, response.json()) == (200, golden("tenants"))


def test_a_list_of_many_costs_as_many_queries_as_one_of_few(
    client: Client, ours: factories.House, bearer: Bearer, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    headers = bearer(ours.global_admin)
    with CaptureQueriesContext(connection) as few:
        client.get(TENANTS, headers=headers)
    Tenant.objects.bulk_create(Tenant(name=f"Tenant {number}") for number in range(120))
    with django_assert_num_queries(len(few)):
        body = client.get(TENANTS, {"limit": "500"}, headers=headers).json()
    assert (len(body["data"]["items"]), body["meta"]["totalItems"]) == (100, 121)
    assert client.get(TENANTS, {"page": "99"}, headers=headers).json()["data"] == {"items": []}


def test_a_tenant_is_created_with_settings(client: Client, ours: factories.House, bearer: Bearer) -> None:
    headers = bearer(ours.global_admin)
    response = call(client, "post", TENANTS, {"name": " Tenant C "}, headers)
    assert (response.status_code, response.json()) == (200, golden("tenant_created"))
    made = Tenant.objects.get(name="Tenant C")
    assert client.get(f"{TENANTS}/{made.pk}", headers=headers).json()["data"]["settings"]["expiryAfter"] == 0
    newest = made.history.first()
    assert newest is not None
    assert newest.history_user == ours.global_admin
    taken = call(client, "post", TENANTS, {"name": "Tenant C"}, headers)
    assert (taken.status_code, taken.json()["message"]) == (409, "A tenant with this name exists already.")


@pytest.mark.parametrize("name", ["", "  ", None, "x" * 201, "a\0b", "\ud800", ["x"], {"a": 1}, True])
def test_a_name_that_is_none_is_named(client: Client, ours: factories.House, bearer: Bearer, name: Any) -> None:
    response = call(client, "post", TENANTS, json.dumps({"name": name}), bearer(ours.global_admin))
    assert (response.status_code, list(response.json()["errors"])) == (400, ["name"])
    assert Tenant.objects.count() == 1


def test_only_global_admins_list_and_create(client: Client, ours: factories.House, bearer: Bearer) -> None:
    for person in (ours.tenant_admin, ours.annotator, ours.staff):
        assert client.get(TENANTS, headers=bearer(person)).status_code == 403
        assert call(client, "post", TENANTS, {}, bearer(person)).status_code == 403
    assert client.get(TENANTS).status_code == 401


# --- one tenant, and its settings ------------------------------------------------------------------------------------


def test_a_tenant_is_the_golden_json(client: Client, ours: factories.House, bearer: Bearer) -> None:
    tenant = vendors_tenant("71fdd0e3-b5fc-4148-afd6-c07ca800dd74", "germany-testing")
    factories.settings(
        tenant, expiryAfter=42, isHandicapped=True, turnaroundConfiguration={"isEnabled": True, "threshold": 14400}
    )
    response = client.get(f"{TENANTS}/{tenant.pk}", headers=bearer(ours.global_admin))
    assert (response.status_code, response.json()) == (200, golden("tenant"))


def test_every_member_sees_their_tenants_also_while_they_work_in_another(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    path = f"{TENANTS}/{outsider.tenant.pk}"
    assert client.get(path, headers=bearer(ours.staff)).status_code == 404
    membership_set(user=ours.staff, tenant=outsider.tenant, role=Role.USER)
    assert client.get(path, headers=bearer(ours.staff)).json()["data"]["name"] == "Other Rental"
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.USER)
    # A key acts in its own tenant alone.
    assert client.get(path, headers={"x-api-key": ours.keys[Family.CORE]}).status_code == 404
    Tenant.objects.filter(pk=outsider.tenant.pk).update(is_active=False)
    assert client.get(path, headers=bearer(ours.staff)).status_code == 404


def settings_of(tenant: Tenant) -> dict[str, Any]:
    return tenant_settings_present(Tenant.objects.get(pk=tenant.pk))


def patch(client: Client, tenant: Tenant, body: Any, headers: Headers) -> Any:
    return call(client, "patch", f"{TENANTS}/{tenant.pk}", body, headers)


def test_the_vendors_sample_changes_the_settings(client: Client, ours: factories.House, bearer: Bearer) -> None:
    changes = {
        "damageDetectionServiceEnabled": True, "expiryAfter": 42,
        "faceblurServiceEnabled": dict.fromkeys(settings_of(ours.tenant)["faceblurServiceEnabled"], False),
        "isHandicapped": False, "manualAnnotationEnabled": True, "manualReviewEnabled": False,
        "minDamagesForManualProcessing": 5, "newDamageNotification": True,
        "turnaroundConfiguration": {"isEnabled": True, "threshold": 14400},
    }  # fmt: skip
    limits = settings_of(ours.tenant)["maxFramesForCameras"]
    response = patch(client, ours.tenant, {"settings": changes}, bearer(ours.tenant_admin))
    assert (response.status_code, response.json()) == (200, golden("updated"))
    assert settings_of(ours.tenant) == changes | {"maxFramesForCameras": limits}
    newest = TenantSettings.history.filter(tenant=ours.tenant).first()
    assert newest is not None
    assert newest.history_user == ours.tenant_admin


def test_what_is_ours_may_be_changed_too(client: Client, ours: factories.House, bearer: Bearer) -> None:
    changes = {"publishResult": "afterReview", "timeZone": "Europe/Oslo", "maxFramesForCameras": {"topLeft": 8}}
    assert patch(client, ours.tenant, {"settings": changes}, bearer(ours.tenant_admin)).status_code == 200
    row = TenantSettings.objects.get(tenant=ours.tenant)
    assert (row.publish_result, row.time_zone, row.max_frames_for_cameras["topLeft"]) == (
        "afterReview", "Europe/Oslo", 8,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"nonsense": 1}, ["nonsense"]),
        ({"expiryAfter": -1}, ["expiryAfter"]),
        ({"expiryAfter": 10**30}, ["expiryAfter"]),
        ({"expiryAfter": "42"}, ["expiryAfter"]),
        ({"expiryAfter": None}, ["expiryAfter"]),
        ({"manualReviewEnabled": "yes"}, ["manualReviewEnabled"]),
        ({"faceblurServiceEnabled": {"noseLeft": True}}, ["faceblurServiceEnabled.noseLeft"]),
        ({"faceblurServiceEnabled": True}, ["faceblurServiceEnabled"]),
        ({"maxFramesForCameras": {"backLeft": 1}}, ["maxFramesForCameras.backLeft"]),
        ({"turnaroundConfiguration": {"threshold": -1, "x": 1}}, [
            "turnaroundConfiguration.threshold", "turnaroundConfiguration.x",
        ]),
        ({"turnaroundConfiguration": []}, ["turnaroundConfiguration"]),
        ({"rate": {"instavid360": 9}}, ["rate.instavid360"]),
        ({"window.inspektlabs": "open"}, ["window.inspektlabs"]),
        ({"quota.inspektlabs": 9}, ["quota.inspektlabs"]),
        ({"timeZone": "Europe/\0"}, ["timeZone"]),
        ({"publishResult": "\ud800"}, ["publishResult"]),
        ({"\ud800": 1, "expiryAfter": -1}, ["\\ud800", "expiryAfter"]),
        ({"a": {"b": {"c": {"d": {}}}}}, ["a.b.c"]),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named_and_nothing_of_the_request_is_stored(
    client: Client, ours: factories.House, bearer: Bearer, changes: dict[str, Any], fields: list[str]
) -> None:
    before = settings_of(ours.tenant)
    body = json.dumps({"settings": {"isHandicapped": True} | changes})
    response = patch(client, ours.tenant, body, bearer(ours.tenant_admin))
    assert (response.status_code, list(response.json()["errors"])) == (400, fields)
    assert settings_of(ours.tenant) == before


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["settings"]),
        ({"settings": None}, ["settings"]),
        ({"settings": []}, ["settings"]),
        ({"settings": "x"}, ["settings"]),
        ({"settings": {}, "name": "New"}, ["name"]),
        ({"settings": {}, "\ud800": 1}, ["\\ud800"]),
        ({"expiryAfter": 1}, ["settings"]),
    ],
)
def test_settings_and_nothing_else_is_changed(
    client: Client, ours: factories.House, bearer: Bearer, body: dict[str, Any], fields: list[str]
) -> None:
    response = patch(client, ours.tenant, json.dumps(body), bearer(ours.tenant_admin))
    assert (response.status_code, list(response.json()["errors"])) == (400, fields)


@pytest.mark.parametrize("body", ["", "[]", "{", "null", '{"settings": ' + '{"a":' * 900 + "1" + "}" * 901])
def test_a_body_that_is_no_such_object_is_no_crash(
    client: Client, ours: factories.House, bearer: Bearer, body: str
) -> None:
    response = patch(client, ours.tenant, body, bearer(ours.tenant_admin))
    assert (response.status_code, response.json()["success"]) == (400, False)


def test_the_role_counts_in_the_tenant_that_changes(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    # The settings are wrong as well: 404 and 403 come before 400.
    wrong = {"settings": {"expiryAfter": -1}}
    for person in (ours.staff, ours.annotator, ours.reviewer):
        assert patch(client, ours.tenant, wrong, bearer(person)).status_code == 403
    assert patch(client, outsider.tenant, wrong, bearer(ours.tenant_admin)).status_code == 404
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.USER)
    assert patch(client, outsider.tenant, wrong, bearer(ours.tenant_admin)).status_code == 403
    membership_set(user=ours.staff, tenant=outsider.tenant, role=Role.ADMIN_TENANT)
    assert patch(client, outsider.tenant, wrong, bearer(ours.staff)).status_code == 400
    assert patch(client, outsider.tenant, wrong, bearer(ours.global_admin)).status_code == 400
    assert patch(client, outsider.tenant, wrong, {}).status_code == 401
    for unknown in (uuid4(), "mine"):
        path = f"{TENANTS}/{unknown}"
        assert call(client, "patch", path, wrong, bearer(ours.global_admin)).status_code == 404
        assert client.get(path, headers=bearer(ours.global_admin)).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_two_who_change_different_settings_at_once_both_succeed(bearer: Bearer) -> None:
    house = factories.house("Busy Rental")
    headers = bearer(house.tenant_admin)
    changes: list[dict[str, Any]] = [
        {"expiryAfter": 7},
        {"isHandicapped": True},
        {"manualReviewEnabled": True},
        {"newDamageNotification": True},
    ]

    def change(wanted: dict[str, Any]) -> int:
        try:
            status: int = patch(Client(), house.tenant, {"settings": wanted}, headers).status_code
            return status
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(change, changes)) == [200] * 4
    shown = settings_of(house.tenant)
    wanted = {key: value for each in changes for key, value in each.items()}
    assert {key: shown[key] for key in wanted} == wanted


# --- who belongs to a tenant -----------------------------------------------------------------------------------------


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
