"""Reference of groups of tenants."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.common import Done, Paging, Updated
from inspection_platform.api.core.serializers.tenant_groups import NewTenantGroup, TenantGroupChange, TenantGroupList

TAG: Final = "core: tenants"
#: The vendor's sample.
TENANT_GROUPS: Final[list[dict[str, Any]]] = [
    {
        "id": "594302d9-f090-4dce-b7ad-66043c9ae000",
        "members": [
            {"id": "7c81a5ca-3174-4f10-b3b8-9a857fc5d571", "name": "Tenant name"},
            {"id": "acf2461b-0160-4d14-b11b-efae4d66c69b", "name": "Tenant name 2"},
        ],
        "name": "Tenant Group A",
        "powerTenantId": "7c81a5ca-3174-4f10-b3b8-9a857fc5d571",
    },
    {
        "id": "79d9e895-b96c-4574-a059-f8cb7ea0fc57",
        "members": [{"id": "acf2461b-0160-4d14-b11b-efae4d66c69b", "name": "Tenant name 2"}],
        "name": "Tenant Group B",
        "powerTenantId": "acf2461b-0160-4d14-b11b-efae4d66c69b",
    },
]
_META: Final = {"currentItemsPerPage": 10, "currentPage": 1, "lastPage": 1, "maxPerPage": 100, "totalItems": 2}
_POWER: Final = (
    "The power tenant acts for the members in calls that say `masterTenantAction=true`, and only there; it need not be "
    "a member itself (ours)."
)

tenant_groups = extend_schema(
    operation_id="core_auth_tenant_groups_list",
    tags=[TAG],
    summary="List groups of tenants",
    description=f"By name, with their members by name. {_POWER} {callers_text('W16')}",
    parameters=[Paging],
    responses={
        200: answer(
            TenantGroupList,
            "A page of groups.",
            {"success": True, "data": {"items": TENANT_GROUPS}, "expiresIn": 3600, "meta": _META},
        ),
        **refusals(400, 401, 403),
    },
)

tenant_group_create = extend_schema(
    operation_id="core_auth_tenant_groups_create",
    tags=[TAG],
    summary="Create a group of tenants",
    description=f"{_POWER} A tenant that is named twice counts once; a name is taken once. {callers_text('W17')}",
    request=NewTenantGroup,
    responses={
        200: answer(Done, "It is there.", {"success": True, "message": "Added tenant group"}),
        **refusals(400, 401, 403, 404, 409),
    },
    examples=[
        OpenApiExample(
            "A group",
            {
                "members": ["acf2461b-0160-4d14-b11b-efae4d66c69b"],
                "name": "Tenant Group C",
                "powerTenantId": "acf2461b-0160-4d14-b11b-efae4d66c69b",
            },
            request_only=True,
        )
    ],
)

tenant_group_update = extend_schema(
    operation_id="core_auth_tenant_groups_update",
    tags=[TAG],
    summary="Change a group of tenants",
    description=(
        "Changes what is named and leaves the rest; `members` replaces all members, `powerTenantId` null takes the "
        f"power away; a body that names nothing is refused (ours). {callers_text('W18')}"
    ),
    parameters=[OpenApiParameter("group_id", OpenApiTypes.UUID, OpenApiParameter.PATH)],
    request=TenantGroupChange,
    responses={
        200: answer(Updated, "It is changed.", {"success": True, "data": "Updated"}),
        **refusals(400, 401, 403, 404, 409),
    },
    examples=[
        OpenApiExample(
            "Everything",
            {
                "members": ["c1d9f509-d468-4595-ba23-ca40e4d5d256"],
                "name": "Tenant Group Name",
                "powerTenantId": "b1d9f509-d468-4595-ba23-ca40e4d5d256",
            },
            request_only=True,
        )
    ],
)
