"""Tenants and their settings in the admin: the same table, rules and history as for the API and the shell."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.admin.settings import setting_field_name
from tenants.models import Quota, Service, Tenant, TenantGroup, TenantSettings
from tenants.services.secrets import signing_secrets_valid
from tenants.services.settings import SETTINGS
from tests import factories
from tests.admin_pages import errors_of, inputs, login, page, rows_of

pytestmark = pytest.mark.django_db


def settings_page(house: factories.House) -> str:
    return page(TenantSettings, "change", house.tenant.settings.pk)


def test_every_setting_of_the_table_is_on_the_page(ours: factories.House) -> None:
    answer = login(ours.global_admin).get(settings_page(ours))
    shown = {name for section in answer.context["adminform"] for line in section for name in _names(line)}
    assert {setting_field_name(setting) for setting in SETTINGS} <= shown


def _names(line: Any) -> list[str]:
    return [getattr(field.field, "name", "") for field in line]


def test_a_tenant_admin_changes_settings_and_the_history_says_who(ours: factories.House) -> None:
    client = login(ours.tenant_admin)
    sent = inputs(client.get(settings_page(ours)))
    sent |= {"expiryAfter": "42", "faceblurServiceEnabled__backLeft": "on", "publishResult": "afterReview"}
    sent |= {"maxFramesForCameras__topLeft": "7", "timeZone": "Europe/Oslo"}
    assert client.post(settings_page(ours), sent).status_code == 302
    row = TenantSettings.objects.get(tenant=ours.tenant)
    assert (row.expiry_after_days, row.publish_result, row.time_zone) == (42, "afterReview", "Europe/Oslo")
    assert row.face_blur["backLeft"] is True
    assert row.face_blur["backRight"] is False
    assert row.max_frames_for_cameras["topLeft"] == 7
    latest = row.history.first()
    assert latest.history_user == ours.tenant_admin
    history = client.get(page(TenantSettings, "history", row.pk)).content.decode()
    assert "42" in history


def test_a_page_saved_unchanged_changes_nothing(ours: factories.House) -> None:
    client = login(ours.tenant_admin)
    before = ours.tenant.settings.history.count()
    assert client.post(settings_page(ours), inputs(client.get(settings_page(ours)))).status_code == 302
    assert TenantSettings.objects.get(tenant=ours.tenant).history.count() == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("expiryAfter", "-1"), ("expiryAfter", "99999"), ("maxFramesForCameras__topLeft", "0"),
        ("timeZone", "Mars/Base"), ("publishResult", "never"), ("turnaroundConfiguration__threshold", "soon"),
    ],
)  # fmt: skip
def test_what_the_service_would_refuse_is_said_at_the_field(ours: factories.House, name: str, value: str) -> None:
    client = login(ours.tenant_admin)
    sent = inputs(client.get(settings_page(ours))) | {name: value, "minDamagesForManualProcessing": "3"}
    assert name in errors_of(client.post(settings_page(ours), sent))
    assert TenantSettings.objects.get(tenant=ours.tenant).min_damages_for_manual_processing == 0


def test_only_global_admins_turn_the_operator_s_switches(ours: factories.House) -> None:
    wanted = {"window__inspektlabs": "closed", "feature__incremental": "on", "rate__instavid360": "5"}
    for person, changed in ((ours.tenant_admin, False), (ours.global_admin, True)):
        client = login(person)
        sent = inputs(client.get(settings_page(ours))) | wanted
        assert client.post(settings_page(ours), sent).status_code == 302
        row = TenantSettings.objects.get(tenant=ours.tenant)
        assert row.inspektlabs_window_open is not changed
        assert row.incremental_enabled is changed
        assert (row.rate_instavid360 == 5) is changed


def test_another_tenant_s_settings_are_out_of_reach(ours: factories.House, outsider: factories.House) -> None:
    client = login(ours.tenant_admin)
    assert client.get(settings_page(outsider)).status_code == 302
    assert client.post(settings_page(outsider), {"expiryAfter": "1"}).status_code in {302, 403}
    assert TenantSettings.objects.get(tenant=outsider.tenant).expiry_after_days == 0


def test_a_new_tenant_comes_with_settings_and_a_secret(ours: factories.House) -> None:
    client = login(ours.global_admin)
    answer = client.post(page(Tenant, "add"), {"name": "New Rental"})
    assert answer.status_code == 302
    tenant = Tenant.objects.get(name="New Rental")
    assert tenant.settings.expiry_after_days == 0
    assert len(signing_secrets_valid(tenant)) == 1
    assert "name" in errors_of(client.post(page(Tenant, "add"), {"name": "New Rental"}))


def test_the_page_of_a_tenant_sets_settings_and_quotas(ours: factories.House) -> None:
    client, address = login(ours.global_admin), page(Tenant, "change", ours.tenant.pk)
    sent = inputs(client.get(address))
    sent |= {"name": "Ours Renamed", "settings-0-expiryAfter": "30", "settings-0-window__inspektlabs": "closed"}
    sent |= {"quotas-TOTAL_FORMS": "1", "quotas-0-service": Service.LPA, "quotas-0-limit": "12"}
    sent |= {"quotas-0-tenant": str(ours.tenant.pk)}
    assert client.post(address, sent).status_code == 302
    tenant = Tenant.objects.select_related("settings").get(pk=ours.tenant.pk)
    assert (tenant.name, tenant.settings.expiry_after_days) == ("Ours Renamed", 30)
    assert not tenant.settings.inspektlabs_window_open
    quota = Quota.objects.of(tenant.pk).get()
    assert (quota.service, quota.limit) == (Service.LPA, 12)
    assert quota.history.get().history_user == ours.global_admin
    sent = inputs(client.get(address)) | {"quotas-0-DELETE": "on"}
    assert client.post(address, sent).status_code == 302
    assert not Quota.objects.of(tenant.pk).exists()


def test_a_wrong_setting_on_the_page_of_a_tenant_stores_nothing(ours: factories.House) -> None:
    client, address = login(ours.global_admin), page(Tenant, "change", ours.tenant.pk)
    sent = inputs(client.get(address)) | {"name": "Ours Renamed", "settings-0-expiryAfter": "-5"}
    assert client.post(address, sent).status_code == 200
    assert Tenant.objects.get(pk=ours.tenant.pk).name == ours.tenant.name


def test_a_tenant_admin_looks_at_the_tenant_but_does_not_change_it(ours: factories.House) -> None:
    client, address = login(ours.tenant_admin), page(Tenant, "change", ours.tenant.pk)
    assert client.get(address).status_code == 200
    assert client.post(address, {"name": "Mine"}).status_code == 403
    assert client.post(page(Tenant, "add"), {"name": "Mine"}).status_code == 403
    assert rows_of(client.get(page(Tenant, "changelist"))) == {ours.tenant.pk}


def test_tenants_are_never_deleted_here(ours: factories.House) -> None:
    assert login(ours.global_admin).post(page(Tenant, "delete", ours.tenant.pk), {"post": "yes"}).status_code == 403


def test_a_quota_is_set_and_lifted_through_its_service(ours: factories.House) -> None:
    client = login(ours.global_admin)
    sent = {"tenant": str(ours.tenant.pk), "service": Service.INSPEKTLABS, "limit": "3"}
    assert client.post(page(Quota, "add"), sent).status_code == 302
    quota = Quota.objects.of(ours.tenant.pk).get()
    assert errors_of(client.post(page(Quota, "add"), sent))
    assert client.post(page(Quota, "change", quota.pk), {"limit": "4"}).status_code == 302
    quota.refresh_from_db()
    assert quota.limit == 4
    assert client.post(page(Quota, "delete", quota.pk), {"post": "yes"}).status_code == 302
    assert not Quota.objects.of(ours.tenant.pk).exists()
    assert login(ours.tenant_admin).post(page(Quota, "add"), sent).status_code == 403


def test_groups_of_tenants_are_for_global_admins(ours: factories.House, outsider: factories.House) -> None:
    client = login(ours.global_admin)
    members = [str(ours.tenant.pk), str(outsider.tenant.pk)]
    sent = {"name": "North", "power_tenant": str(ours.tenant.pk), "members": members}
    assert client.post(page(TenantGroup, "add"), sent).status_code == 302
    group = TenantGroup.objects.get()
    assert set(group.members.all()) == {ours.tenant, outsider.tenant}
    assert login(ours.tenant_admin).get(page(TenantGroup, "changelist")).status_code == 403
