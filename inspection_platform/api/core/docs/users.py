"""Reference of people's accounts."""

from __future__ import annotations

from typing import Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.common import Done

TAG: Final = "core: auth"

user_delete = extend_schema(
    operation_id="core_auth_users_delete",
    tags=[TAG],
    summary="Delete an account",
    description=(
        "Tokens and keys of the person open nothing from this moment on. What they decided stays, by a 'deleted user'; "
        "name, phone number and addresses are erased, and the number may register again. The last global admin cannot "
        f"be deleted: 409. All this is ours. {callers_text('W27')}"
    ),
    parameters=[OpenApiParameter("user_id", OpenApiTypes.UUID, OpenApiParameter.PATH)],
    responses={
        200: answer(
            Done,
            "It is deleted.",
            {"success": True, "message": "User b1d9f509-d468-4595-ba23-ca40e4d5d256 has been deleted"},
        ),
        **refusals(401, 403, 404, 409),
    },
)
