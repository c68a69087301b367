"""The keys of capture units' devices: made, recognised, taken back. A device shows its key when it posts recordings."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from assets.models import CaptureUnit
from tenants.errors import Conflict
from tenants.models import User
from tenants.services.rows import row_author
from tenants.services.sealing import digest

#: How far `last_seen_at` may lag: it is a hint for people, not worth a write on every request.
SEEN_EVERY: Final = timedelta(minutes=1)
RANDOM_BYTES: Final = 32


def capture_unit_enrol(*, unit: CaptureUnit, by: User | None = None) -> str:
    """A fresh device key for the unit, to be shown once; a former one opens nothing from now on.

    Only its digest is stored. Raises Conflict for a unit of a rig that is virtual or deleted.
    """
    if unit.capture_set.is_virtual or unit.capture_set.deleted_at is not None:
        raise Conflict("Only a capture unit that is in use can be enrolled.")
    value = secrets.token_urlsafe(RANDOM_BYTES)
    unit.device_key_digest, unit.enrolled_at = digest(value), timezone.now()
    _save(unit, by=by, reason="Enrolled")
    return value


def capture_unit_revoke(*, unit: CaptureUnit, by: User | None = None) -> None:
    """Take the unit's device key back; a second call changes nothing."""
    if unit.device_key_digest:
        unit.device_key_digest, unit.enrolled_at = "", None
        _save(unit, by=by, reason="Device key revoked")


def capture_unit_by_key(value: str) -> CaptureUnit | None:
    """The unit with this device key, if it is in use and its tenant active; it was seen now.

    One query, and one UPDATE at most once a minute.
    """
    now = timezone.now()
    units = CaptureUnit.objects.all_tenants("a device is recognised before its tenant is known")
    unit = (
        units.filter(device_key_digest=digest(value), capture_set__is_virtual=False)
        .filter(capture_set__deleted_at__isnull=True, capture_set__tenant__is_active=True)
        .select_related("capture_set__tenant__settings", "default_tenant")
        .first()
    )
    stale = Q(last_seen_at__isnull=True) | Q(last_seen_at__lte=now - SEEN_EVERY)
    if unit is not None and (unit.last_seen_at is None or unit.last_seen_at <= now - SEEN_EVERY):
        units.filter(stale, pk=unit.pk).update(last_seen_at=now)
        unit.last_seen_at = now
    return unit


def _save(unit: CaptureUnit, *, by: User | None, reason: str) -> None:
    with transaction.atomic():
        row_author(unit, by=by, reason=reason)
        unit.save(update_fields=["device_key_digest", "enrolled_at", "modified_at"])
