"""Reference of tenants, their settings, and who belongs to them."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.common import Done, Paging, Updated
from inspection_platform.api.core.serializers.profile import NamesQuery
from inspection_platform.api.core.serializers.tenants import (
    Assignment,
    MembershipsFound,
    NewTenant,
    PeopleMemberships,
    SettingsChange,
    TenantFound,
    TenantList,
    Unassignment,
)
from tenants.catalogue import CAMERAS, DEFAULT_FRAME_LIMITS

TAG: Final = "core: tenants"
_PATH: Final = [OpenApiParameter("tenant_id", OpenApiTypes.UUID, OpenApiParameter.PATH)]
_META: Final = {"currentItemsPerPage": 10, "currentPage": 1, "lastPage": 2, "maxPerPage": 100, "totalItems": 15}
#: The vendor's samples; `minDamagesForManualProcessing` is shown as well as taken (ours).
SETTINGS: Final[dict[str, Any]] = {
    "damageDetectionServiceEnabled": True,
    "expiryAfter": 42,
    "faceblurServiceEnabled": dict.fromkeys(CAMERAS, False),
    "isHandicapped": True,
    "manualAnnotationEnabled": False,
    "manualReviewEnabled": False,
    "maxFramesForCameras": dict(DEFAULT_FRAME_LIMITS),
    "minDamagesForManualProcessing": 0,
    "newDamageNotification": False,
    "turnaroundConfiguration": {"isEnabled": True, "threshold": 14400},
}
MEMBERSHIP: Final[dict[str, Any]] = {
    "availableRoles": ["USER", "ADMIN_TENANT"],
    "name": "Tenant name",
    "role": "USER",
    "settings": {"expiryAfter": 0, "manualAnnotationEnabled": True},
}
_TENANTS: Final = {"0f8ca2a0-ce75-4015-b65a-d731f5b791d1": MEMBERSHIP}
_PERSON: Final = "533c1e58-27ed-461b-8ccd-982eb6ca71b8"
_MEMBERSHIPS: Final = answer(
    MembershipsFound, "The person's tenants now.", {"success": True, "data": {_PERSON: {"tenants": _TENANTS}}}
)
_WHOSE: Final = (
    "All tenants that are named or none. The caller has to administer every one of them and to know the person, that "
    "is, to share a tenant with them; others are invited on the staff pages, where they accept or decline (ours), or "
    "assigned by a global admin. It holds at once. The answer shows the tenants that the caller may know."
)

tenants = extend_schema(
    operation_id="core_auth_tenants_list",
    tags=[TAG],
    summary="List tenants",
    description=f"By name (ours). {callers_text('W19')}",
    parameters=[Paging],
    responses={
        200: answer(
            TenantList,
            "A page of tenants.",
            {
                "success": True,
                "data": {
                    "items": [
                        {"id": "594302d9-f090-4dce-b7ad-66043c9ae000", "name": "Tenant A"},
                        {"id": "79d9e895-b96c-4574-a059-f8cb7ea0fc57", "name": "Tenant B"},
                    ]
                },
                "expiresIn": 3600,
                "meta": _META,
            },
        ),
        **refusals(400, 401, 403),
    },
)

tenant_create = extend_schema(
    operation_id="core_auth_tenants_create",
    tags=[TAG],
    summary="Create a tenant",
    description=f"With default settings and nobody in it; a name is taken once (ours). {callers_text('W20')}",
    request=NewTenant,
    responses={
        200: answer(Done, "It is there.", {"success": True, "message": "Added tenant"}),
        **refusals(400, 401, 403, 409),
    },
    examples=[OpenApiExample("A tenant", {"name": "Tenant C"}, request_only=True)],
)

tenant = extend_schema(
    operation_id="core_auth_tenants_retrieve",
    tags=[TAG],
    summary="Show a tenant with its settings",
    description=f"For the tenant's members, also while they work in another one (ours). {callers_text('W24')}",
    parameters=_PATH,
    responses={
        200: answer(
            TenantFound,
            "The tenant.",
            {
                "success": True,
                "data": {
                    "id": "71fdd0e3-b5fc-4148-afd6-c07ca800dd74",
                    "name": "germany-testing",
                    "settings": SETTINGS,
                },
            },
        ),
        **refusals(401, 404),
    },
)

tenant_update = extend_schema(
    operation_id="core_auth_tenants_update",
    tags=[TAG],
    summary="Change a tenant's settings",
    description=(
        "What is named changes, the rest stays. An unknown key or a wrong value is named in `errors` by its dotted key "
        "(`turnaroundConfiguration.threshold`), and nothing of the request is stored. `publishResult` (`afterModels`, "
        "`afterReview`) and `timeZone` (of the stations, for the staff pages) are ours. If "
        "`turnaroundConfiguration.isEnabled` is false, all passages are rental; otherwise a passage is a turnaround "
        f"when pickup and return are less than `threshold` seconds apart. {callers_text('W25')} The role counts in the "
        "tenant that changes."
    ),
    parameters=_PATH,
    request=SettingsChange,
    responses={
        200: answer(Updated, "They are changed.", {"success": True, "data": "Updated"}),
        **refusals(400, 401, 403, 404),
    },
    examples=[
        OpenApiExample(
            "Some settings",
            {
                "settings": {
                    "expiryAfter": 42,
                    "faceblurServiceEnabled": {"frontLeft": True},
                    "manualAnnotationEnabled": True,
                    "minDamagesForManualProcessing": 5,
                    "turnaroundConfiguration": {"isEnabled": True, "threshold": 14400},
                }
            },
            request_only=True,
        )
    ],
)

_BODY: Final = {
    "tenants": [{"role": "ADMIN_TENANT", "tenantId": "3bfd3a56-c2ea-41e5-92c3-aa295b24637b"}],
    "user": "582d4140-bfd1-4afc-bb47-420a9694e3fc",
}

tenant_assign = extend_schema(
    operation_id="core_auth_tenants_assign",
    tags=[TAG],
    summary="Give a person roles in tenants",
    description=f"Whoever is a member already gets the role that is named. {_WHOSE} {callers_text('W21')}",
    request=Assignment,
    responses={200: _MEMBERSHIPS, **refusals(400, 401, 403, 404)},
    examples=[OpenApiExample("An admin", _BODY, request_only=True)],
)

_UNASSIGN: Final[dict[str, Any]] = {
    "tags": [TAG],
    "request": Unassignment,
    "responses": {200: _MEMBERSHIPS, **refusals(400, 401, 403, 404)},
    "examples": [OpenApiExample("One tenant", _BODY, request_only=True)],
}

tenant_unassign = extend_schema(
    operation_id="core_auth_tenants_unassign",
    summary="Take a person out of tenants",
    description=(
        "`role` may be there, as in the vendor's sample, and is ignored; 404 for somebody who is no member of one of "
        f"the tenants (ours). {_WHOSE} {callers_text('W22')}"
    ),
    **_UNASSIGN,
)

tenant_unassign_delete = extend_schema(
    operation_id="core_auth_tenants_unassign_delete",
    summary="Take a person out of tenants (DELETE)",
    description=(
        "As the POST, with the same body `{user, tenants}`: the vendor's page has lost the method, so both are served "
        f"(ours). {callers_text('W22')}"
    ),
    **_UNASSIGN,
)

tenant_users = extend_schema(
    operation_id="core_auth_tenants_users",
    tags=[TAG],
    summary="Tell people's tenants and groups",
    description=(
        "People whom the caller shares no tenant with are left out, and so are tenants that the caller does not belong "
        f"to (ours). {callers_text('W23')}"
    ),
    parameters=[NamesQuery],
    responses={
        200: answer(
            PeopleMemberships,
            "People by id.",
            {
                "success": True,
                "data": {
                    _PERSON: {
                        "groups": ["ANNOTATOR"],
                        "tenants": {
                            "0f8ca2a0-ce75-4015-b65a-d731f5b791d1": {
                                **MEMBERSHIP,
                                "name": "Witek's Garage",
                                "role": "ADMIN_TENANT",
                            }
                        },
                    }
                },
            },
        ),
        **refusals(400, 401),
    },
)
