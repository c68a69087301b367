"""Reference of capture sets."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from assets.services.rigs import MAX_VIRTUAL
from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.capture_sets import (
    CaptureSetChange,
    CaptureSetCreate,
    CaptureSetFound,
    CaptureSetKind,
    CaptureSetList,
    CaptureSetQuery,
    CaptureSetSearch,
    CaptureSetWordsFound,
)
from inspection_platform.api.core.serializers.common import Done

TAG: Final = "core: capture sets"
_ID: Final = "5bcd7ff9-99cb-43fa-a975-bdc0bb81c1b0"
_PATH: Final = [OpenApiParameter("capture_set_id", OpenApiTypes.UUID, OpenApiParameter.PATH)]
_LENS: Final = {"focalLength": 6, "sensorResolution": 1920, "sensorSize": 11.3}

#: The vendor's samples.
_COMMON: Final[dict[str, Any]] = {
    "captureUnits": [{"side": side, "tenantIds": [_ID], "unitId": _ID} for side in ("left", "right")],
    "countryCode": "NO",
    "label": "return",
    "lenses": {"lens0": _LENS, "lens1": _LENS, "lens2": {**_LENS, "focalLength": 8}},
    "location": "Norway",
    "name": "My first capture set",
    "pipelineMask": ["damage_detection"],
    "priority": 0,
}
GIVEN: Final[dict[str, Any]] = {**_COMMON, "camerasCount": 6}
CAPTURE_SET: Final[dict[str, Any]] = {
    **_COMMON,
    "camerasCount": 4,
    "createdAt": 1652366073,
    "id": _ID,
    "isVirtual": False,
    "modifiedAt": 1652366073,
}
_META: Final = {"currentItemsPerPage": 10, "currentPage": 1, "lastPage": 100, "maxPerPage": 100, "totalItems": 1000}

_WHO_SEES: Final = (
    "A tenant sees the sets that it owns and those of which a unit records for it (ours). Who does not own a set is "
    "told of no other tenants that use it (ours)."
)
_UNITS: Final = (
    "`captureUnits` names one unit for each side. Without `unitId` the unit of that side is meant, or a new one is "
    "made; with it an existing unit of the same tenant takes that side, be it from another set, and the side must be "
    "free (409). `tenantIds` says for whom the unit records; naming a tenant that was not among them, or leaving one "
    "out that was, needs the role in that tenant too. A unit joins with the default tenant of the other one, and that "
    "must be among the tenants of both (409). All of this is ours."
)

capture_sets = extend_schema(
    operation_id="core_capture_sets_list",
    tags=[TAG],
    summary="List capture sets",
    description=(
        f"By name (ours), regular and virtual ones of the tenant worked in. {_WHO_SEES} With `fromAllTenants=true`, "
        "which is for global admins, those of every tenant. With `logos=true` each set has `logos`: signed addresses "
        f"of its tenants' logos by tenant and size (the form is ours). {callers_text('W34')}"
    ),
    parameters=[CaptureSetQuery],
    responses={
        200: answer(
            CaptureSetList,
            "A page of capture sets.",
            {"success": True, "data": {"items": [CAPTURE_SET]}, "meta": _META},
        ),
        **refusals(400, 401, 403),
    },
)

capture_set_create = extend_schema(
    operation_id="core_capture_sets_create",
    tags=[TAG],
    summary="Create a capture set",
    description=(
        "A regular set has one or two units. A virtual one (`virtual=true`) is made without `captureUnits`; a "
        f"tenant has at most {MAX_VIRTUAL} of them (409). Lenses, and numbers of lenses, that are not given get the "
        "defaults. The passages of a set go through its tenant's pipeline without the jobs in `pipelineMask`. The set "
        "belongs to the tenant worked in, or to `tenantId` (ours), where the role counts. "
        f"{_UNITS} {callers_text('W35')}"
    ),
    parameters=[CaptureSetKind],
    request=CaptureSetCreate,
    responses={
        200: answer(Done, "It was created.", {"success": True, "message": "New capture set created"}),
        **refusals(400, 401, 403, 404, 409),
    },
    examples=[OpenApiExample("A pair of units", GIVEN, request_only=True)],
)

capture_set_search = extend_schema(
    operation_id="core_capture_sets_search",
    tags=[TAG],
    summary="Search capture sets",
    description=(
        "The distinct locations that contain `location` and the names that contain `name`, in any case: `it` finds "
        "Italy and Great Britain. In alphabetical order; a list whose pattern is not given is empty (both ours). Looks "
        f"among the sets that the asker sees. {callers_text('W36')}"
    ),
    parameters=[CaptureSetSearch],
    responses={
        200: answer(
            CaptureSetWordsFound,
            "What was found.",
            {"success": True, "data": {"locations": ["Great Britain", "Italy"], "names": ["ex-name", "name example"]}},
        ),
        **refusals(400, 401),
    },
)

capture_set = extend_schema(
    operation_id="core_capture_sets_retrieve",
    tags=[TAG],
    summary="Show a capture set",
    description=f"{_WHO_SEES} {callers_text('W37')}",
    parameters=_PATH,
    responses={
        200: answer(
            CaptureSetFound,
            "The capture set.",
            {
                "success": True,
                "data": {**CAPTURE_SET, "minLicensePlateArea": 25000},
                "message": "Get capture set details",
            },
        ),
        **refusals(401, 404),
    },
)

capture_set_update = extend_schema(
    operation_id="core_capture_sets_partial_update",
    tags=[TAG],
    summary="Change a capture set",
    description=(
        "What is not named stays, units too. A virtual set cannot be modified (409). "
        f"{_UNITS} {callers_text('W38')} The role counts in the tenant that owns the set (ours)."
    ),
    parameters=_PATH,
    request=CaptureSetChange,
    responses={
        200: answer(Done, "It was changed.", {"success": True, "message": "Capture set updated"}),
        **refusals(400, 401, 403, 404, 409),
    },
    examples=[OpenApiExample("Change", {**GIVEN, "minLicensePlateArea": 25000}, request_only=True)],
)
