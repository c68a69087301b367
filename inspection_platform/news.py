"""From events to rendered deliveries: who hears what, in which family's words."""

from __future__ import annotations

import json
from uuid import UUID

from django.conf import settings

from damages.models import ResultVersion
from damages.services.results import RESULT_EVENT
from inspection_platform.api.files import file_url
from inspection_platform.api.inspektlabs.presenters import result_json
from tenants.models import Delivery, Event, Family, Webhook
from tenants.services.deliveries import delivery_create


def event_deliveries(event: Event) -> list[Delivery]:
    """Render what the event means to each receiver; made once, however often this is called."""
    if event.kind != RESULT_EVENT:
        return []
    result = (
        ResultVersion.objects.all_tenants("the news desk reads what an event is about")
        .select_related("image_set__submission")
        .get(pk=event.subject_id)
    )
    submission = result.image_set.submission
    if submission is None or submission.family != Family.INSPEKTLABS:
        return []
    receivers = _receivers(submission.tenant_id, submission.callback_url)
    return [_inspektlabs(event, result, submission.tenant_id, target, hook) for target, hook in receivers]


def _receivers(tenant_id: UUID, callback_url: str) -> list[tuple[str, Webhook | None]]:
    """The request's own address wins over the webhook that was configured for the client."""
    if callback_url:
        return [(callback_url, None)]
    hooks = Webhook.objects.all_tenants("the news desk looks up receivers").filter(
        tenant_id=tenant_id, family=Family.INSPEKTLABS, is_active=True, event__in=["*", RESULT_EVENT]
    )
    return [(hook.url, hook) for hook in hooks.order_by("event")[:1]]


def _inspektlabs(event: Event, result: ResultVersion, tenant_id: UUID, target: str, hook: Webhook | None) -> Delivery:
    body = result_json(result.facts, url_for=_signed) | (hook.extra_payload if hook else {})
    return delivery_create(
        event=event,
        tenant_id=tenant_id,
        family=Family.INSPEKTLABS,
        target=target,
        body=json.dumps(body, ensure_ascii=False),
        retry_delays=[settings.INSPEKTLABS_RETRY_SECONDS] * 2,
        method=hook.method if hook else "POST",
        webhook=hook,
    )


def _signed(key: str) -> str:
    return file_url(key, seconds=settings.RESULT_URL_SECONDS)
