"""Shapes of login and refresh."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from inspection_platform.api.core.serializers.common import shape

_MAX_TOKEN = 2000


class CoreLogin(serializers.Serializer[Any]):
    """Credentials (W5)."""

    username = serializers.CharField(max_length=254, help_text="Phone number with country code, or verified e-mail.")
    password = serializers.CharField(max_length=1000, trim_whitespace=False, write_only=True)


class CoreRefresh(serializers.Serializer[Any]):
    """A refresh token and whose it is (W26)."""

    refreshToken = serializers.CharField(max_length=_MAX_TOKEN)
    username = serializers.CharField(max_length=254, help_text="As at the login.")


class TenantSwitch(serializers.Serializer[Any]):
    """The session and the tenant it shall be for (W9)."""

    refreshToken = serializers.CharField(max_length=_MAX_TOKEN)
    tenant = serializers.UUIDField(help_text="A tenant that the user belongs to.")


_TOKEN: Final = serializers.CharField(max_length=_MAX_TOKEN)


def maybe_token(value: object) -> str | None:
    """The refresh token of a body, if the check of the whole will take it for text."""
    try:
        found: str = _TOKEN.run_validation(value)
    except serializers.ValidationError:
        return None
    return found


# --- shapes for the reference ----------------------------------------------------------------------------------------


class IdToken(serializers.Serializer[Any]):
    """A fresh idToken."""

    accessToken = serializers.CharField(help_text="Deprecated: not a token. Send the idToken.")
    expiresIn = serializers.IntegerField(help_text="Seconds.")
    idToken = serializers.CharField(help_text="The JWT to send as `Authorization: Bearer`.")
    tokenType = serializers.CharField()


class Tokens(IdToken):
    """What a login gives."""

    refreshToken = serializers.CharField(help_text="Opaque; not rotated. It ends with logout or a new password.")


LoggedIn = shape(
    "LoggedIn",
    "Answer of a login.",
    success=serializers.BooleanField(),
    data=Tokens(),
    expiresIn=serializers.IntegerField(),
)

Refreshed = shape(
    "Refreshed",
    "Answer of a refresh.",
    success=serializers.BooleanField(),
    data=IdToken(),
    expiresIn=serializers.IntegerField(),
)


class SwitchedToken(IdToken):
    """An idToken for another tenant."""

    currentTenant = serializers.UUIDField()


Switched = shape(
    "Switched",
    "Answer of a change of tenant.",
    success=serializers.BooleanField(),
    data=SwitchedToken(),
)
