"""Reference of profiles."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.profile import (
    NameList,
    NamesQuery,
    ProfileFound,
    ProfileList,
    ProfileQuery,
    TenantIdList,
)

TAG: Final = "core: profile"
_PATH: Final = [OpenApiParameter("user_id", OpenApiTypes.UUID, OpenApiParameter.PATH)]
#: The vendor's samples.
NAME: Final[dict[str, Any]] = {
    "email": "maren.lundby@wenn.no",
    "firstName": "Maren",
    "id": "f7ba8034-64a6-425c-8629-b283eac794fe",
    "lastName": "Lundby",
    "phone": "+47666555444",
}
PROFILE: Final[dict[str, Any]] = {**NAME, "created": "1606748208.535424", "modified": "1606748298.086604"}
DETAIL: Final[dict[str, Any]] = {
    "email": "maren.lundby@wenn.no",
    "firstName": "Maren",
    "lastName": "Lundby",
    "partnerId": "f7ba8034-64a6-425c-8629-b283eac794fe",
    "phone": "+47666555444",
}
_META: Final = {"currentItemsPerPage": 10, "currentPage": 1, "lastPage": 1, "maxPerPage": 100, "totalItems": 1}

profiles = extend_schema(
    operation_id="core_profile_list",
    tags=[TAG],
    summary="List people",
    description=(
        "By last name, then first name (ours). Tenant admins see the members of the tenants that they administer, or "
        "of the one that `tenant` names; global admins see everybody. `searchBy` looks for a part of the first name, "
        "the last name, both (`First Last`) or the phone number, however its digits are grouped. Deleted people are "
        f"not listed. {callers_text('W1')} The role counts in `tenant`, or without it in the tenant worked in (ours)."
    ),
    parameters=[ProfileQuery],
    responses={
        200: answer(ProfileList, "A page of people.", {"success": True, "data": {"items": [PROFILE]}, "meta": _META}),
        **refusals(400, 401, 403, 404),
    },
)

names = extend_schema(
    operation_id="core_profile_names",
    tags=[TAG],
    summary="Name people by id",
    description=(
        "Ids of people with whom the asker shares no tenant, and ids of nobody, are left out of the answer (ours). "
        f"{callers_text('W2')}"
    ),
    parameters=[NamesQuery],
    responses={
        200: answer(NameList, "The people found.", {"success": True, "data": {"items": [NAME]}}),
        **refusals(400, 401),
    },
)

profile = extend_schema(
    operation_id="core_profile_retrieve",
    tags=[TAG],
    summary="Show a person",
    description=(
        "Somebody with whom the asker shares a tenant, or the asker; global admins may see everybody. "
        f"{callers_text('W3')}"
    ),
    parameters=_PATH,
    responses={
        200: answer(ProfileFound, "The profile.", {"success": True, "data": DETAIL}),
        **refusals(401, 404),
    },
)

profile_tenants = extend_schema(
    operation_id="core_profile_tenants",
    tags=[TAG],
    summary="List a person's tenants",
    description=(
        "Ids of the tenants that the person is a member of, by name (ours); of somebody else only those that the asker "
        f"belongs to as well. Global admins see all. {callers_text('W4')}"
    ),
    parameters=_PATH,
    responses={
        200: answer(
            TenantIdList,
            "Ids of tenants.",
            {"success": True, "data": {"items": ["384f1aaf-2d33-4489-b0d1-d4e8405023de"]}},
        ),
        **refusals(401, 404),
    },
)
