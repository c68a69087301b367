"""Rigs in the admin: made by the services, taken out of use, enrolled with a key shown once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from assets.catalogue import default_lenses
from assets.models import CaptureSet, CaptureUnit
from assets.services import rigs
from assets.services.device_keys import capture_unit_by_key, capture_unit_enrol
from tests import factories
from tests.admin_pages import errors_of, inputs, login, page, rows_of, said

pytestmark = pytest.mark.django_db


def new_rig(house: factories.House, **changes: Any) -> dict[str, Any]:
    return {
        "tenant": str(house.tenant.pk), "name": "Lane", "country_code": "NO", "cameras_count": "4", "priority": "0",
        "pipeline_mask": "[]", "min_license_plate_area": "25000", "lenses": json.dumps(default_lenses()),
        "units": ["left", "right"],
    } | changes  # fmt: skip


def a_unit(rig: CaptureSet) -> CaptureUnit:
    return rig.units.order_by("side")[0]


def button(unit: CaptureUnit, name: str) -> str:
    return page(CaptureUnit, "change", unit.pk).replace("change/", f"{name}/")


def test_a_rig_is_made_with_its_units_by_the_service(ours: factories.House) -> None:
    client = login(ours.global_admin)
    answer = client.post(page(CaptureSet, "add"), new_rig(ours))
    assert answer.status_code == 302, errors_of(answer)
    rig = CaptureSet.objects.of(ours.tenant.pk).get()
    assert (rig.country_code, rig.units.count(), rig.is_virtual) == ("NO", 2, False)
    assert rig.history.latest().history_user == ours.global_admin
    assert "units" in errors_of(client.post(page(CaptureSet, "add"), new_rig(ours, units=[])))
    assert "lenses" in errors_of(client.post(page(CaptureSet, "add"), new_rig(ours, lenses='{"lens0": 5}')))


def test_virtual_rigs_are_counted_here_too(ours: factories.House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rigs, "MAX_VIRTUAL", 1)
    client, address = login(ours.global_admin), page(CaptureSet, "add")
    assert client.post(address, new_rig(ours, is_virtual="on")).status_code == 302
    assert "at most 1 virtual" in str(errors_of(client.post(address, new_rig(ours, is_virtual="on"))))
    rig = CaptureSet.objects.of(ours.tenant.pk).get()
    sent = inputs(client.get(page(CaptureSet, "change", rig.pk)))
    assert "is_virtual" not in sent
    assert rig.units.count() == 0


def test_a_rig_is_taken_out_of_use_and_into_it_again(ours: factories.House) -> None:
    first, second = factories.rig(ours.tenant), factories.rig(ours.tenant)
    client = login(ours.tenant_admin)
    address = page(CaptureSet, "change", first.pk)
    assert "what they recorded stays" in client.get(address.replace("change/", "delete_this/")).content.decode()
    for name, gone in (("delete_this", True), ("restore_this", False)):
        assert first.name in said(client.post(address.replace("change/", f"{name}/"), follow=True))
        first.refresh_from_db()
        assert (first.deleted_at is not None) is gone
        assert first.history.latest().history_user == ours.tenant_admin
    both = {"_selected_action": [str(first.pk), str(second.pk)], "confirmed": "yes"}
    for name, count in (("delete_softly", 0), ("restore", 2)):
        client.post(page(CaptureSet, "changelist"), {**both, "action": name})
        assert CaptureSet.objects.of(ours.tenant.pk).filter(deleted_at__isnull=True).count() == count
    assert rows_of(client.get(page(CaptureSet, "changelist"))) == {first.pk, second.pk}
    assert login(ours.staff).post(address.replace("change/", "delete_this/")).status_code == 403


def test_a_unit_is_added_with_the_tenants_of_the_other_one(ours: factories.House) -> None:
    rig = factories.rig(ours.tenant, open_to=[ours.tenant], default=ours.tenant)
    rig.units.get(side="right").delete()
    client = login(ours.global_admin)
    sent = {"capture_set": str(rig.pk), "side": "right", "balena_id": "b"}
    answer = client.post(page(CaptureUnit, "add"), sent)
    assert answer.status_code == 302, errors_of(answer)
    made = rig.units.get(side="right")
    assert (list(made.tenants.all()), made.default_tenant) == ([ours.tenant], ours.tenant)
    assert errors_of(client.post(page(CaptureUnit, "add"), sent))


def test_units_of_a_rig_share_a_default_tenant_that_both_record_for(
    ours: factories.House, outsider: factories.House
) -> None:
    rig = factories.rig(ours.tenant, open_to=[ours.tenant])
    client, address = login(ours.global_admin), page(CaptureSet, "change", rig.pk)
    sent = inputs(client.get(address))
    for default, other in ((ours.tenant, ""), (outsider.tenant, outsider.tenant.pk)):
        changed = {"units-0-default_tenant": str(default.pk), "units-1-default_tenant": str(other)}
        answer: Any = client.post(address, sent | changed)
        [formset] = answer.context["inline_admin_formsets"]
        assert "default tenant" in str(formset.formset.non_form_errors())
    changed = {f"units-{number}-default_tenant": str(ours.tenant.pk) for number in (0, 1)}
    assert client.post(address, sent | changed).status_code == 302
    assert set(rig.units.values_list("default_tenant", flat=True)) == {ours.tenant.pk}
    one = page(CaptureUnit, "change", a_unit(rig).pk)
    sent = inputs(client.get(one))
    assert "tenants" in errors_of(client.post(one, sent | {"tenants": [str(outsider.tenant.pk)]}))
    both = [str(ours.tenant.pk), str(outsider.tenant.pk)]
    assert client.post(one, sent | {"tenants": both}).status_code == 302
    assert a_unit(rig).tenants.count() == 2
    assert {row.tenant for row in a_unit(rig).history.latest().tenants.all()} == {ours.tenant, outsider.tenant}


def test_a_device_key_is_shown_once(ours: factories.House) -> None:
    unit = a_unit(factories.rig(ours.tenant))
    client = login(ours.global_admin)
    assert "new key" in client.get(button(unit, "enrol")).content.decode()
    unit.refresh_from_db()
    assert unit.device_key_digest == ""
    answer = client.post(button(unit, "enrol"))
    assert "no-store" in answer.headers["Cache-Control"]
    value = dict(answer.context["secrets"])["Device key"]
    assert capture_unit_by_key(value) == unit
    unit.refresh_from_db()
    assert LogEntry.objects.filter(object_id=str(unit.pk), user=ours.global_admin).exists()
    for name, args in (("changelist", ()), ("change", (unit.pk,)), ("history", (unit.pk,))):
        text = client.get(page(CaptureUnit, name, *args)).content.decode()
        assert value not in text
        assert unit.device_key_digest not in text
    assert "revoked" in said(client.post(button(unit, "revoke_key"), follow=True))
    assert capture_unit_by_key(value) is None


def test_only_global_admins_enrol_devices(ours: factories.House, outsider: factories.House) -> None:
    unit = a_unit(factories.rig(ours.tenant))
    value = capture_unit_enrol(unit=unit)
    for person, status in ((ours.tenant_admin, 403), (ours.staff, 403), (outsider.tenant_admin, 302)):
        for name in ("enrol", "revoke_key"):
            assert login(person).post(button(unit, name)).status_code in {403, status}
    assert capture_unit_by_key(value) == unit


def test_a_unit_of_a_deleted_rig_is_not_enrolled(ours: factories.House) -> None:
    rig = factories.rig(ours.tenant)
    rigs.capture_set_delete(capture_set=rig)
    answer = login(ours.global_admin).post(button(a_unit(rig), "enrol"), follow=True)
    assert "Only a capture unit that is in use can be enrolled." in said(answer)
    assert a_unit(rig).device_key_digest == ""
