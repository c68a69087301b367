"""Reference of API keys."""

from __future__ import annotations

from typing import Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.common import Done
from inspection_platform.api.core.serializers.keys import KeyCreated, KeyFound, NewKey

TAG: Final = "core: auth"
_PATH: Final = [OpenApiParameter("user_id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="Id of the user.")]

api_key_create = extend_schema(
    operation_id="core_auth_api_key_create",
    tags=[TAG],
    summary="Create a person's API key",
    description=(
        "Sent as `x-api-key` in place of a token, the key acts as the user until it is deleted. A user has one: a "
        "second is refused with 409. It is for the tenant that the user works in now (ours); 409 for somebody who "
        f"works in none. {callers_text('W6')}"
    ),
    request=NewKey,
    responses={
        200: answer(
            KeyCreated,
            "The key.",
            {
                "success": True,
                "data": {"apiKey": "bafe0c9c-8c0b-421a-bc1d-de316f83f414"},
                "message": "Api key successfully created",
            },
        ),
        **refusals(400, 401, 403, 404, 409),
    },
    examples=[
        OpenApiExample(
            "For a user",
            {"description": "example description", "userId": "ac821ae7-c4c5-46cb-bc7a-50ceaee1a43e"},
            request_only=True,
        )
    ],
)

api_key_delete = extend_schema(
    operation_id="core_auth_api_key_delete",
    tags=[TAG],
    summary="Delete a person's API key",
    description=(
        "The key opens nothing from this moment on; the user stays, whatever the vendor's message says. 404 also when "
        f"the user has no key. {callers_text('W7')}"
    ),
    parameters=_PATH,
    responses={
        200: answer(Done, "It is deleted.", {"success": True, "message": "User successfully deleted"}),
        **refusals(401, 403, 404),
    },
)

api_key = extend_schema(
    operation_id="core_auth_api_key_retrieve",
    tags=[TAG],
    summary="Show a person's API key",
    description=(
        "The key in clear. Who asked for it is logged (ours). 404 also when the user has no key, 409 when the "
        f"installation has lost the secret that unseals it. {callers_text('W8')}"
    ),
    parameters=_PATH,
    responses={
        200: answer(
            KeyFound,
            "The key.",
            {
                "success": True,
                "data": {
                    "apiKey": "37e401e4-d77f-49ef-8861-4ea1e4f73cd4",
                    "description": "siema eniu",
                    "userId": "ac821ae7-c4c5-46cb-bc7a-50ceaee1a43d",
                },
                "message": "User successfully fetched",
            },
        ),
        **refusals(401, 403, 404, 409),
    },
)
