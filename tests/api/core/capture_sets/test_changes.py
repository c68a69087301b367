"""Capture sets: changed, W38."""

from __future__ import annotations

from typing import Any

import pytest

from assets.models import CaptureUnit
from tests import factories
from tests.api.core.capture_sets.sets import new, only, unit
from tests.api.core.rigs import SETS, Gate, Sender, tenant_ids, virtual

pytestmark = pytest.mark.django_db


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
