"""Sessions of the core family: what stands behind a refresh token."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from tenants.errors import NotAuthenticated, NotFound
from tenants.models import AuthSession, Tenant, User
from tenants.services.people import current_tenant_set, reach_of
from tenants.services.sealing import digest

RANDOM_BYTES: Final = 32


def session_open(*, user: User, tenant: Tenant | None) -> tuple[AuthSession, str]:
    """Open a session of REFRESH_TOKEN_SECONDS and return it with its refresh token, which is stored nowhere."""
    session = AuthSession(user=user, tenant=tenant)
    token = f"{session.id.hex}.{secrets.token_urlsafe(RANDOM_BYTES)}"
    session.digest = _digest(token, user)
    session.expires_at = timezone.now() + timedelta(seconds=settings.REFRESH_TOKEN_SECONDS)
    session.save()
    return session, token


def session_find(refresh_token: str) -> AuthSession | None:
    """The living session of this token: not closed, not over, its user active and the password still the same."""
    session_id = _session_id(refresh_token)
    if session_id is None:
        return None
    session = (
        AuthSession.objects.all_tenants("a session is looked up before its tenant is known")
        .filter(pk=session_id, revoked_at__isnull=True, expires_at__gt=timezone.now())
        .filter(user__is_active=True, user__deleted_at__isnull=True)
        .exclude(tenant__is_active=False)
        .select_related("user", "tenant")
        .first()
    )
    if session is None or not constant_time_compare(session.digest, _digest(refresh_token, session.user)):
        return None
    return session


@transaction.atomic
def session_switch(*, session: AuthSession, tenant: Tenant, by: User | None = None) -> None:
    """Let the session, and its person, work in another tenant from now on.

    Raises NotFound for a tenant that the person does not belong to (global admins belong to every active one),
    NotAuthenticated for a session that was closed meanwhile.
    """
    if not tenant.is_active or not reach_of(session.user, tenant).covers(tenant.pk):
        raise NotFound("Tenant not found.")
    now = timezone.now()
    rows = AuthSession.objects.all_tenants("a session moves from one of its person's tenants to another")
    living = rows.filter(pk=session.pk, revoked_at__isnull=True)
    if not living.update(tenant=tenant, last_used_at=now, modified_at=now):
        raise NotAuthenticated("The refresh token is not valid.")
    session.tenant = tenant
    current_tenant_set(user=session.user, tenant=tenant, by=by)


def session_close(*, session: AuthSession) -> None:
    """End one session (logout)."""
    session.revoked_at = timezone.now()
    session.save(update_fields=["revoked_at", "modified_at"])


def sessions_close_all(*, user: User) -> int:
    """End every session of the person and return how many were open."""
    now = timezone.now()
    rows = AuthSession.objects.all_tenants("a person's sessions end in every tenant")
    return rows.filter(user=user, revoked_at__isnull=True).update(revoked_at=now, modified_at=now)


def _digest(token: str, user: User) -> str:
    """The digest binds the token to the password: a change, wherever it is made, ends the session."""
    return digest(f"{token}:{user.get_session_auth_hash()}")


def _session_id(token: str) -> UUID | None:
    try:
        return UUID(hex=token.partition(".")[0])
    except ValueError:
        return None
