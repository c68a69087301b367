"""Signing secrets and their rotation; webhooks and their sealed headers."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from tenants.errors import Invalid
from tenants.models import Family, SigningSecret, Tenant, Webhook
from tenants.outbound import secret_new
from tenants.services.secrets import ROTATION, signing_secret_rotate, signing_secrets_valid
from tenants.services.settings import tenant_create
from tenants.services.webhooks import headers_seal, headers_unseal, webhook_set, webhooks_for
from tests.factories import House


@pytest.fixture
def tenant(db: None) -> Tenant:
    return tenant_create(name="Signer")


def test_a_rotation_keeps_the_old_secret_valid_for_a_day_behind_the_new_one(tenant: Tenant) -> None:
    (first,) = signing_secrets_valid(tenant)
    second = signing_secret_rotate(tenant=tenant)
    assert signing_secrets_valid(tenant) == [second, first]
    retiring = SigningSecret.objects.of(tenant.id).filter(retires_at__isnull=False)
    retires_at = retiring.get().retires_at
    assert retires_at is not None
    assert timedelta(0) < retires_at - timezone.now() <= ROTATION
    retiring.update(retires_at=timezone.now())
    assert signing_secrets_valid(tenant) == [second]


def test_never_more_than_two_are_valid(tenant: Tenant) -> None:
    signing_secret_rotate(tenant=tenant)
    second = signing_secret_rotate(tenant=tenant)
    third = signing_secret_rotate(tenant=tenant)
    assert signing_secrets_valid(tenant) == [third, second]


def test_an_emergency_rotation_ends_the_old_one_at_once(tenant: Tenant) -> None:
    new = signing_secret_rotate(tenant=tenant, overlap=timedelta(0))
    assert signing_secrets_valid(tenant) == [new]


def test_a_given_secret_is_used_and_not_stored_in_clear(tenant: Tenant) -> None:
    given = secret_new()
    assert signing_secret_rotate(tenant=tenant, value=given) == given
    assert signing_secrets_valid(tenant)[0] == given
    assert given not in repr(list(SigningSecret.objects.of(tenant.id).values()))


@pytest.mark.parametrize(
    "value",
    [
        "", "whsec_", "whsec_!!!!", "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(), base64.b64encode(b"x" * 32).decode(),
    ],
)  # fmt: skip
def test_what_is_no_secret_is_refused_and_the_old_one_stays(tenant: Tenant, value: str) -> None:
    before = signing_secrets_valid(tenant)
    with pytest.raises(Invalid):
        signing_secret_rotate(tenant=tenant, value=value)
    assert signing_secrets_valid(tenant) == before


def test_a_tenants_secrets_are_its_own(tenant: Tenant) -> None:
    assert not set(signing_secrets_valid(tenant)) & set(signing_secrets_valid(tenant_create(name="Other")))


# --- webhooks --------------------------------------------------------------------------------------------------------


def hook(tenant: Tenant, **extra: Any) -> Webhook:
    values: dict[str, Any] = {"family": Family.INSPEKTLABS, "url": "https://hooks.example.com/a"}
    return webhook_set(tenant=tenant, **(values | extra))


def test_a_webhook_is_set_once_per_family_and_event_with_its_headers_sealed(ours: House) -> None:
    first = hook(ours.tenant, headers={"X-Key": "sesame-open"})
    second = hook(ours.tenant, url="https://hooks.example.com/b", headers={"X-Key": "again"}, by=ours.tenant_admin)
    assert (second.pk, second.url) == (first.pk, "https://hooks.example.com/b")
    assert headers_unseal(second.sealed_headers) == {"X-Key": "again"}
    assert "again" not in repr(list(Webhook.objects.of(ours.tenant.id).values()))
    newest = second.history.first()
    assert newest is not None
    assert newest.history_user == ours.tenant_admin


def test_those_who_want_an_event_are_found(tenant: Tenant, outsider: House) -> None:
    every = hook(tenant)
    one = hook(tenant, event="result")
    hook(tenant, event="other")
    hook(tenant, event="result", family=Family.PAVE)
    hook(outsider.tenant)
    assert set(webhooks_for(tenant=tenant, family=Family.INSPEKTLABS, event="result")) == {every, one}
    hook(tenant, event="result", is_active=False)
    assert set(webhooks_for(tenant=tenant, family=Family.INSPEKTLABS, event="result")) == {every}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"url": "http://127.0.0.1/hook"}, "url"),
        ({"url": "ftp://hooks.example.com/"}, "url"),
        ({"url": "not an address"}, "url"),
        ({"headers": {"Host": "elsewhere"}}, "headers"),
        ({"headers": {"X-Key": "a\r\nb: c"}}, "headers"),
        ({"method": "DELETE"}, "method"),
        ({"family": "nobody"}, "family"),
    ],
)
def test_a_webhook_that_could_never_work_is_refused(
    tenant: Tenant, settings: Settings, wrong: dict[str, Any], field: str
) -> None:
    settings.OUTBOUND_ALLOW = []
    with pytest.raises(Invalid) as refused:
        hook(tenant, **wrong)
    assert field in refused.value.fields
    assert not Webhook.objects.of(tenant.id).exists()


def test_no_headers_need_no_seal() -> None:
    assert headers_seal(None) == headers_seal({}) == ""
    assert headers_unseal("") == {}
