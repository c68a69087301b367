"""Requests about tenants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.test import Client

from tenants.models import Tenant, TenantSettings, User
from tests.api.conftest import Headers

Bearer = Callable[[User], Headers]
TENANTS = "/core/v1/auth/tenants"


def call(client: Client, method: str, path: str, body: Any, headers: Headers) -> Any:
    return getattr(client, method)(path, body, content_type="application/json", headers=headers)


def vendors_tenant(pk: str, name: str) -> Tenant:
    """A tenant as in the vendor's sample, with settings."""
    tenant = Tenant.objects.create(id=UUID(pk), name=name)
    TenantSettings.objects.create(tenant=tenant)
    return tenant
