"""Deliveries: rendered messages on their way out. The row is the queue; a lease says who is sending.

At least once: a worker that dies between the receiver's 2xx and our record of it leaves a message that is sent again
with the same `webhook-id`, by which the receiver knows it. Once a 2xx is recorded nothing is sent any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from tenants.errors import Conflict, NotFound
from tenants.models import Channel, Delivery, DeliveryAttempt, DeliveryState, Event, Webhook
from tenants.outbound import OutboundError, OutboundFailed, send, sign
from tenants.services.retries import may_resume, retry_at
from tenants.services.rows import row_check
from tenants.services.sealing import SealBroken
from tenants.services.secrets import signing_secrets_valid
from tenants.services.webhooks import headers_seal, headers_unseal

#: Tries during which an earlier message to the same receiver holds back the later ones of its key.
ORDERED_TRIES: Final = 3
#: What a lease lasts beyond the longest send: time to write down how it went.
LEASE_MARGIN_S: Final = 60
#: Shorter words of a header are no secrets; removing them from an answer would make it unreadable.
SHORTEST_SECRET: Final = 6

_WORKER: Final = "the worker delivers for every tenant"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one try went; `status` is None when nobody answered, `error` "" when the receiver took the message."""

    status: int | None = None
    error: str = ""
    excerpt: str = ""
    elapsed_s: float = 0.0


def delivery_create(
    *,
    event: Event,
    tenant_id: UUID,
    family: str,
    target: str,
    body: str,
    retry_delays: Sequence[int],
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    webhook: Webhook | None = None,
) -> Delivery:
    """Queue `body` for the receiver at `target`; the same event, family and target again returns the first one.

    `retry_delays` are the seconds before each further try. Headers are sealed. Raises Invalid for a target or method
    that does not fit its column.
    """
    new = Delivery(
        tenant_id=tenant_id,
        event=event,
        webhook=webhook,
        family=family,
        method=method,
        target=target,
        body=body,
        sealed_headers=headers_seal(headers),
        ordering_key=event.ordering_key,
        sequence=event.sequence,
        retry_delays=list(retry_delays),
        next_attempt_at=timezone.now(),
    )
    row_check(new, exclude=("tenant", "event", "webhook", "retry_delays"))
    rows = Delivery.objects.of(tenant_id)
    rows.bulk_create([new], ignore_conflicts=True)
    return rows.get(event=event, family=family, target=target)


def deliveries_due(*, now: datetime, limit: int) -> list[UUID]:
    """The ids of up to `limit` deliveries that may be sent now, the longest waiting first.

    Due are waiting ones whose time has come and those whose worker vanished (its lease is over). Of one ordering key
    and receiver only the earliest is due while it has had fewer than three tries.
    """
    # Ordered by the index alone: a further column would sort, and so judge, every due row before the limit.
    return list(_due(now).order_by("next_attempt_at").values_list("pk", flat=True)[:limit])


def delivery_attempt(*, delivery_id: UUID) -> Delivery:
    """Claim the delivery if it is due, send it outside any transaction, write down how it went, and return the row.

    Nothing is sent when somebody else holds it or it is not due; the row then tells how things are. 2xx delivers;
    410 ends it for good; after anything else the schedule goes on, or the delivery is given up at its end. Raises
    NotFound for an unknown id.
    """
    claimed = _claim(delivery_id, timezone.now())
    if claimed is not None:
        _record(claimed, _send(claimed), timezone.now())
    return _row(delivery_id)


def delivery_send_again(*, delivery: Delivery) -> Delivery:
    """Give the delivery a new life: due now, with its whole schedule before it; the tries so far stay on record.

    Raises Conflict while it is being sent.
    """
    now = timezone.now()
    rows = Delivery.objects.of(delivery.tenant_id).filter(pk=delivery.pk)
    renewed = rows.exclude(state=DeliveryState.SENDING, lease_until__gt=now).update(
        state=DeliveryState.WAITING,
        attempts=0,
        next_attempt_at=now,
        lease_until=None,
        delivered_at=None,
        modified_at=now,
    )
    if not renewed:
        raise Conflict("This message is being sent at this moment.")
    return _row(delivery.pk)


def _row(delivery_id: UUID) -> Delivery:
    row = Delivery.objects.all_tenants(_WORKER).filter(pk=delivery_id).select_related("tenant", "event").first()
    if row is None:
        raise NotFound("No such delivery.")
    return row


def _due(now: datetime) -> QuerySet[Delivery]:
    """Rows that may be claimed: a range of the index `delivery_due`.

    A claim moves `next_attempt_at` to the end of its lease, so that one comparison covers rows whose worker vanished.
    """
    rows = Delivery.objects.all_tenants(_WORKER).filter(
        Q(state=DeliveryState.WAITING) | Q(state=DeliveryState.SENDING, lease_until__lte=now),
        next_attempt_at__lte=now,
        channel=Channel.HTTP,
    )
    return rows.exclude(~Q(ordering_key="") & Exists(_earlier()))


def _earlier() -> QuerySet[Delivery]:
    """Messages that an outer one has to wait for. `attempts` counts the try that is being made, too."""
    tries = Q(state=DeliveryState.WAITING, attempts__lt=ORDERED_TRIES)
    trying = Q(state=DeliveryState.SENDING, attempts__lte=ORDERED_TRIES)
    return Delivery.objects.all_tenants(_WORKER).filter(
        tries | trying,
        tenant=OuterRef("tenant"),
        family=OuterRef("family"),
        target=OuterRef("target"),
        ordering_key=OuterRef("ordering_key"),
        sequence__lt=OuterRef("sequence"),
    )


