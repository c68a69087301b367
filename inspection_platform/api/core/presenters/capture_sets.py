"""JSON of capture sets (contract 4.2). `logos` and who is told of which tenant are ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from assets.models import CaptureSet, CaptureUnit, Logo
from inspection_platform.api.core.presenters.common import seconds
from inspection_platform.api.files import file_url
from tenants.models import Tenant
from tenants.scope import Reach

LOGO_SIZES: Final = ("54x54", "100x100")


def capture_set(row: CaptureSet, *, reach: Reach) -> dict[str, Any]:
    """A rig as lists print it; its units and their tenants are prefetched. `reach` is the asker's."""
    return {
        "camerasCount": row.cameras_count,
        "captureUnits": [_unit(unit, row, reach=reach) for unit in sorted(row.units.all(), key=lambda one: one.side)],
        "countryCode": row.country_code,
        "createdAt": seconds(row.created_at),
        "id": str(row.pk),
        "isVirtual": row.is_virtual,
        "label": row.label,
        "lenses": row.lenses,
        "location": row.location,
        "modifiedAt": seconds(row.modified_at),
        "name": row.name,
        "pipelineMask": row.pipeline_mask,
        "priority": row.priority,
    }


def capture_set_detail(row: CaptureSet, *, reach: Reach) -> dict[str, Any]:
    """A rig asked for by id."""
    return {**capture_set(row, reach=reach), "minLicensePlateArea": row.min_license_plate_area}


def tenants_told(unit: CaptureUnit, rig: CaptureSet, *, reach: Reach) -> list[Tenant]:
    """The tenants of a unit, by name, of which the asker is told.

    The rig's owner knows all. Who only has a unit record for them is not told who else has.
    """
    tenants = unit.tenants.all()
    told = tenants if reach.covers(rig.tenant_id) else [one for one in tenants if reach.covers(one.pk)]
    return sorted(told, key=lambda one: (one.name, one.pk))


def logo_tenants(row: CaptureSet, *, reach: Reach) -> set[UUID]:
    """Whose logos go with a rig: the tenants that its units record for, and its owner; as far as the asker is told."""
    told = {tenant.pk for unit in row.units.all() for tenant in tenants_told(unit, row, reach=reach)}
    return told | ({row.tenant_id} if reach.covers(row.tenant_id) else set())


def logo_urls(logos: Mapping[str, Logo]) -> dict[str, str | None]:
    """Signed addresses of a tenant's logo by size, valid for as long as an idToken; None where there is none."""
    return {size: _logo_url(logos.get(size)) for size in LOGO_SIZES}


def _logo_url(logo: Logo | None) -> str | None:
    return file_url(logo.file.name or "", seconds=settings.ACCESS_TOKEN_SECONDS) if logo else None


def _unit(unit: CaptureUnit, rig: CaptureSet, *, reach: Reach) -> dict[str, Any]:
    tenants = tenants_told(unit, rig, reach=reach)
    return {"side": unit.side, "tenantIds": [str(tenant.pk) for tenant in tenants], "unitId": str(unit.pk)}
