"""Clean-up of codes, logins and stored answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from tenants.models import AuthSession, CodePurpose, IdempotencyRecord, OneTimePassword
from tenants.services.batches import rows_delete
from tenants.services.cleanup import auth_sessions_prune, idempotency_prune, one_time_codes_prune
from tenants.services.idempotency import Asked, Claim, idempotency_begin, idempotency_store
from tenants.services.sessions import session_close, session_open
from tests.factories import House

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
Prune = Callable[..., int]


def both_ways(prune: Prune, now: datetime) -> int:
    """What a dry run counts and what is then removed: the same."""
    counted = prune(now=now, dry_run=True)
    assert prune(now=now) == counted
    assert prune(now=now) == 0
    return counted


def test_codes_used_or_expired_go(ours: House) -> None:
    now = timezone.now()

    def code(expires: timedelta, used: bool) -> OneTimePassword:
        return OneTimePassword.objects.create(
            user=ours.staff, purpose=CodePurpose.RESET, digest="x", expires_at=now + expires,
            used_at=now if used else None,
        )  # fmt: skip

    code(-HOUR, used=False), code(HOUR, used=True), code(timedelta(0), used=False)
    good = code(HOUR, used=False)
    assert both_ways(one_time_codes_prune, now) == 3
    assert OneTimePassword.objects.get() == good


def test_logins_closed_or_expired_go(ours: House, outsider: House) -> None:
    good, _ = session_open(user=ours.staff, tenant=ours.tenant)
    closed, _ = session_open(user=ours.staff, tenant=ours.tenant)
    session_close(session=closed)
    session_open(user=outsider.staff, tenant=outsider.tenant)
    AuthSession.objects.of(outsider.tenant.pk).update(expires_at=timezone.now() - HOUR)
    assert both_ways(auth_sessions_prune, timezone.now()) == 2
    assert AuthSession.objects.all_tenants("test").get() == good


def test_stored_answers_go_after_their_day(ours: House) -> None:
    for key in ("answered", "lost", "at work"):
        asked = Asked(tenant=ours.tenant, actor="key:1", path="/x", key=key, fingerprint="f")
        claim = idempotency_begin(asked=asked)
        assert isinstance(claim, Claim)
        if key == "answered":
            idempotency_store(claim=claim, status=200, content="{}")
    assert both_ways(idempotency_prune, timezone.now() + 23 * HOUR) == 0
    later = timezone.now() + 25 * HOUR
    IdempotencyRecord.objects.of(ours.tenant.pk).filter(key="at work").update(lease_until=later + HOUR)
    assert both_ways(idempotency_prune, later) == 2
    assert IdempotencyRecord.objects.of(ours.tenant.pk).get().key == "at work"


def test_deleting_asks_a_constant_number_of_rows_at_a_time(ours: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenants.services.batches.batch_lock.__kwdefaults__", {"size": 4})
    for _ in range(9):
        session_open(user=ours.staff, tenant=ours.tenant)
    rows = AuthSession.objects.of(ours.tenant.pk)
    assert rows_delete(rows.filter(user=ours.staff)) == 9
    assert not rows.exists()
