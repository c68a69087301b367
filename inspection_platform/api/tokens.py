"""JSON web tokens of the families: signed with one key, told apart by audience, so that none opens another's door."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import Token

from tenants.errors import NotAuthenticated
from tenants.models import Family


def token_mint(*, family: Family, kind: str, seconds: int, claims: Mapping[str, str]) -> str:
    """A signed token of a family with `claims`, valid for `seconds`; `kind` is `id`, `access`, ...."""
    token = _token_class(family, kind, seconds)()
    for name, value in claims.items():
        token[name] = value
    return str(token)


def token_claims(text: str, *, family: Family, kind: str) -> Mapping[str, Any]:
    """The claims of a token; NotAuthenticated if it is malformed, tampered, expired, of another family or kind."""
    try:
        # mypy takes a Token's own __hash__ for that of its class.
        claims = _verified(text, _token_class(family, kind, 0))  # type: ignore[arg-type]
    except (TokenError, ValueError, OverflowError) as error:
        raise NotAuthenticated("The token is not valid.") from error
    if claims["exp"] <= time.time():
        raise NotAuthenticated("The token is not valid.")
    return claims


@lru_cache(maxsize=4096)
def _verified(text: str, token_class: type[Token]) -> Mapping[str, Any]:
    """The claims of a token whose signature is right: that stays so, while its hour passes."""
    # simplejwt annotates this argument as a Token; it decodes text.
    build: Any = token_class
    return MappingProxyType(build(text).payload)


def _token_class(family: Family, kind: str, seconds: int) -> type[Token]:
    options = settings.SIMPLE_JWT
    return _built(family.value, kind, seconds, options["ALGORITHM"], settings.SECRET_KEY, options["ISSUER"])


@lru_cache(maxsize=64)
def _built(audience: str, kind: str, seconds: int, algorithm: str, secret: str, issuer: str) -> type[Token]:
    """The class of these tokens; building one takes longer than checking a signature."""
    backend = TokenBackend(algorithm, secret, audience=audience, issuer=issuer, leeway=0)
    members = {"token_type": kind, "lifetime": timedelta(seconds=seconds), "_token_backend": backend}
    return type("FamilyToken", (Token,), members)
