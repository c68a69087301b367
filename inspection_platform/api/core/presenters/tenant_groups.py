"""JSON of groups of tenants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

from inspection_platform.api.core.presenters.common import success, text_id
from tenants.models import TenantGroup


def tenant_groups(rows: Iterable[TenantGroup], *, meta: Mapping[str, Any]) -> dict[str, Any]:
    """A page of groups, their members by name."""
    items = [tenant_group(row) for row in rows]
    return success({"items": items}, meta=meta, expiresIn=settings.ACCESS_TOKEN_SECONDS)


def tenant_group(row: TenantGroup) -> dict[str, Any]:
    """A group with its members."""
    return {
        "id": str(row.pk),
        "members": [{"id": str(tenant.pk), "name": tenant.name} for tenant in row.members.all()],
        "name": row.name,
        "powerTenantId": text_id(row.power_tenant_id),
    }
