"""Capture sets of the core family: W34 (list), W35 (create), W36 (search), W37 (detail), W38 (change)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from pytest_django import Settings

from assets.catalogue import default_lenses
from assets.models import CaptureSet, CaptureUnit, Logo
from assets.services import rigs
from inspection_platform.api.core.docs.capture_sets import CAPTURE_SET, GIVEN
from tenants.models import Role, Tenant
from tenants.services.people import membership_set
from tests import factories
from tests.api.core.conftest import golden
from tests.api.core.rigs import NOBODY, SETS, Bearer, Gate, Sender, build_gate, tenant_ids, virtual

pytestmark = pytest.mark.django_db
#: The count, the page, its units and their tenants.
LIST_QUERIES = 4


@pytest.fixture
def gate(ours: factories.House) -> Gate:
    """The rig of the samples, ours."""
    return build_gate(ours.tenant)


@pytest.fixture
def ask(client: Client, bearer: Bearer) -> Sender:
    """Sends a JSON request as a person."""
    return Sender(client, bearer)


def names(answer: Any) -> list[str]:
    return [item["name"] for item in answer.json()["data"]["items"]]


def only(tenant: Tenant) -> CaptureSet:
    return CaptureSet.objects.of(tenant.pk).get()


def unit(rig: CaptureSet, side: str) -> CaptureUnit:
    return CaptureUnit.objects.of(rig.tenant_id).get(capture_set=rig, side=side)


def new(**changes: Any) -> dict[str, Any]:
    return {"name": "Lane", "captureUnits": [{"side": "left"}, {"side": "right"}]} | changes


# --- W34 and W37 -----------------------------------------------------------------------------------------------------


def test_list_and_detail_are_the_golden_json(ask: Sender, ours: factories.House, gate: Gate) -> None:
    listed = ask(ours.staff, "get", SETS).json()
    assert listed == golden("capture_sets")
    assert ask(ours.staff, "get", f"{SETS}/{gate.rig.pk}").json() == golden("capture_set")
    assert listed["data"]["items"][0].keys() == CAPTURE_SET.keys()


def test_a_list_is_of_the_tenant_worked_in_unless_a_global_admin_asks_for_all(
    ask: Sender, ours: factories.House, outsider: factories.House, gate: Gate
) -> None:
    factories.rig(outsider.tenant)
    assert names(ask(ours.global_admin, "get", SETS)) == [gate.rig.name]
    assert len(names(ask(ours.global_admin, "get", f"{SETS}?fromAllTenants=true"))) == 2
    assert len(names(ask(ours.global_admin, "get", f"{SETS}?fromAllTenants=false"))) == 1


@pytest.mark.parametrize("asked", ["true", "1", "TRUE", "true&limit=x"])
def test_all_tenants_are_for_global_admins(ask: Sender, ours: factories.House, asked: str) -> None:
    for person in (ours.tenant_admin, ours.annotator, ours.staff):
        answer = ask(person, "get", f"{SETS}?fromAllTenants={asked}")
        assert (answer.status_code, answer.json()["message"]) == (403, "fromAllTenants is for global admins.")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["My first capture set", "Phone"]),
        ("?virtual=true", ["Phone"]),
        ("?virtual=false", ["My first capture set"]),
        ("?virtual=null", ["My first capture set", "Phone"]),
        ("?limit=1&page=2", ["Phone"]),
        ("?page=9", []),
    ],
)
def test_the_list_is_filtered_and_paged(
    ask: Sender, ours: factories.House, gate: Gate, query: str, found: list[str]
) -> None:
    virtual(ours.tenant)
    answer = ask(ours.staff, "get", SETS + query)
    assert names(answer) == found
    assert answer.json()["meta"]["totalItems"] == (1 if query in {"?virtual=true", "?virtual=false"} else 2)


@pytest.mark.parametrize(
    "query",
    ["virtual=maybe", "logos=2", "limit=0", "limit=x", "page=0", "page=99999999999999999999", "fromAllTenants=x",
     "label=pickup", "virtual=%00"],
)  # fmt: skip
def test_a_wrong_query_is_refused(ask: Sender, ours: factories.House, query: str) -> None:
    answer = ask(ours.staff, "get", f"{SETS}?{query}")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [query.partition("=")[0]]


def test_a_list_costs_the_same_for_one_set_and_for_thirty(ask: Sender, ours: factories.House, gate: Gate) -> None:
    for _ in range(2):
        assert ask.queries(ours.staff, f"{SETS}?limit=100") == LIST_QUERIES
        assert ask.queries(ours.staff, f"{SETS}?limit=100&logos=true") == LIST_QUERIES + 1
        for _ in range(29):
            factories.rig(ours.tenant, open_to=[ours.tenant, gate.insurer])


def test_logos_come_signed_in_both_sizes(
    client: Client, ask: Sender, ours: factories.House, gate: Gate, settings: Settings
) -> None:
    logo = Logo(tenant=gate.rental, size="54x54")
    logo.file.save("published/logos/rental.png", ContentFile(b"png"))
    logos = ask(ours.staff, "get", f"{SETS}?logos=true").json()["data"]["items"][0]["logos"]
    assert logos.keys() == {str(one.pk) for one in (ours.tenant, gate.insurer, gate.rental)}
    assert logos[str(gate.insurer.pk)] == {"54x54": None, "100x100": None}
    address = logos[str(gate.rental.pk)]["54x54"]
    assert logos[str(gate.rental.pk)]["100x100"] is None
    answer: Any = client.get(address.removeprefix(settings.PUBLIC_URL))
    assert b"".join(answer.streaming_content) == b"png"
    assert "logos" not in ask(ours.staff, "get", f"{SETS}?logos=false").json()["data"]["items"][0]


def test_who_has_a_unit_record_for_them_sees_the_set_and_no_other_tenant(
    ask: Sender, ours: factories.House, outsider: factories.House, gate: Gate
) -> None:
    assert ask(outsider.staff, "get", f"{SETS}/{gate.rig.pk}").status_code == 404
    gate.right.tenants.add(outsider.tenant)
    [item] = ask(outsider.staff, "get", f"{SETS}?logos=true").json()["data"]["items"]
    theirs = str(outsider.tenant.pk)
    assert [one["tenantIds"] for one in item["captureUnits"]] == [[], [theirs]]
    assert list(item["logos"]) == [theirs]
    detail = ask(outsider.staff, "get", f"{SETS}/{gate.rig.pk}").json()["data"]
    assert [one["tenantIds"] for one in detail["captureUnits"]] == [[], [theirs]]
    for person in (outsider.tenant_admin, outsider.staff):
        assert ask(person, "patch", f"{SETS}/{gate.rig.pk}", {"name": "Mine"}).status_code == 403


def test_a_deleted_set_is_not_there(ask: Sender, ours: factories.House, gate: Gate) -> None:
    rigs.capture_set_delete(capture_set=gate.rig)
    assert names(ask(ours.global_admin, "get", f"{SETS}?fromAllTenants=true")) == []
    for method in ("get", "patch"):
        assert ask(ours.global_admin, method, f"{SETS}/{gate.rig.pk}", {}).status_code == 404
    assert ask(ours.staff, "get", f"{SETS}/search?name=my").json()["data"]["names"] == []


@pytest.mark.parametrize("id_", [NOBODY, "x", "1" * 300, "%00"])
@pytest.mark.parametrize("method", ["get", "patch"])
def test_a_set_that_is_not_there(ask: Sender, ours: factories.House, method: str, id_: str) -> None:
    answer = ask(ours.tenant_admin, method, f"{SETS}/{id_}", {})
    assert (answer.status_code, answer.json()["message"]) == (404, "Capture set not found.")


# --- W36 -------------------------------------------------------------------------------------------------------------


def test_a_search_finds_parts_in_any_case(ask: Sender, ours: factories.House, outsider: factories.House) -> None:
    for name, location in [
        ("name example", "Italy"), ("ex-name", "Great Britain"), ("EX", "Italy"), ("Ærlig", "Ålesund"), ("100%", "")
    ]:  # fmt: skip
        virtual(ours.tenant, name=name, location=location)
    virtual(outsider.tenant, name="example of others", location="Titan")

    def found(query: str) -> Any:
        return ask(ours.staff, "get", f"{SETS}/search?{query}").json()

    assert found("location=it&name=ex") == {
        "success": True,
        "data": {"locations": ["Great Britain", "Italy"], "names": ["EX", "ex-name", "name example"]},
    }
    assert found("location=ITALY")["data"] == {"locations": ["Italy"], "names": []}
    assert found("location=%C3%A5LES&name=%C3%A6rl")["data"] == {"locations": ["Ålesund"], "names": ["Ærlig"]}
    assert found("name=%25")["data"]["names"] == ["100%"]
    assert found("name=.*%C3%A6")["data"]["names"] == []
    assert found("")["data"] == {"locations": [], "names": []}


@pytest.mark.parametrize("query", ["name=%00", "location=" + "x" * 201, "title=x"])
def test_a_wrong_search_is_refused(ask: Sender, ours: factories.House, query: str) -> None:
    answer = ask(ours.staff, "get", f"{SETS}/search?{query}")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [query.partition("=")[0]])


# --- W35 -------------------------------------------------------------------------------------------------------------


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


# --- W38 -------------------------------------------------------------------------------------------------------------


def test_a_change_touches_what_it_names(ask: Sender, ours: factories.House, gate: Gate) -> None:
    path = f"{SETS}/{gate.rig.pk}"
    answer = ask(ours.tenant_admin, "patch", path, {"location": "Italy", "minLicensePlateArea": 100})
    assert answer.json() == {"success": True, "message": "Capture set updated"}
    rig = only(ours.tenant)
    assert (rig.location, rig.min_license_plate_area, rig.name) == ("Italy", 100, "My first capture set")
    assert rig.pipeline_mask == ["damage_detection"]
    assert rig.history.latest().history_user == ours.tenant_admin
    assert ask(ours.tenant_admin, "patch", path, {"lenses": {"lens2": {"sensorSize": 9}}}).status_code == 200
    assert only(ours.tenant).lenses["lens2"] == {"focalLength": 8, "sensorResolution": 1920, "sensorSize": 9}
    assert ask(ours.tenant_admin, "patch", path, {}).status_code == 200
    assert tenant_ids(gate.right) == {gate.insurer.pk, gate.rental.pk}


def test_what_was_read_may_be_sent_back(ask: Sender, ours: factories.House, gate: Gate) -> None:
    path = f"{SETS}/{gate.rig.pk}"
    read = ask(ours.tenant_admin, "get", path).json()["data"]
    records = gate.left.history.count()
    assert ask(ours.tenant_admin, "patch", path, read).status_code == 200
    again = ask(ours.tenant_admin, "get", path).json()["data"]
    assert again | {"modifiedAt": read["modifiedAt"]} == read
    assert gate.left.history.count() == records


def test_a_virtual_set_cannot_be_modified(ask: Sender, ours: factories.House) -> None:
    path = f"{SETS}/{virtual(ours.tenant).pk}"
    answer = ask(ours.tenant_admin, "patch", path, {"name": "Other"})
    assert (answer.status_code, answer.json()["message"]) == (409, "A virtual capture set cannot be modified.")
    assert ask(ours.tenant_admin, "patch", path, {"name": ""}).status_code == 400


@pytest.mark.parametrize(
    ("body", "field"), [({"minLicensePlateArea": -1}, "minLicensePlateArea"), ({"name": " "}, "name"),
                        ({"captureUnits": [{"side": "left"}] * 2}, "captureUnits")],
)  # fmt: skip
def test_a_wrong_change_is_refused(
    ask: Sender, ours: factories.House, gate: Gate, body: dict[str, Any], field: str
) -> None:
    answer = ask(ours.tenant_admin, "patch", f"{SETS}/{gate.rig.pk}", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_only_the_owner_s_admins_change_a_set(ask: Sender, ours: factories.House, gate: Gate) -> None:
    for person in (ours.staff, ours.annotator, ours.reviewer):
        assert ask(person, "patch", f"{SETS}/{gate.rig.pk}", {"label": "no word"}).status_code == 403
    assert ask(ours.global_admin, "patch", f"{SETS}/{gate.rig.pk}", {"label": "pickup"}).status_code == 200


def test_units_are_changed_by_side(ask: Sender, ours: factories.House, gate: Gate) -> None:
    sent = {"captureUnits": [{"side": "left", "balenaId": "new", "tenantIds": [str(ours.tenant.pk)]}]}
    path = f"{SETS}/{gate.rig.pk}"
    # The insurer is left out, and its admin is somebody else.
    assert ask(ours.tenant_admin, "patch", path, sent).status_code == 403
    assert ask(ours.global_admin, "patch", path, sent).status_code == 200
    gate.left.refresh_from_db()
    assert (gate.left.balena_id, tenant_ids(gate.left)) == ("new", {ours.tenant.pk})
    assert tenant_ids(gate.right) == {gate.insurer.pk, gate.rental.pk}
    assert {record.history_user for record in gate.left.history.filter(balena_id="new")} == {ours.global_admin}


def test_units_move_between_the_tenant_s_sets(
    ask: Sender, ours: factories.House, outsider: factories.House, gate: Gate
) -> None:
    lane, theirs = factories.rig(ours.tenant, open_to=[ours.tenant]), factories.rig(outsider.tenant)
    path, person = f"{SETS}/{gate.rig.pk}", ours.tenant_admin

    def moved(unit: CaptureUnit, side: str) -> Any:
        return ask(person, "patch", path, {"captureUnits": [{"side": side, "unitId": str(unit.pk)}]})

    mine = unit(lane, "left")
    answer = moved(mine, "left")
    assert (answer.status_code, answer.json()["message"]) == (409, "The left side of the capture set has another unit.")
    assert moved(unit(theirs, "left"), "left").json()["message"] == "Capture unit not found."
    unit(theirs, "left").tenants.add(ours.tenant)
    assert moved(unit(theirs, "left"), "left").status_code == 403
    gate.left.delete()
    person = ours.global_admin
    answer = moved(unit(theirs, "left"), "left")
    assert answer.json()["message"] == "A capture unit moves between capture sets of one tenant only."
    person = ours.tenant_admin
    assert moved(mine, "left").status_code == 200
    mine.refresh_from_db()
    assert (mine.capture_set, lane.units.count(), gate.rig.units.count()) == (gate.rig, 1, 2)
    assert ask(person, "post", SETS, new(captureUnits=[{"side": "right", "unitId": str(mine.pk)}])).status_code == 200
    mine.refresh_from_db()
    assert (mine.side, gate.rig.units.get()) == ("right", gate.right)
