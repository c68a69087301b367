"""Clean-up of what opened doors and opens none any more, and of answers whose day is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from tenants.models import AuthSession, IdempotencyRecord, Invitation, InvitationState, OneTimePassword
from tenants.services.batches import rows_delete

_WHY = "the clean-up looks after every tenant's rows"
#: How long an invitation that made nobody a member is shown.
_INVITATIONS_SHOWN: Final = timedelta(days=90)


def one_time_codes_prune(*, now: datetime, dry_run: bool = False) -> int:
    """Delete codes that were used or have expired."""
    over = Q(used_at__isnull=False) | Q(expires_at__lte=now)
    return rows_delete(OneTimePassword.objects.filter(over), dry_run=dry_run)


def auth_sessions_prune(*, now: datetime, dry_run: bool = False) -> int:
    """Delete sessions that were closed or have expired."""
    over = Q(revoked_at__isnull=False) | Q(expires_at__lte=now)
    return rows_delete(AuthSession.objects.all_tenants(_WHY).filter(over), dry_run=dry_run)


def idempotency_prune(*, now: datetime, dry_run: bool = False) -> int:
    """Delete answers whose day is over, unless the request is being worked on."""
    over = IdempotencyRecord.objects.all_tenants(_WHY).filter(expires_at__lte=now)
    return rows_delete(over.exclude(status__isnull=True, lease_until__gt=now), dry_run=dry_run)


def invitations_prune(*, now: datetime, dry_run: bool = False) -> int:
    """Delete what was typed about people who did not come: invitations long expired, declined or taken back."""
    over = Invitation.objects.all_tenants(_WHY).filter(expires_at__lte=now - _INVITATIONS_SHOWN)
    return rows_delete(over.exclude(state=InvitationState.ACCEPTED), dry_run=dry_run)
