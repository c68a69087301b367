"""API keys of all four families: issue, find, rotate, reveal, revoke."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from tenants.errors import Conflict, Invalid, NotFound
from tenants.models import GLOBAL_ADMIN, ApiKey, Family, Membership, Tenant, User
from tenants.services.people import reach_of, working_tenant
from tenants.services.rows import row_author, row_check
from tenants.services.sealing import SealBroken, digest, seal, unseal

log = structlog.get_logger(__name__)

#: How far `last_used_at` may lag: it is a hint for people, not worth a write on every request.
TOUCH_EVERY: Final = timedelta(minutes=1)
HINT_LENGTH: Final = 4
RANDOM_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key with what is shown once: its value and, for families that sign, its secret ("" without one)."""

    key: ApiKey
    value: str = field(repr=False)
    secret: str = field(default="", repr=False)


def api_key_issue(
    *,
    tenant: Tenant,
    family: str,
    name: str = "",
    user: User | None = None,
    username: str = "",
    with_secret: bool = False,
    expires_at: datetime | None = None,
    single_use_tokens: bool = False,
    value: str | None = None,
    secret: str | None = None,
    by: User | None = None,
) -> IssuedKey:
    """Create a key of `family`; a core key acts as `user` and there is one per user.

    `value` and `secret` are drawn unless given. Raises Invalid for a core key without a user who belongs to the
    tenant, Conflict when the user has a key already or the value is taken.
    """
    if family == Family.CORE:
        _check_owner(user, tenant)
    issued_value = value or _new_value(family)
    issued_secret = secret or (_new_secret() if with_secret else "")
    key = ApiKey(
        tenant=tenant,
        family=family,
        name=name,
        user=user,
        username=username,
        expires_at=expires_at,
        single_use_tokens=single_use_tokens,
        digest=digest(issued_value),
        sealed_value=seal(issued_value),
        sealed_secret=seal(issued_secret) if issued_secret else "",
        hint=issued_value[-HINT_LENGTH:],
    )
    _store(key, by=by)
    return IssuedKey(key, issued_value, issued_secret)


def core_key_issue(*, user: User, name: str = "", by: User | None = None) -> IssuedKey:
    """A core key that acts as the person in the tenant they work in (`working_tenant`).

    Raises Conflict for somebody who has a key, is not active or works in no tenant, Invalid for too long a name.
    """
    if not user.is_active:
        raise Conflict("The user is not active.")
    if _core_keys(user).exists():
        raise Conflict("The user has an API key already.")
    tenant = working_tenant(user)
    if tenant is None:
        raise Conflict("The user works in no tenant: make them a member of one first.")
    return api_key_issue(tenant=tenant, family=Family.CORE, name=name, user=user, by=by)


def core_key_revoke(*, user: User, by: User | None = None) -> None:
    """Revoke the person's core key; NotFound if there is none."""
    api_key_revoke(key=_core_key(user), by=by)


def core_key_show(*, user: User, by: User) -> IssuedKey:
    """The person's core key in clear; that it was shown, and to whom, is logged.

    Raises NotFound if there is none, Conflict if none of the present sealing keys opens it.
    """
    key = _core_key(user)
    try:
        shown = api_key_reveal(key)
    except SealBroken as error:
        raise Conflict("The key cannot be unsealed any more: delete it and create a new one.") from error
    log.info("api_key_shown", key_id=str(key.pk), user_id=str(user.pk), shown_to=str(by.pk))
    return shown


@transaction.atomic
def api_key_rotate(*, key: ApiKey, by: User | None = None) -> IssuedKey:
    """Replace a key by one with a fresh value (and secret, if it has one) and all else alike; the old one is revoked.

    Raises Conflict for a key that is revoked already, Invalid for a core key whose user has left the tenant.
    """
    old = ApiKey.objects.of(key.tenant_id).select_for_update(of=("self",)).get(pk=key.pk)
    if old.revoked_at is not None:
        raise Conflict("The key is revoked already: issue a new one instead.")
    api_key_revoke(key=old, by=by)
    issued = api_key_issue(
        tenant=old.tenant,
        family=old.family,
        name=old.name,
        user=old.user,
        username=old.username,
        with_secret=bool(old.sealed_secret),
        expires_at=old.expires_at,
        single_use_tokens=old.single_use_tokens,
        by=by,
    )
    key.revoked_at = old.revoked_at
    return issued


