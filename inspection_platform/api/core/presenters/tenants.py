"""JSON of tenants, and of who belongs to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

from inspection_platform.api.core.presenters.common import success
from tenants.models import GROUPS, Membership, Role, Tenant, User
from tenants.rows import id_text
from tenants.services.settings import tenant_settings_present


def tenants(rows: Iterable[tuple[Any, str]], *, meta: Mapping[str, Any]) -> dict[str, Any]:
    """A page of tenants, given as plain rows of id and name."""
    items = [{"id": id_text(tenant_id), "name": name} for tenant_id, name in rows]
    return success({"items": items}, meta=meta, expiresIn=settings.ACCESS_TOKEN_SECONDS)


def tenant(row: Tenant) -> dict[str, Any]:
    """A tenant with its settings."""
    return success({"id": str(row.pk), "name": row.name, "settings": tenant_settings_present(row)})


def memberships(user: User, rows: Iterable[Membership]) -> dict[str, Any]:
    """One person's tenants."""
    return success({str(user.pk): {"tenants": _by_tenant(rows)}})


def people(users: Iterable[User], rows: Iterable[Membership]) -> dict[str, Any]:
    """People's groups and tenants; their groups have to be prefetched."""
    by_person: dict[Any, list[Membership]] = {}
    for row in rows:
        by_person.setdefault(row.user_id, []).append(row)
    return success(
        {
            str(user.pk): {"groups": _groups(user), "tenants": _by_tenant(by_person.get(user.pk, ()))}
            for user in users
        }
    )  # fmt: skip


def _groups(user: User) -> list[str]:
    names = {group.name for group in user.groups.all()}
    return [name for name in GROUPS if name in names]


def _by_tenant(rows: Iterable[Membership]) -> dict[str, Any]:
    return {str(row.tenant_id): _membership(row) for row in rows}


def _membership(row: Membership) -> dict[str, Any]:
    own = row.tenant.settings
    return {
        "availableRoles": list(Role.values),
        "name": row.tenant.name,
        "role": row.role,
        "settings": {
            "expiryAfter": own.expiry_after_days,
            "manualAnnotationEnabled": own.manual_annotation_enabled,
        },
    }
