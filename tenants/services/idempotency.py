"""Idempotency-Key: a request that a client sends twice, since it never saw the answer, is carried out once.

After the IETF draft "The Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header). A row with a
unique digest of who asks for what under which key decides between requests that come at the same time; its conditional
UPDATEs decide everything later.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants.errors import RepeatRefused
from tenants.models import IdempotencyRecord, Tenant
from tenants.services.sealing import digest, seal, unseal

#: How long an answer is kept for repetitions.
KEPT: Final = timedelta(hours=24)
OTHER_REQUEST: Final = "The Idempotency-Key was used for another request."
AT_WORK: Final = "The request with this Idempotency-Key is still being worked on."
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A request under a key: `actor` and `path` are whose key and which call it is, `fingerprint` what was asked."""

    tenant: Tenant | None
    actor: str
    path: str
    key: str
    fingerprint: str

    @property
    def scope(self) -> str:
        """The digest under which its repetitions are found: another tenant, actor or path is another key."""
        tenant_id = str(self.tenant.pk) if self.tenant else None
        return digest(json.dumps([tenant_id, self.actor, self.path, self.key]))


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry a request out and to store its answer."""

    record_id: uuid.UUID
    token: uuid.UUID


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer: its HTTP status, and its content as the caller of `idempotency_store` gave it."""

    status: int
    content: str


def idempotency_begin(*, asked: Asked) -> Claim | StoredAnswer:
    """Claim the request, or get the answer that it had before.

    Raises RepeatRefused if the key stands for another request, or if the first one is still being worked on.
    """
    for _ in range(_TRIES):
        begun = _first(asked) or _repetition(asked)
        if begun is not None:
            return begun
    raise RepeatRefused(AT_WORK)


def idempotency_store(*, claim: Claim, status: int, content: str) -> None:
    """Keep the answer for repetitions, sealed: what it shows may be shown once only."""
    _claimed(claim).update(status=status, sealed_answer=seal(content), modified_at=timezone.now())


def idempotency_release(*, claim: Claim) -> None:
    """Forget the request: it came to nothing, and its repetition is to be carried out."""
    _claimed(claim).delete()


def _rows() -> QuerySet[IdempotencyRecord]:
    return IdempotencyRecord.objects.all_tenants("found by a digest that names the actor; some actors have no tenant")


def _claimed(claim: Claim) -> QuerySet[IdempotencyRecord]:
    return _rows().filter(pk=claim.record_id, claim=claim.token, status__isnull=True)


def _lease_end(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.IDEMPOTENCY_LEASE_SECONDS)


def _first(asked: Asked) -> Claim | None:
    """A claim if the key is new; the unique digest lets one of many through."""
    now = timezone.now()
    record = IdempotencyRecord(
        tenant=asked.tenant, actor=asked.actor, path=asked.path[:500], key=asked.key, digest=asked.scope,
        fingerprint=asked.fingerprint, lease_until=_lease_end(now), expires_at=now + KEPT,
    )  # fmt: skip
    try:
        with transaction.atomic():
            record.save(force_insert=True)
    except IntegrityError:
        return None
    return Claim(record.pk, record.claim)


def _repetition(asked: Asked) -> Claim | StoredAnswer | None:
    """What becomes of a request whose key is known; None if the record changed or vanished meanwhile."""
    now = timezone.now()
    record = _rows().filter(digest=asked.scope).first()
    if record is None:
        return None
    if record.expires_at <= now:
        return _taken_over(record, asked, now)
    if record.fingerprint != asked.fingerprint:
        raise RepeatRefused(OTHER_REQUEST)
    if record.status is not None:
        return StoredAnswer(record.status, unseal(record.sealed_answer))
    if record.lease_until > now:
        raise RepeatRefused(AT_WORK)
    return _taken_over(record, asked, now)


def _taken_over(record: IdempotencyRecord, asked: Asked, now: datetime) -> Claim | None:
    """A claim on a record whose day is over, or whose process died; one conditional UPDATE decides who gets it."""
    token = uuid.uuid4()
    unchanged = _rows().filter(pk=record.pk, claim=record.claim, status=record.status)
    taken = unchanged.update(
        claim=token, fingerprint=asked.fingerprint, status=None, sealed_answer="", lease_until=_lease_end(now),
        expires_at=now + KEPT, modified_at=now,
    )  # fmt: skip
    return Claim(record.pk, token) if taken else None
