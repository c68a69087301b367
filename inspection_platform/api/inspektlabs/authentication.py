"""Tokens of this family: they stand for an API key and die with it.

The vendor's pages contradict each other on which token goes into `Authorization`, so either kind opens every call, and
either renews. Ours: an access token lives an hour, a refresh token a day, and nothing is renewed beyond that day.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from inspection_platform.api.base import Actor, ActorKind
from inspection_platform.api.tokens import token_claims, token_mint
from tenants.errors import NotAuthenticated
from tenants.models import ApiKey, Family
from tenants.scope import Reach
from tenants.services.keys import api_key_by_id

ACCESS: Final = "access"
REFRESH: Final = "refresh"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Both tokens of a client; `until` (seconds since 1970) is when the API key has to be shown again."""

    access: str
    refresh: str
    until: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What a valid token stands for."""

    key: ApiKey
    until: int


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access_token or refresh_token>`."""

    def authenticate(self, request: Request) -> tuple[None, Actor] | None:
        """The client behind the token; None without one, NotAuthenticated for one that opens nothing (any more)."""
        scheme, _, text = request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer":
            return None
        key = token_grant(text.strip()).key
        reach = Reach.only(key.tenant_id)
        return None, Actor(kind=ActorKind.BEARER, reach=reach, tenant=key.tenant, api_key=key)

    def authenticate_header(self, _request: Request) -> str:
        """What a 401 asks for."""
        return 'Bearer realm="inspektlabs"'


def tokens_mint(key: ApiKey, *, until: int | None = None) -> Tokens:
    """New tokens of a key: valid for an hour and a day, or up to `until` if that is sooner."""
    now = int(time.time())
    end = until or now + settings.REFRESH_TOKEN_SECONDS
    access = _mint(key, ACCESS, min(settings.ACCESS_TOKEN_SECONDS, end - now), end)
    return Tokens(access, _mint(key, REFRESH, end - now, end), end)


def token_grant(text: str) -> Grant:
    """What a token of either kind stands for; NotAuthenticated if it, or its key, is not valid (any more)."""
    claims = _claims(text)
    key = api_key_by_id(family=Family.INSPEKTLABS, key_id=UUID(claims["key"]))
    if key is None or str(key.tenant_id) != claims["tenant"]:
        raise NotAuthenticated("The API key of this token is not valid any more.")
    return Grant(key, int(claims["until"]))


def _mint(key: ApiKey, kind: str, seconds: int, until: int) -> str:
    claims = {"key": str(key.pk), "tenant": str(key.tenant_id), "until": str(until)}
    return token_mint(family=Family.INSPEKTLABS, kind=kind, seconds=seconds, claims=claims)


def _claims(text: str) -> Any:
    try:
        return token_claims(text, family=Family.INSPEKTLABS, kind=ACCESS)
    except NotAuthenticated:
        return token_claims(text, family=Family.INSPEKTLABS, kind=REFRESH)
