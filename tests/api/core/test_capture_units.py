"""Capture units of the core family: W39 (list), W40 (detail), W41 (assign), W42 (default tenant), W43 (unassign)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from assets.models import CaptureUnit
from assets.services.rigs import capture_set_delete
from inspection_platform.api.core.docs.capture_units import CAPTURE_UNIT
from tests import factories
from tests.api.core.conftest import golden
from tests.api.core.rigs import NOBODY, UNITS, Bearer, Gate, Sender, build_gate, tenant_ids, virtual

pytestmark = pytest.mark.django_db
#: The count, the page, its tenants, its sets' units.
LIST_QUERIES = 4
WRITES = [("post", "assign"), ("put", "default"), ("post", "unassign")]


@pytest.fixture
def gate(ours: factories.House) -> Gate:
    """The rig of the samples, ours."""
    return build_gate(ours.tenant)


@pytest.fixture
def ask(client: Client, bearer: Bearer) -> Sender:
    """Sends a JSON request as a person."""
    return Sender(client, bearer)


def ids(*tenants: Any) -> dict[str, list[str]]:
    return {"tenants": [str(tenant.pk) for tenant in tenants]}


def fresh(unit: CaptureUnit) -> CaptureUnit:
    unit.refresh_from_db()
    return unit


def test_list_and_detail_are_the_golden_json(ask: Sender, ours: factories.House, gate: Gate) -> None:
    virtual(ours.tenant)
    listed = ask(ours.staff, "get", UNITS).json()
    assert listed == golden("capture_units")
    detail = ask(ours.staff, "get", f"{UNITS}/{gate.right.pk}").json()
    assert detail == golden("capture_unit")
    assert detail["data"].keys() == CAPTURE_UNIT.keys()
    assert listed["data"]["items"][0].keys() == CAPTURE_UNIT.keys() | {"captureSetId", "relatedUnit"}


def test_a_list_costs_the_same_for_two_units_and_for_sixty(ask: Sender, ours: factories.House, gate: Gate) -> None:
    for count in (2, 60):
        assert ask.queries(ours.staff, f"{UNITS}?limit=100") == LIST_QUERIES
        assert len(ask(ours.staff, "get", f"{UNITS}?limit=100").json()["data"]["items"]) == count
        for _ in range(29):
            factories.rig(ours.tenant, open_to=[gate.insurer])


def test_the_list_is_paged(ask: Sender, ours: factories.House, gate: Gate) -> None:
    answer = ask(ours.staff, "get", f"{UNITS}?limit=1&page=2").json()
    assert [item["id"] for item in answer["data"]["items"]] == [str(gate.right.pk)]
    assert answer["meta"]["lastPage"] == 2
    assert ask(ours.staff, "get", f"{UNITS}?page=3").json()["data"] == {"items": []}
    assert ask(ours.staff, "get", f"{UNITS}?page=x").status_code == 400


def test_who_has_a_unit_record_for_them_sees_it_alone(
    ask: Sender, ours: factories.House, outsider: factories.House, gate: Gate
) -> None:
    assert ask(outsider.staff, "get", UNITS).json()["data"] == {"items": []}
    assert ask(outsider.staff, "get", f"{UNITS}/{gate.left.pk}").status_code == 404
    gate.left.tenants.add(outsider.tenant)
    CaptureUnit.objects.of(ours.tenant.pk).update(default_tenant=gate.insurer)
    [item] = ask(outsider.staff, "get", UNITS).json()["data"]["items"]
    theirs = [{"id": str(outsider.tenant.pk), "name": outsider.tenant.name}]
    assert (item["id"], item["tenants"], item["defaultTenant"]) == (str(gate.left.pk), theirs, None)
    assert ask(outsider.staff, "get", f"{UNITS}/{gate.left.pk}").json()["data"]["tenants"] == theirs
    assert ask(outsider.staff, "get", f"{UNITS}/{gate.right.pk}").status_code == 404
    assert len(ask(outsider.global_admin, "get", UNITS).json()["data"]["items"]) == 2


@pytest.mark.parametrize("kind", ["virtual", "deleted"])
def test_units_of_virtual_and_deleted_sets_are_not_there(
    ask: Sender, ours: factories.House, gate: Gate, kind: str
) -> None:
    if kind == "virtual":
        type(gate.rig).objects.of(ours.tenant.pk).update(is_virtual=True)
    else:
        capture_set_delete(capture_set=gate.rig)
    assert ask(ours.global_admin, "get", UNITS).json()["data"] == {"items": []}
    assert ask(ours.global_admin, "get", f"{UNITS}/{gate.left.pk}").status_code == 404
    for method, name in WRITES:
        body = {**ids(gate.insurer), "tenant": None}
        assert ask(ours.global_admin, method, f"{UNITS}/{gate.left.pk}/{name}", body).status_code == 404
    assert tenant_ids(gate.left) == {gate.insurer.pk}


@pytest.mark.parametrize(("method", "name"), WRITES)
def test_tenants_of_units_are_changed_by_global_admins_alone(
    ask: Sender, ours: factories.House, outsider: factories.House, gate: Gate, method: str, name: str
) -> None:
    path = f"{UNITS}/{gate.left.pk}/{name}"
    for person in (outsider.tenant_admin, outsider.staff):
        assert ask(person, method, path, {}).status_code == 404
    for person in (ours.tenant_admin, ours.staff, ours.annotator):
        assert ask(person, method, path, {"tenants": 5}).status_code == 403
        assert ask(person, method, path, {**ids(outsider.tenant), "tenant": str(outsider.tenant.pk)}).status_code == 404
    gate.left.tenants.add(outsider.tenant)
    assert ask(outsider.tenant_admin, method, path, {}).status_code == 403
    for unit_id in (NOBODY, "x"):
        assert ask(ours.global_admin, method, f"{UNITS}/{unit_id}/{name}", {}).status_code == 404


@pytest.mark.parametrize("name", ["assign", "unassign"])
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "tenants"), ({"tenants": []}, "tenants"), ({"tenants": None}, "tenants"), ({"tenants": "x"}, "tenants"),
        ({"tenants": ["x"]}, "tenants.0"), ({"tenants": [None]}, "tenants.0"), ({"tenants": ["a\0"]}, "tenants.0"),
        ({"tenants": [NOBODY] * 1001}, "tenants"),
    ],
)  # fmt: skip
def test_a_wrong_list_of_tenants_is_refused(
    ask: Sender, ours: factories.House, gate: Gate, name: str, body: dict[str, Any], field: str
) -> None:
    answer = ask(ours.global_admin, "post", f"{UNITS}/{gate.left.pk}/{name}", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_tenants_are_assigned(ask: Sender, ours: factories.House, gate: Gate) -> None:
    path = f"{UNITS}/{gate.left.pk}/assign"
    assert ask(ours.global_admin, "post", path, ids(gate.rental)).json() == golden("capture_unit_assigned")
    records = gate.left.history.count()
    assert gate.left.history.latest().history_user == ours.global_admin
    assert {row.tenant for row in gate.left.history.latest().tenants.all()} == {gate.insurer, gate.rental}
    again = ask(ours.global_admin, "post", path, ids(gate.insurer, gate.rental, gate.rental))
    assert again.json() == golden("capture_unit_assigned")
    assert gate.left.history.count() == records
    unknown = ask(ours.global_admin, "post", path, {"tenants": [NOBODY, str(ours.tenant.pk)]})
    assert (unknown.status_code, unknown.json()["message"]) == (404, "Tenant not found.")
    assert tenant_ids(gate.left) == {gate.insurer.pk, gate.rental.pk}


def test_tenants_are_unassigned(ask: Sender, ours: factories.House, gate: Gate) -> None:
    path = f"{UNITS}/{gate.right.pk}/unassign"
    assert ask(ours.global_admin, "post", path, ids(gate.rental)).json() == golden("capture_unit_unassigned")
    assert gate.right.history.latest().history_user == ours.global_admin
    assert ask(ours.global_admin, "post", path, ids(gate.rental)).json() == golden("capture_unit_unassigned")
    assert ask(ours.global_admin, "post", path, {"tenants": [NOBODY]}).status_code == 404


def test_the_default_tenant_is_unassigned_only_after_another_is_set(
    ask: Sender, ours: factories.House, gate: Gate
) -> None:
    CaptureUnit.objects.of(ours.tenant.pk).update(default_tenant=gate.insurer)
    path = f"{UNITS}/{gate.right.pk}"
    answer = ask(ours.global_admin, "post", f"{path}/unassign", ids(gate.insurer, gate.rental))
    assert answer.status_code == 409
    assert answer.json()["message"] == (
        "This is the default tenant of the capture unit: set another default first."
    )  # fmt: skip
    assert tenant_ids(gate.right) == {gate.insurer.pk, gate.rental.pk}
    assert ask(ours.global_admin, "put", f"{path}/default", {"tenant": None}).status_code == 200
    assert ask(ours.global_admin, "post", f"{path}/unassign", ids(gate.insurer)).status_code == 200


def test_both_units_get_the_default_tenant(ask: Sender, ours: factories.House, gate: Gate) -> None:
    path = f"{UNITS}/{gate.right.pk}/default"
    answer = ask(ours.global_admin, "put", path, {"tenant": str(gate.insurer.pk)})
    assert answer.json() == golden("capture_unit_default")
    for unit in (gate.left, gate.right):
        assert fresh(unit).default_tenant == gate.insurer
        assert unit.history.latest().history_user == ours.global_admin
    records = gate.left.history.count()
    assert ask(ours.global_admin, "put", path, {"tenant": str(gate.insurer.pk)}).status_code == 200
    assert gate.left.history.count() == records
    cleared = ask(ours.global_admin, "put", path, {"tenant": None}).json()["data"]
    assert [one["defaultTenant"] for one in cleared] == [None, None]
    assert fresh(gate.left).default_tenant is None


def test_a_default_tenant_must_be_assigned_to_both_units(ask: Sender, ours: factories.House, gate: Gate) -> None:
    answer = ask(ours.global_admin, "put", f"{UNITS}/{gate.right.pk}/default", {"tenant": str(gate.rental.pk)})
    assert answer.status_code == 409
    assert answer.json()["message"] == "Both units of the capture set must be assigned to its default tenant."
    assert fresh(gate.right).default_tenant is None


@pytest.mark.parametrize("body", [{}, {"tenant": "x"}, {"tenant": []}, {"tenant": ""}, {"tenant": 10**50}])
def test_a_wrong_default_is_refused(ask: Sender, ours: factories.House, gate: Gate, body: dict[str, Any]) -> None:
    answer = ask(ours.global_admin, "put", f"{UNITS}/{gate.right.pk}/default", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["tenant"])


def test_an_unknown_default_is_not_found(ask: Sender, ours: factories.House, gate: Gate) -> None:
    assert ask(ours.global_admin, "put", f"{UNITS}/{gate.right.pk}/default", {"tenant": NOBODY}).status_code == 404