def _claim(delivery_id: UUID, now: datetime) -> Delivery | None:
    """The delivery under a lease of ours, or None. One conditional UPDATE decides between two claimers."""
    before = _row(delivery_id)
    lease = now + timedelta(seconds=settings.DELIVERY_SECONDS + LEASE_MARGIN_S)
    unchanged = _due(now).filter(pk=delivery_id, state=before.state, attempts=before.attempts)
    if not unchanged.update(
        state=DeliveryState.SENDING,
        attempts=F("attempts") + 1,
        lease_until=lease,
        next_attempt_at=lease,
        modified_at=now,
    ):
        return None
    claimed = _row(delivery_id)
    if before.state == DeliveryState.SENDING:
        return _resume(claimed, now)
    return claimed


def _resume(delivery: Delivery, now: datetime) -> Delivery | None:
    """Put the interrupted try on record; give the delivery up if it keeps losing its workers."""
    _record_try(delivery, Outcome(error="The worker vanished during this try."))
    if may_resume(attempts=delivery.attempts - 1, delays=delivery.retry_delays):
        return delivery
    _held(delivery).update(
        state=DeliveryState.FAILED, next_attempt_at=None, lease_until=None, modified_at=now,
        last_error="Given up: the worker vanished during every try.",
    )  # fmt: skip
    return None


def _send(delivery: Delivery) -> Outcome:
    """Send once; whatever of headers and secrets the receiver echoes is taken out of what will be stored."""
    try:
        headers = headers_unseal(delivery.sealed_headers)
        secrets = signing_secrets_valid(delivery.tenant)
    except SealBroken as error:
        return Outcome(error=str(error))
    if not secrets:
        return Outcome(error="The tenant has no signing secret.")
    return _redacted(_post(delivery, headers, secrets), [*headers.values(), *secrets])


def _post(delivery: Delivery, headers: Mapping[str, str], secrets: Sequence[str]) -> Outcome:
    body = delivery.body.encode()
    # The id is the message's, the same on every try: by it the receiver recognises a repetition.
    signature = sign(secrets, msg_id=str(delivery.pk), timestamp=timezone.now(), body=body)
    own = {"content-type": "application/json"} | {name.lower(): value for name, value in headers.items()}
    try:
        answer = send(
            delivery.method, delivery.target, body=body, headers=own | signature, deadline_s=settings.DELIVERY_SECONDS
        )
    except OutboundError as failure:
        status = failure.status if isinstance(failure, OutboundFailed) else None
        return Outcome(status=status, error=failure.reason)
    error = "" if answer.ok else f"The receiver answered with status {answer.status}."
    return Outcome(answer.status, error, answer.excerpt, answer.elapsed_s)


def _redacted(outcome: Outcome, secrets: Sequence[str]) -> Outcome:
    words = {word for secret in secrets for word in (secret, *secret.split()) if len(word) >= SHORTEST_SECRET}
    error, excerpt = outcome.error, outcome.excerpt
    for word in sorted(words, key=len, reverse=True):
        error, excerpt = error.replace(word, "***"), excerpt.replace(word, "***")
    return Outcome(outcome.status, error, excerpt, outcome.elapsed_s)


@transaction.atomic
def _record(delivery: Delivery, outcome: Outcome, now: datetime) -> None:
    """Write down a try and where the delivery stands after it."""
    _record_try(delivery, outcome)
    if outcome.error:
        _record_failure(delivery, outcome, now)
    else:
        _record_success(delivery, outcome, now)


def _record_success(delivery: Delivery, outcome: Outcome, now: datetime) -> None:
    """Delivered is delivered, also if the lease ran out meanwhile and somebody else is at it again."""
    Delivery.objects.of(delivery.tenant_id).filter(pk=delivery.pk).update(
        state=DeliveryState.DELIVERED, delivered_at=now, next_attempt_at=None, lease_until=None, modified_at=now,
        last_status=outcome.status, last_error="",
    )  # fmt: skip


def _record_failure(delivery: Delivery, outcome: Outcome, now: datetime) -> None:
    """Back to the schedule or given up; only by whoever still holds the lease."""
    again = retry_at(attempts=delivery.attempts, delays=delivery.retry_delays, failed_at=now)
    if outcome.status == HTTPStatus.GONE:
        again = None
    _held(delivery).update(
        state=DeliveryState.WAITING if again else DeliveryState.FAILED, next_attempt_at=again, lease_until=None,
        modified_at=now, last_status=outcome.status, last_error=outcome.error,
    )  # fmt: skip


def _held(delivery: Delivery) -> QuerySet[Delivery]:
    """The row while our lease on it stands."""
    rows = Delivery.objects.of(delivery.tenant_id)
    return rows.filter(pk=delivery.pk, state=DeliveryState.SENDING, lease_until=delivery.lease_until)


def _record_try(delivery: Delivery, outcome: Outcome) -> None:
    tries = DeliveryAttempt.objects.of(delivery.tenant_id).filter(delivery=delivery)
    DeliveryAttempt(
        delivery=delivery,
        number=tries.count() + 1,
        status=outcome.status,
        error=outcome.error,
        excerpt=outcome.excerpt,
        elapsed_ms=round(outcome.elapsed_s * 1000),
    ).save()
