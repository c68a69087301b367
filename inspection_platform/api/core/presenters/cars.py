"""JSON of cars and of their assignment to tenants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from assets.models import Car
from assets.services.cars import Assignment
from inspection_platform.api.core.presenters.common import seconds, text_id


def car(row: Car) -> dict[str, Any]:
    """A car in the list."""
    return {
        "createdAt": seconds(row.created_at),
        "deviceSetId": text_id(row.capture_set_id),
        "inUse": row.in_use,
        "registrationNo": row.registration_no,
        "tenantId": str(row.tenant_id),
    }


def assignments(outcomes: Mapping[UUID, Assignment]) -> dict[str, dict[str, list[str]]]:
    """What came of a list of plates, by tenant id."""
    return {
        str(tenant_id): {
            "assigned": [str(plate) for plate in outcome.assigned],
            "belongsElsewhere": [str(plate) for plate in outcome.elsewhere],
            "errors": outcome.errors,
        }
        for tenant_id, outcome in outcomes.items()
    }
