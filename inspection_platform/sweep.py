"""What must not be forgotten: lost jobs and events, deliveries that are due, reviewers who wait in line."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from assets.services.recordings import passages_overdue
from damages.services.reviewers import reviewers_serve_waiting
from imaging.services.runs import jobs_revive
from imaging.services.shadows import shadows_give_up, shadows_wait
from inspection_platform import workflow
from inspection_platform.codes import code_enqueue
from inspection_platform.tasks import EVENT_ATTEMPTS
from tenants.models import Event
from tenants.services.codes import codes_due
from tenants.services.deliveries import deliveries_due

log = structlog.get_logger(__name__)

CLUSTERS = ("ml", "io")
_BATCH = 100
#: Seconds an event may wait for its own task before the sweep asks again.
_EVENT_PATIENCE = 10
#: Seconds between two clean-ups.
_CLEANUP_EVERY = 86_400


def jobs_sweep() -> int:
    """Queue again, or give up, the jobs nobody works on; returns how many."""
    with transaction.atomic():
        again, dead = jobs_revive(idle_clusters=_idle_clusters())
        workflow.enqueue(again)
        for job in dead:
            workflow.give_up(job, job.reason)
    for job in [*again, *dead]:
        log.warning("job.revived" if job in again else "job.given_up", job=job.name, run=str(job.run_id))
    return len(again) + len(dead)


def events_sweep() -> int:
    """Ask again for events whose task was lost: unhandled for a while, and no task waits in `io`; returns how many."""
    if "io" not in _idle_clusters():
        return 0
    patience = timezone.now() - timedelta(seconds=_EVENT_PATIENCE)
    events = Event.objects.all_tenants("the sweep looks after every tenant's events").filter(
        handled_at__isnull=True, modified_at__lt=patience, attempts__lt=EVENT_ATTEMPTS
    )
    ids = list(events.order_by("created_at").values_list("pk", flat=True)[:_BATCH])
    with transaction.atomic():
        for event_id in ids:
            events.filter(pk=event_id).update(modified_at=timezone.now())
            async_task("inspection_platform.tasks.handle_event", str(event_id), cluster="io", task_name="event")
    return len(ids)


def shadows_sweep() -> bool:
    """Let candidates look at photos while nothing waits for the models; returns whether a task was queued for it."""
    shadows_give_up()
    if "ml" not in _idle_clusters() or not shadows_wait():
        return False
    async_task("inspection_platform.tasks.run_shadows", cluster="ml", task_name="shadows")
    return True


def reviewers_sweep() -> int:
    """Give reviews whose lock is over to the reviewers who wait in line; returns how many."""
    return reviewers_serve_waiting()


def deliveries_sweep(asked: dict[str, float], now: float) -> int:
    """Queue the deliveries that are due, each at most every few seconds; returns how many.

    `asked` remembers between calls when a delivery was queued last: a task that waits its turn is not queued twice.
    """
    due = [str(pk) for pk in deliveries_due(now=timezone.now(), limit=_BATCH)]
    fresh = _not_asked_lately(due, asked, now)
    for pk in fresh:
        async_task("inspection_platform.tasks.deliver", pk, cluster="io", task_name="deliver")
    return len(fresh)


def codes_sweep(asked: dict[str, float], now: float) -> int:
    """Queue the one-time codes whose task was lost or whose last try failed; `asked` as above; returns how many."""
    due = [str(pk) for pk in codes_due(now=timezone.now(), limit=_BATCH)]
    fresh = _not_asked_lately(due, asked, now)
    for pk in fresh:
        code_enqueue(pk)
    return len(fresh)


def recordings_sweep() -> int:
    """Send on the passages of which a capture unit has not sent the rest for too long; returns how many."""
    before = timezone.now() - timedelta(seconds=settings.RECORDING_PATIENCE_SECONDS)
    passages = passages_overdue(before=before, limit=_BATCH)
    return sum(_send_on(passage_id) for passage_id in passages)


def _send_on(passage_id: UUID) -> bool:
    """Whether the passage could be sent on; one that cannot must not keep the others, or the loop, from going on."""
    try:
        workflow.recorded_late(passage_id)
    except Exception:
        log.exception("recording.not_sent_on", passage=str(passage_id))
        return False
    log.warning("recording.incomplete", passage=str(passage_id))
    return True


def _not_asked_lately(due: list[str], asked: dict[str, float], now: float) -> list[str]:
    """Those of `due` that were not queued in the last seconds; `asked` notes that they are now, forgets the rest."""
    fresh = [pk for pk in due if now - asked.get(pk, -_EVENT_PATIENCE) >= _EVENT_PATIENCE]
    for pk in set(asked) - set(due):
        del asked[pk]
    asked.update(dict.fromkeys(fresh, now))
    return fresh


def heartbeats_ask() -> None:
    """Ask each cluster for a sign of life, unless the last question still waits for its answer."""
    for cluster in CLUSTERS:
        if cache.add(f"heartbeat-asked:{cluster}", 1, timeout=120):
            async_task("inspection_platform.tasks.heartbeat", cluster, cluster=cluster, task_name="heartbeat")


def cleanup_ask() -> None:
    """Ask for the clean-up once a day, however often this is called and the loop is started."""
    if cache.add("cleanup-asked", 1, timeout=_CLEANUP_EVERY):
        async_task("inspection_platform.tasks.clean_up", cluster="io", task_name="cleanup")


def _idle_clusters() -> set[str]:
    """Clusters without a task that waits or is being worked on."""
    busy = set(OrmQ.objects.values_list("key", flat=True).distinct())
    return set(CLUSTERS) - busy
