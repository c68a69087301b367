"""Reference of login, refresh, and the tenant worked in."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.auth import (
    CoreLogin,
    CoreRefresh,
    LoggedIn,
    Refreshed,
    Switched,
    TenantSwitch,
)

TAG: Final = "core: auth"
_TOKENS: Final[dict[str, Any]] = {
    "accessToken": "(deprecated)",
    "expiresIn": 3600,
    "idToken": "eyJhbGciOiCJ9.eyJzdWIIiwiaTE2MjM5MDIyfQ.SflKSMeKKF2Qssw5ce",
    "tokenType": "Bearer",
}
_REFRESHER: Final = "eysdaJhbGciOiCJ9.eyJzdWIIiwsaiaTE2MjM5MDIyfQ.SflKSMeKKF2Qsdasdassw5ce"

login = extend_schema(
    operation_id="core_auth_login",
    tags=[TAG],
    summary="Log in",
    description=(
        "Phone number (with country code) or verified e-mail address, and password. Send the `idToken` as "
        "`Authorization: Bearer`; it is valid for an hour, a new password ends it at once (ours), and it carries the "
        "tenant it is for. Attempts are limited by user name and by address."
    ),
    auth=[],
    request=CoreLogin,
    responses={
        200: answer(
            LoggedIn,
            "Tokens.",
            {"success": True, "expiresIn": 3600, "data": {**_TOKENS, "refreshToken": _REFRESHER}},
        ),
        **refusals(400, 401, 429),
    },
    examples=[
        OpenApiExample(
            "By phone",
            {"username": "+47000000000", "password": "passwordWithLettersNumbers1SpecialsLike!"},
            request_only=True,
        )
    ],
)

refresh = extend_schema(
    operation_id="core_auth_token_refresh",
    tags=[TAG],
    summary="Exchange a refresh token for a new idToken",
    description="The refresh token is not rotated: the answer holds none. It ends with logout or a new password.",
    auth=[],
    request=CoreRefresh,
    responses={
        200: answer(Refreshed, "A fresh idToken.", {"success": True, "expiresIn": 3600, "data": _TOKENS}),
        **refusals(400, 401),
    },
    examples=[OpenApiExample("Refresh", {"refreshToken": _REFRESHER, "username": "+47000000000"}, request_only=True)],
)

current_tenant = extend_schema(
    operation_id="core_auth_current_tenant",
    tags=[TAG],
    summary="Work in another tenant",
    description=(
        "Gives an idToken for the tenant; the session behind the refresh token and later logins are for it from now "
        "on. 404 for a tenant that the user does not belong to (global admins: that is not active); 401 for a refresh "
        f"token that is not the caller's own (both ours). {callers_text('W9')}"
    ),
    request=TenantSwitch,
    responses={
        200: answer(
            Switched,
            "A fresh idToken.",
            {
                "success": True,
                "data": {
                    "accessToken": "(deprecated)",
                    "currentTenant": "3bfd3a56-c2ea-41e5-92c3-aa295b24637b",
                    "expiresIn": 3600,
                    "idToken": _TOKENS["idToken"],
                    "tokenType": "Bearer",
                },
            },
        ),
        **refusals(400, 401, 404),
    },
    examples=[
        OpenApiExample(
            "Switch",
            {"refreshToken": _REFRESHER, "tenant": "3bfd3a56-c2ea-41e5-92c3-aa295b24637b"},
            request_only=True,
        )
    ],
)
