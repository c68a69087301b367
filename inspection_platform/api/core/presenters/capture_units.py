"""JSON of capture units (contract 4.2)."""

from __future__ import annotations

from typing import Any

from assets.models import CaptureUnit
from inspection_platform.api.core.presenters.capture_sets import tenants_told
from inspection_platform.api.core.presenters.common import text_id
from tenants.scope import Reach


def capture_unit(row: CaptureUnit, *, reach: Reach) -> dict[str, Any]:
    """A unit; its rig and tenants are fetched. `reach` is the asker's.

    A default tenant of which the asker is not told is shown as none.
    """
    tenants = tenants_told(row, row.capture_set, reach=reach)
    is_told = reach.covers(row.capture_set.tenant_id) or reach.covers(row.default_tenant_id)
    return {
        "balenaId": row.balena_id or None,
        "defaultTenant": text_id(row.default_tenant_id) if is_told else None,
        "id": str(row.pk),
        "isVirtual": row.capture_set.is_virtual,
        "recCount": row.recording_count,
        "tenants": [{"id": str(tenant.pk), "name": tenant.name} for tenant in tenants],
    }


def capture_unit_listed(row: CaptureUnit, *, reach: Reach) -> dict[str, Any]:
    """A unit as the list prints it; the units of its rig are fetched as well."""
    others = (unit.pk for unit in row.capture_set.units.all() if unit.pk != row.pk)
    return {
        **capture_unit(row, reach=reach),
        "captureSetId": str(row.capture_set_id),
        "relatedUnit": text_id(next(others, None)),
    }
