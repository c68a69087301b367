"""Reference of login and refresh."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.serializers.auth import CoreLogin, CoreRefresh, LoggedIn, Refreshed

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
        "`Authorization: Bearer`; it is valid for an hour and carries the tenant it is for. Attempts are limited by "
        "user name and by address."
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
