"""The secrets that sign what a tenant receives."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tenants.errors import Invalid
from tenants.models import SigningSecret, Tenant, User
from tenants.outbound import secret_new
from tenants.outbound.signing import SECRET_PREFIX
from tenants.services.rows import row_author
from tenants.services.sealing import seal, unseal

#: How long a replaced secret goes on signing beside the new one, so that receivers can change over.
ROTATION: Final = timedelta(hours=24)
HINT_LENGTH: Final = 4
SHORTEST: Final = 24
LONGEST: Final = 64


def signing_secret_rotate(
    *, tenant: Tenant, value: str | None = None, overlap: timedelta = ROTATION, by: User | None = None
) -> str:
    """Give the tenant a new secret and return it (`whsec_` + base64); the former one signs for `overlap` more.

    A third one, still valid from a rotation before, stops at once: never more than two are valid. `value` sets the
    secret instead of drawing one; Invalid unless it has that form with 24 to 64 bytes.
    """
    secret = secret_new() if value is None else _checked(value)
    now = timezone.now()
    with transaction.atomic():
        # Two rotations at once would both retire the same secret; the tenant's row makes them take turns.
        Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        secrets = SigningSecret.objects.of(tenant.id)
        secrets.filter(retires_at__gt=now).update(retires_at=now, modified_at=now)
        secrets.filter(retires_at__isnull=True).update(retires_at=now + overlap, modified_at=now)
        row = SigningSecret(tenant=tenant, sealed_value=seal(secret), hint=secret[-HINT_LENGTH:])
        row_author(row, by=by)
        row.save()
    return secret


def _checked(secret: str) -> str:
    """The secret, if it is one by the rules of Standard Webhooks 1.0."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(SECRET_PREFIX) or not SHORTEST <= len(key) <= LONGEST:
        raise Invalid(f"A signing secret is {SECRET_PREFIX} and {SHORTEST} to {LONGEST} bytes in base64.")
    return secret


def signing_secrets_valid(tenant: Tenant) -> list[str]:
    """The secrets that sign now, the newest first: one, or two while a rotation lasts."""
    rows = SigningSecret.objects.of(tenant.id).filter(Q(retires_at__isnull=True) | Q(retires_at__gt=timezone.now()))
    return [unseal(row.sealed_value) for row in rows.order_by("-created_at")]
