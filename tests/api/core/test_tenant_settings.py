"""One tenant and its settings: W24 and W25."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from tenants.models import Family, Role, Tenant, TenantSettings
from tenants.services.people import membership_set
from tenants.services.settings import tenant_settings_present
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import golden
from tests.api.core.tenants import TENANTS, Bearer, call, vendors_tenant

pytestmark = pytest.mark.django_db


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
