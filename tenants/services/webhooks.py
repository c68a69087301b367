"""Where a tenant wants to hear of what happens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from tenants.errors import Invalid
from tenants.models import Tenant, User, Webhook
from tenants.outbound import OutboundRefused, check_headers, check_url
from tenants.services.rows import row_author, row_check
from tenants.services.sealing import seal, unseal

EVERY_EVENT = "*"


@transaction.atomic
def webhook_set(
    *,
    tenant: Tenant,
    family: str,
    url: str,
    event: str = EVERY_EVENT,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    extra_payload: Mapping[str, Any] | None = None,
    is_active: bool = True,
    by: User | None = None,
) -> Webhook:
    """Create or replace the tenant's webhook for an event of a family (`*`: all its events).

    Raises Invalid for an address that outbound calls refuse whatever it resolves to, or a header that cannot be sent.
    """
    _check_target(url, headers or {})
    rows = Webhook.objects.of(tenant.id).select_for_update().filter(family=family, event=event)
    webhook = rows.first() or Webhook(tenant=tenant, family=family, event=event)
    webhook.url, webhook.method, webhook.is_active = url, method, is_active
    # The history keeps no secret, so it is told in words that they were replaced.
    reason = "headers replaced" if headers_unseal(webhook.sealed_headers) != dict(headers or {}) else ""
    webhook.sealed_headers = headers_seal(headers)
    webhook.extra_payload = dict(extra_payload or {})
    row_check(webhook)
    row_author(webhook, by=by, reason=reason)
    webhook.save()
    return webhook


def webhooks_for(*, tenant: Tenant, family: str, event: str) -> QuerySet[Webhook]:
    """The active webhooks that want this event."""
    return Webhook.objects.of(tenant.id).filter(family=family, event__in=[event, EVERY_EVENT], is_active=True)


def headers_seal(headers: Mapping[str, str] | None) -> str:
    """Header names and values as one sealed text, "" for none."""
    return seal(json.dumps(dict(headers))) if headers else ""


def headers_unseal(sealed: str) -> dict[str, str]:
    """What `headers_seal` was given."""
    return dict(json.loads(unseal(sealed))) if sealed else {}


def _check_target(url: str, headers: Mapping[str, str]) -> None:
    try:
        check_url(url)
    except OutboundRefused as refusal:
        raise Invalid(f"The address is refused: {refusal.reason}.", {"url": [refusal.reason]}) from refusal
    try:
        check_headers(headers)
    except OutboundRefused as refusal:
        raise Invalid(f"The headers are refused: {refusal.reason}.", {"headers": [refusal.reason]}) from refusal
