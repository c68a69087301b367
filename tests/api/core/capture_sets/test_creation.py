"""Capture sets: new ones, W35."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from assets.catalogue import default_lenses
from assets.models import CaptureSet
from assets.services import rigs
from inspection_platform.api.core.docs.capture_sets import GIVEN
from tenants.models import Role
from tenants.services.people import membership_set
from tests import factories
from tests.api.core.capture_sets.sets import names, new, only, unit
from tests.api.core.rigs import SETS, Bearer, Sender, tenant_ids

pytestmark = pytest.mark.django_db


def test_a_set_is_created_with_its_units(ask: Sender, ours: factories.House) -> None:
    sent = {**GIVEN, "countryCode": "no", "pipelineMask": ["cost", "cost"], "lenses": {"lens1": {"focalLength": 12.5}}}
    sent["captureUnits"] = [
        {"side": "left", "tenantIds": [str(ours.tenant.pk)], "balenaId": "b-1"}, {"side": "right"}
    ]  # fmt: skip
    answer = ask(ours.tenant_admin, "post", SETS, sent)
    assert (answer.status_code, answer.json()) == (200, {"success": True, "message": "New capture set created"})
    rig = only(ours.tenant)
    assert (rig.name, rig.label, rig.location, rig.country_code) == ("My first capture set", "return", "Norway", "NO")
    assert (rig.cameras_count, rig.priority, rig.pipeline_mask, rig.is_virtual) == (6, 0, ["cost"], False)
    assert rig.lenses == {**default_lenses(), "lens1": {**default_lenses()["lens1"], "focalLength": 12.5}}
    assert rig.min_license_plate_area == 25000
    assert [unit(rig, side).balena_id for side in ("left", "right")] == ["b-1", ""]
    assert tenant_ids(unit(rig, "left")) == tenant_ids(unit(rig, "right")) == {ours.tenant.pk}
    assert {record.history_user for record in rig.history.all()} == {ours.tenant_admin}
    assert {record.history_user for record in unit(rig, "left").history.all()} == {ours.tenant_admin}


def test_a_virtual_set_has_no_units(ask: Sender, ours: factories.House) -> None:
    path = f"{SETS}?virtual=true"
    answer = ask(ours.tenant_admin, "post", path, new())
    assert (answer.status_code, answer.json()["message"]) == (400, "A virtual capture set has no units.")
    assert answer.json()["errors"] == {"captureUnits": ["A virtual capture set has no units."]}
    for sent in ({"name": "Phone"}, {"name": "Phone", "captureUnits": []}):
        assert ask(ours.tenant_admin, "post", path, sent).status_code == 200
    rows = CaptureSet.objects.of(ours.tenant.pk)
    assert (rows.filter(is_virtual=True, units__isnull=True).count(), rows.count()) == (2, 2)


def test_one_virtual_set_too_many_is_refused(
    ask: Sender, ours: factories.House, outsider: factories.House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rigs, "MAX_VIRTUAL", 2)
    path = f"{SETS}?virtual=true"
    answers = [ask(ours.tenant_admin, "post", path, {"name": f"Phone {number}"}) for number in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 409]
    assert answers[2].json() == {"success": False, "message": "A tenant has at most 2 virtual capture sets."}
    assert ask(ours.tenant_admin, "post", SETS, new()).status_code == 200
    assert ask(outsider.tenant_admin, "post", path, {"name": "Phone"}).status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"), ({"name": "x" * 201}, "name"), ({"name": "a\0b"}, "name"), ({"name": None}, "name"),
        ({"name": ["x"]}, "name"), ({"camerasCount": -1}, "camerasCount"), ({"camerasCount": 40000}, "camerasCount"),
        ({"camerasCount": "many"}, "camerasCount"), ({"countryCode": "N1"}, "countryCode"),
        ({"countryCode": "NORW"}, "countryCode"), ({"label": "exit"}, "label"), ({"label": {}}, "label"),
        ({"location": "x" * 201}, "location"), ({"priority": 2**31}, "priority"), ({"priority": 10**30}, "priority"),
        ({"pipelineMask": ["teleport"]}, "pipelineMask.0"), ({"pipelineMask": "cost"}, "pipelineMask"),
        ({"lenses": []}, "lenses"), ({"lenses": {"lens3": {}}}, "lenses.lens3"),
        ({"lenses": {"lens0": 6}}, "lenses.lens0"),
        ({"lenses": {"lens0": {"focalLength": 0}}}, "lenses.lens0.focalLength"),
        ({"lenses": {"lens0": {"focalLength": "6"}}}, "lenses.lens0.focalLength"),
        ({"lenses": {"lens0": {"sensorSize": True}}}, "lenses.lens0.sensorSize"),
        ({"lenses": {"lens0": {"sensorSize": 10**400}}}, "lenses.lens0.sensorSize"),
        ({"captureUnits": []}, "captureUnits"), ({"captureUnits": "both"}, "captureUnits"),
        ({"captureUnits": [{"side": "left"}] * 2}, "captureUnits"),
        ({"captureUnits": [{"side": "left"}, {"side": "right"}, {"side": "left"}]}, "captureUnits"),
        ({"captureUnits": [{"side": "roof"}]}, "captureUnits.0.side"), ({"captureUnits": [5]}, "captureUnits.0"),
        ({"captureUnits": [{}]}, "captureUnits.0.side"),
        ({"captureUnits": [{"side": "left", "unitId": "x"}]}, "captureUnits.0.unitId"),
        ({"captureUnits": [{"side": "left", "tenantIds": "x"}]}, "captureUnits.0.tenantIds"),
        ({"captureUnits": [{"side": "left", "tenantIds": ["x", {}]}]}, "captureUnits.0.tenantIds.0"),
        ({"captureUnits": [{"side": "left", "balenaId": "x" * 65}]}, "captureUnits.0.balenaId"),
        ({"tenantId": "x"}, "tenantId"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_new_set_is_named(
    ask: Sender, ours: factories.House, changes: dict[str, Any], field: str
) -> None:
    answer = ask(ours.tenant_admin, "post", SETS, new(**changes))
    assert answer.status_code == 400, answer.json()
    assert field in answer.json()["errors"]
    assert not CaptureSet.objects.of(ours.tenant.pk).exists()


@pytest.mark.parametrize("lens", ["1e400", "NaN"])
def test_numbers_without_end_are_refused(client: Client, ours: factories.House, bearer: Bearer, lens: str) -> None:
    body = f'{{"name": "x", "captureUnits": [{{"side": "left"}}], "lenses": {{"lens0": {{"focalLength": {lens}}}}}}}'
    answer = client.post(SETS, body, "application/json", headers=bearer(ours.tenant_admin))
    assert answer.status_code == 400


@pytest.mark.parametrize("body", ["", "[]", "{", "5", '"x"', '{"name": "\\ud800"}'])
def test_a_body_that_is_no_set_is_refused(client: Client, ours: factories.House, bearer: Bearer, body: str) -> None:
    answer = client.post(SETS, body, "application/json", headers=bearer(ours.tenant_admin))
    assert answer.status_code == 400


def test_the_mask_s_wrong_job_is_named(ask: Sender, ours: factories.House) -> None:
    answer = ask(ours.tenant_admin, "post", SETS, new(pipelineMask=["cost", "teleport"]))
    assert answer.json()["errors"] == {"pipelineMask.1": ['"teleport" is not a valid choice.']}


def test_only_admins_create_sets(ask: Sender, ours: factories.House) -> None:
    for person in (ours.staff, ours.annotator, ours.reviewer):
        assert ask(person, "post", SETS, {}).status_code == 403
    for person in (ours.tenant_admin, ours.global_admin):
        assert ask(person, "post", SETS, new()).status_code == 200


def test_a_set_may_be_created_for_another_tenant_that_one_administers(
    ask: Sender, ours: factories.House, outsider: factories.House
) -> None:
    sent = new(tenantId=str(outsider.tenant.pk))
    assert ask(ours.tenant_admin, "post", SETS, sent).status_code == 404
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.USER)
    assert ask(ours.tenant_admin, "post", SETS, sent).status_code == 403
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.ADMIN_TENANT)
    assert ask(ours.tenant_admin, "post", SETS, sent).status_code == 200
    assert only(outsider.tenant).units.count() == 2


def test_a_global_admin_who_works_in_no_tenant_names_one(ask: Sender, ours: factories.House) -> None:
    ours.global_admin.current_tenant = None
    answer = ask(ours.global_admin, "post", SETS, new())
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["tenantId"])
    assert ask(ours.global_admin, "post", SETS, new(tenantId=str(ours.tenant.pk))).status_code == 200
    assert names(ask(ours.global_admin, "get", SETS)) == []


def test_a_unit_records_for_others_only_if_one_administers_them(
    ask: Sender, ours: factories.House, outsider: factories.House
) -> None:
    sent = new(captureUnits=[{"side": "left", "tenantIds": [str(ours.tenant.pk), str(outsider.tenant.pk)]}])
    assert ask(ours.tenant_admin, "post", SETS, sent).json()["message"] == "Tenant not found."
    membership_set(user=ours.tenant_admin, tenant=outsider.tenant, role=Role.USER)
    assert ask(ours.tenant_admin, "post", SETS, sent).status_code == 403
    assert ask(ours.global_admin, "post", SETS, sent).status_code == 200
    assert tenant_ids(unit(only(ours.tenant), "left")) == {ours.tenant.pk, outsider.tenant.pk}


def test_a_repetition_under_its_key_creates_nothing_more(ask: Sender, ours: factories.House) -> None:
    answers = [ask(ours.tenant_admin, "post", SETS, new(), **{"idempotency-key": "k1"}) for _ in range(2)]
    assert [answer.json() for answer in answers] == [{"success": True, "message": "New capture set created"}] * 2
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert CaptureSet.objects.of(ours.tenant.pk).count() == 1
