"""Who asks the core family: the bearer of an idToken, or of an API key that acts as its user."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from assets.services.device_keys import capture_unit_by_key
from inspection_platform.api.base import Actor, ActorKind
from inspection_platform.api.tokens import token_claims, token_mint
from tenants.asker import Asker, asker_find
from tenants.errors import NotAuthenticated
from tenants.models import ApiKey, Family, Tenant, User
from tenants.phones import e164
from tenants.scope import Reach
from tenants.services.keys import api_key_find

_KIND: Final = "id"
_BEARER: Final = "bearer"
_STAMP_SALT: Final = "inspection_platform.api.core.id_token"
_STAMP_DIGITS: Final = 16


class IdTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <idToken>`."""

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        """The user and actor; None without a bearer token, NotAuthenticated for one that opens nothing (any more)."""
        scheme, _, text = request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() != _BEARER:
            return None
        claims = token_claims(text.strip(), family=Family.CORE, kind=_KIND)
        tenant_id = UUID(claims["tenant"]) if claims["tenant"] else None
        asker = asker_find(UUID(claims["sub"]), tenant_id=tenant_id)
        if asker is None or not constant_time_compare(str(claims.get("pwd")), _password_stamp(asker.user)):
            raise NotAuthenticated("The token is not valid.")
        return asker.user, _actor(asker, kind=ActorKind.BEARER, is_bound=tenant_id is not None)

    def authenticate_header(self, _request: Request) -> str:
        """What a 401 asks for."""
        return 'Bearer realm="core"'


class ApiKeyAuthentication(BaseAuthentication):
    """`x-api-key: <uuid>` in place of a token: acts as the key's user in the key's tenant."""

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        """The user and actor; None without the header, NotAuthenticated for a key that opens nothing (any more)."""
        value = request.headers.get("x-api-key", "").strip()
        if not value:
            return None
        key = api_key_find(family=Family.CORE, value=value)
        asker = asker_find(key.user_id, tenant_id=key.tenant_id) if key and key.user_id else None
        if asker is None:
            raise NotAuthenticated("The API key is not valid.")
        return asker.user, _actor(asker, kind=ActorKind.KEY, is_bound=True, key=key)

    def authenticate_header(self, _request: Request) -> str:
        """What a 401 asks for."""
        return 'Bearer realm="core"'


class DeviceKeyAuthentication(BaseAuthentication):
    """`x-device-key: <key>`: a capture unit, which may post its recordings and nothing else."""

    def authenticate(self, request: Request) -> tuple[None, Actor] | None:
        """The actor, without a user; None without the header, NotAuthenticated for a key that opens nothing."""
        value = request.headers.get("x-device-key", "").strip()
        if not value:
            return None
        unit = capture_unit_by_key(value)
        if unit is None:
            raise NotAuthenticated("The device key is not valid.")
        return None, Actor(
            kind=ActorKind.DEVICE, reach=Reach.some(()), tenant=unit.capture_set.tenant, capture_unit=unit
        )

    def authenticate_header(self, _request: Request) -> str:
        """What a 401 asks for."""
        return 'DeviceKey realm="core"'


def id_token_mint(user: User, tenant: Tenant | None) -> str:
    """The JWT that opens the core family for an hour, with the user and the tenant worked in.

    It ends earlier with the password: a change, wherever it is made, is noticed at the next request.
    """
    claims = {"sub": str(user.pk), "tenant": str(tenant.pk) if tenant else "", "pwd": _password_stamp(user)}
    return token_mint(family=Family.CORE, kind=_KIND, seconds=settings.ACCESS_TOKEN_SECONDS, claims=claims)


def _password_stamp(user: User) -> str:
    """What tells one password from the next and nothing about either: 64 bits of an HMAC of Django's own hash of it."""
    return salted_hmac(_STAMP_SALT, user.get_session_auth_hash(), algorithm="sha256").hexdigest()[:_STAMP_DIGITS]


def is_user_name(user: User, typed: str) -> bool:
    """Whether this is how the person logs in: their phone number, however it is spelt, or verified e-mail address."""
    if "@" in typed:
        return user.email_verified_at is not None and user.email.lower() == typed.strip().lower()
    try:
        return e164(typed) == user.phone
    except ValueError:
        return False


def _actor(asker: Asker, *, kind: ActorKind, is_bound: bool, key: ApiKey | None = None) -> Actor:
    """The actor with the same reach that `reach_of` gives; `is_bound`: the credentials name a tenant to work in.

    NotAuthenticated for somebody who is no member of it any more.
    """
    if is_bound and not asker.role and not asker.is_global_admin:
        raise NotAuthenticated("You do not belong to this tenant any more.")
    own = Reach.some([asker.tenant.pk] if asker.tenant else ())
    return Actor(
        kind=kind,
        reach=Reach.every() if asker.is_global_admin else own,
        tenant=asker.tenant,
        user=asker.user,
        api_key=key,
        groups=asker.groups,
        role=asker.role,
    )
