"""`manage.py tenant`: shows and changes a tenant through the same services as everything else."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tenants.models import Tenant, TenantSettings
from tenants.services.settings import tenant_configuration, tenant_create

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    return tenant_create(name="Shell Rental")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("tenant", *arguments, stdout=out)
    return out.getvalue()


def test_it_shows_a_tenant_by_id_and_by_name(tenant: Tenant) -> None:
    shown = run(str(tenant.pk))
    assert run("Shell Rental") == shown
    lines = shown.splitlines()
    assert "name=Shell Rental" in lines
    assert "turnaroundConfiguration.threshold=14400" in lines
    assert "quota.inspektlabs=none" in lines
    assert "window.inspektlabs=open" in lines
    assert "faceblurServiceEnabled.backLeft=false" in lines


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("turnaroundConfiguration.threshold=3600", 3600), ("turnaroundConfiguration.isEnabled=true", True),
        ("expiryAfter=42", 42), ("damageDetectionServiceEnabled=false", False), ("isHandicapped=true", True),
        ("manualAnnotationEnabled=true", True), ("manualReviewEnabled=true", True),
        ("newDamageNotification=true", True), ("minDamagesForManualProcessing=2", 2),
        ("faceblurServiceEnabled.roofLeft=true", True),
        ("maxFramesForCameras.roofLeft=4", 4), ("publishResult=afterReview", "afterReview"),
        ('publishResult="afterReview"', "afterReview"), ("timeZone=Europe/Oslo", "Europe/Oslo"),
        ("quota.inspektlabs=5", 5), ("quota.instavid360.bg_replace=0", 0), ("quota.instavid360.lpa=7", 7),
        ("quota.instavid360.lpa=none", "none"), ("rate.instavid360=9", 9), ("window.inspektlabs=closed", "closed"),
        ("window.inspektlabs=open", "open"), ("feature.incremental=on", "on"), ("feature.incremental=off", "off"),
    ],
)  # fmt: skip
def test_each_setting_is_set_and_shown(tenant: Tenant, text: str, value: object) -> None:
    shown: dict[str, Any] = json.loads(run(str(tenant.pk), "--set", text, "--json"))
    key = text.partition("=")[0]
    assert shown[key] == value
    assert tenant_configuration(Tenant.objects.get(pk=tenant.pk))[key] == value


def test_an_object_sets_several_at_once(tenant: Tenant) -> None:
    run(str(tenant.pk), "--set", 'turnaroundConfiguration={"isEnabled": true, "threshold": 60}')
    settings = Tenant.objects.get(pk=tenant.pk).settings
    assert (settings.turnaround_enabled, settings.turnaround_threshold_s) == (True, 60)


def test_what_it_shows_can_be_set_again(tenant: Tenant) -> None:
    changed = ["expiryAfter=3", "quota.inspektlabs=4", "feature.incremental=on"]
    shown = run(str(tenant.pk), "--set", *changed[:1], "--set", *changed[1:])
    twin = tenant_create(name="Twin")
    settings = shown.splitlines()[3:]
    assert run(str(twin.pk), "--set", *settings).splitlines()[3:] == settings


@pytest.mark.parametrize(
    "text",
    [
        "expiryAfter=-1", "expiryAfter=soon", "nonsense=1", "expiryAfter", "=1", "faceblurServiceEnabled.noseLeft=true",
        "quota.pave=1", "quota.inspektlabs=-1", "window.inspektlabs=ajar", "rate.instavid360=0",
    ],
)  # fmt: skip
def test_a_mistake_is_named_and_changes_nothing(tenant: Tenant, text: str) -> None:
    before = tenant_configuration(Tenant.objects.get(pk=tenant.pk))
    with pytest.raises(CommandError) as refused:
        run(str(tenant.pk), "--set", "isHandicapped=true", "quota.instavid360.lpa=1", text)
    assert text.partition("=")[0] in str(refused.value)
    assert tenant_configuration(Tenant.objects.get(pk=tenant.pk)) == before


@pytest.mark.parametrize("unknown", ["Nobody", "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_tenant_is_an_error(tenant: Tenant, unknown: str) -> None:
    with pytest.raises(CommandError, match=unknown):
        run(unknown)


def test_the_history_says_that_it_came_from_the_shell(tenant: Tenant) -> None:
    run(str(tenant.pk), "--set", "expiryAfter=1")
    newest = TenantSettings.history.filter(tenant=tenant).first()
    assert newest is not None
    assert (newest.history_change_reason, newest.expiry_after_days) == ("from the shell", 1)