def api_key_find(*, family: str, value: str) -> ApiKey | None:
    """The key with this value if it opens the door now: not revoked, not expired, its tenant and user active.

    A core key also needs its user to belong to the tenant still. One query, and one UPDATE at most once a minute.
    """
    return _touched(_opening_keys(family).filter(digest=digest(value)).first())


def api_key_by_id(*, family: str, key_id: uuid.UUID) -> ApiKey | None:
    """The key with this id under the conditions of `api_key_find`, for tokens that stand for a key."""
    return _touched(_opening_keys(family).filter(pk=key_id).first())


def api_key_is_known(*, family: str, value: str) -> bool:
    """Whether there ever was a key with this value: one that `api_key_find` refuses all the same is blocked."""
    keys = ApiKey.objects.all_tenants("a key is looked up before its tenant is known")
    return keys.filter(digest=digest(value), family=family).exists()


def api_key_revoke(*, key: ApiKey, by: User | None = None) -> None:
    """Close the door for this key for good; a second call changes nothing."""
    if key.revoked_at is not None:
        return
    key.revoked_at = timezone.now()
    row_author(key, by=by)
    key.save(update_fields=["revoked_at", "modified_at"])


def api_key_reveal(key: ApiKey) -> IssuedKey:
    """The key with value and secret in clear; SealBroken if the sealing key is lost."""
    return IssuedKey(key, unseal(key.sealed_value), unseal(key.sealed_secret) if key.sealed_secret else "")


def _core_keys(user: User) -> QuerySet[ApiKey]:
    keys = ApiKey.objects.all_tenants("a person has one core key, in whatever tenant it acts")
    return keys.filter(user=user, family=Family.CORE, revoked_at__isnull=True)


def _core_key(user: User) -> ApiKey:
    key = _core_keys(user).first()
    if key is None:
        raise NotFound("API key not found.")
    return key


def _check_owner(user: User | None, tenant: Tenant) -> None:
    if user is None:
        raise Invalid("A core key needs the user it acts as.", {"userId": ["Required."]})
    if not reach_of(user, tenant).covers(tenant.id):
        raise Invalid("The user is not a member of this tenant.", {"userId": ["Not a member of the tenant."]})


def _new_value(family: str) -> str:
    """A fresh value; the core contract prints UUIDs (122 random bits)."""
    return str(uuid.uuid4()) if family in {Family.CORE, Family.PAVE} else secrets.token_urlsafe(RANDOM_BYTES)


def _new_secret() -> str:
    return secrets.token_urlsafe(RANDOM_BYTES)


def _store(key: ApiKey, *, by: User | None) -> None:
    row_check(key)
    row_author(key, by=by)
    try:
        with transaction.atomic():
            key.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("The user already has a key, or the value is taken.") from error


def _owner_is_fine() -> Q:
    """Keys without a person, or of a living person who belongs to the key's tenant or to all."""
    members = Membership.objects.all_tenants("joined to the key's own tenant")
    member = Exists(members.filter(user=OuterRef("user"), tenant=OuterRef("tenant")))
    admin = Exists(User.groups.through.objects.filter(user=OuterRef("user"), group__name=GLOBAL_ADMIN))
    alive = Q(user__is_active=True, user__deleted_at__isnull=True)
    return Q(user__isnull=True) | (alive & (Q(user__is_superuser=True) | Q(member) | Q(admin)))


def _opening_keys(family: str) -> QuerySet[ApiKey]:
    """The keys of a family that open the door now."""
    return (
        ApiKey.objects.all_tenants("a key is looked up before its tenant is known")
        .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now()), _owner_is_fine())
        .filter(family=family, revoked_at__isnull=True, tenant__is_active=True)
        .select_related("tenant", "tenant__settings", "user")
    )


def _touched(key: ApiKey | None) -> ApiKey | None:
    """The key, its last use noted at most once a minute."""
    now = timezone.now()
    if key is not None and (key.last_used_at is None or key.last_used_at <= now - TOUCH_EVERY):
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - TOUCH_EVERY)
        ApiKey.objects.of(key.tenant_id).filter(stale, pk=key.pk).update(last_used_at=now)
        key.last_used_at = now
    return key
