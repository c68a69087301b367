"""JSON of tokens."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.conf import settings

from inspection_platform.api.core.presenters.common import success

#: The vendor's own word for a field that has to be there and must not be used.
DEPRECATED: Final = "(deprecated)"


def tokens(id_token: str, *, refresh_token: str | None = None) -> dict[str, Any]:
    """The answer to a login; without `refresh_token` that to a refresh."""
    lifetime = settings.ACCESS_TOKEN_SECONDS
    data = {"accessToken": DEPRECATED, "expiresIn": lifetime, "idToken": id_token}
    if refresh_token is not None:
        data["refreshToken"] = refresh_token
    return success({**data, "tokenType": "Bearer"}, expiresIn=lifetime)


def switched(id_token: str, *, tenant_id: UUID) -> dict[str, Any]:
    """The answer to a change of tenant; here the lifetime stands inside `data` alone."""
    return success(
        {
            "accessToken": DEPRECATED,
            "currentTenant": str(tenant_id),
            "expiresIn": settings.ACCESS_TOKEN_SECONDS,
            "idToken": id_token,
            "tokenType": "Bearer",
        }
    )
