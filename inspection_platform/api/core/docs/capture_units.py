"""Reference of capture units."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.capture_units import (
    CaptureUnitFound,
    CaptureUnitList,
    CaptureUnitPair,
    UnitDefault,
    UnitTenants,
)
from inspection_platform.api.core.serializers.common import Paging

TAG: Final = "core: capture units"
_PATH: Final = [OpenApiParameter("unit_id", OpenApiTypes.UUID, OpenApiParameter.PATH)]
_LEFT: Final = "eb68886e-cbbb-4681-bef1-3a13a6c6dba6"
_RIGHT: Final = "49578ed9-2ea7-42b4-9d2b-79a098265197"
_TENANT: Final = "f71e2466-af9c-4f98-b2dc-c3cfed1165f5"
_RENTAL: Final = "cb5c706b-500e-48a2-b01b-7f3e1459d381"

#: The vendor's sample.
CAPTURE_UNIT: Final[dict[str, Any]] = {
    "balenaId": "3292185a-2fd3-46b8-9885-f433f13a4a6d",
    "defaultTenant": None,
    "id": _RIGHT,
    "isVirtual": False,
    "recCount": 0,
    "tenants": [{"id": _RENTAL, "name": "Fast Cars Rental"}, {"id": _TENANT, "name": "Tenant"}],
}
_LISTED: Final = {**CAPTURE_UNIT, "captureSetId": "98731a1c-9b85-4b31-a228-f5e09b41323a", "relatedUnit": _LEFT}
_META: Final = {"currentItemsPerPage": 2, "currentPage": 1, "lastPage": 37, "maxPerPage": 100, "totalItems": 74}
_SEEN: Final = (
    "Units of virtual sets are never found here. A tenant sees the units of its own sets and those that record for it; "
    "of the latter it is told no other tenant (ours)."
)


def _unit_answer(message: str) -> dict[str, Any]:
    return {"success": True, "data": CAPTURE_UNIT, "message": message}


capture_units = extend_schema(
    operation_id="core_capture_units_list",
    tags=[TAG],
    summary="List capture units",
    description=f"By the name of their set and their side (ours). {_SEEN} {callers_text('W39')}",
    parameters=[Paging],
    responses={
        200: answer(
            CaptureUnitList, "A page of units.", {"success": True, "data": {"items": [_LISTED]}, "meta": _META}
        ),
        **refusals(400, 401),
    },
)

capture_unit = extend_schema(
    operation_id="core_capture_units_retrieve",
    tags=[TAG],
    summary="Show a capture unit",
    description=f"{_SEEN} {callers_text('W40')}",
    parameters=_PATH,
    responses={
        200: answer(CaptureUnitFound, "The unit.", _unit_answer("Fetched capture unit details successfully")),
        **refusals(401, 404),
    },
)

_CHANGE: Final[dict[str, Any]] = {
    "tags": [TAG],
    "parameters": _PATH,
    "request": UnitTenants,
    "examples": [OpenApiExample("Tenants", {"tenants": [_TENANT, _RENTAL]}, request_only=True)],
}

capture_unit_assign = extend_schema(
    operation_id="core_capture_units_assign",
    summary="Assign tenants to a capture unit",
    description=(
        "The unit records for them from now on. Tenants that it has already stay, and are no error (ours). "
        f"{callers_text('W41')}"
    ),
    responses={
        200: answer(
            CaptureUnitFound, "The unit as it is now.", _unit_answer("Assigned tenants to capture unit successfully")
        ),
        **refusals(400, 401, 403, 404),
    },
    **_CHANGE,
)

capture_unit_unassign = extend_schema(
    operation_id="core_capture_units_unassign",
    summary="Unassign tenants from a capture unit",
    description=(
        "Tenants that it does not have are no error; its default tenant stays until another default is set (409). Both "
        f"ours. {callers_text('W43')}"
    ),
    responses={
        200: answer(
            CaptureUnitFound, "The unit as it is now.", _unit_answer("Unassigned tenants to capture unit successfully")
        ),
        **refusals(400, 401, 403, 404, 409),
    },
    **_CHANGE,
)

capture_unit_default = extend_schema(
    operation_id="core_capture_units_default",
    tags=[TAG],
    summary="Set the default tenant of a set's units",
    description=(
        "For both units of the set; `data` is a list with both, the named one first. Both must be assigned to the "
        "tenant (409, ours). Null clears the default (ours). The default tenant sees passages whose plate nobody owns. "
        f"{callers_text('W42')}"
    ),
    parameters=_PATH,
    request=UnitDefault,
    responses={
        200: answer(
            CaptureUnitPair,
            "Both units as they are now.",
            {
                "success": True,
                "data": [{**CAPTURE_UNIT, "defaultTenant": _TENANT, "id": unit} for unit in (_RIGHT, _LEFT)],
                "message": "The capture units default tenant is set successfully",
            },
        ),
        **refusals(400, 401, 403, 404, 409),
    },
    examples=[OpenApiExample("Default", {"tenant": _TENANT}, request_only=True)],
)
