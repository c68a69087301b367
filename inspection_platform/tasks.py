"""Tasks: each claims a row, calls the workflow, finishes the row."""

from __future__ import annotations

import os
import socket
import time
from uuid import UUID

import structlog
from django.core.cache import cache
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from assets.plates import Plate
from assets.services.car_news import CARS_EVENT
from assets.services.routing import ROUTED_EVENT
from damages.services.results import CHANGED_EVENT
from imaging.models import JobRun
from imaging.services.runs import Hopeless, LeaseLost, job_claim, job_fail
from imaging.services.shadows import shadow_next
from inspection_platform import workflow
from inspection_platform.cleanup import cleanup
from inspection_platform.heartbeat import Heartbeat, beat_note
from inspection_platform.invitations import invitation_deliver
from inspection_platform.news import event_deliveries
from tenants.models import Event
from tenants.services.codes import code_send
from tenants.services.deliveries import delivery_attempt

log = structlog.get_logger(__name__)

#: After so many attempts an event is left to people (the admin shows why).
EVENT_ATTEMPTS = 5
#: Seconds for which one task lets candidates look at photos; the sweep asks for the next while nothing else waits.
SHADOW_SECONDS = 20


def run_job(job_id: str) -> None:
    """Run one job of the pipeline, if it is still to be run."""
    job = job_claim(job_id=job_id, worker=_worker())
    if job is None:
        return
    beat_note(job.cluster)
    started = time.monotonic()
    try:
        with Heartbeat(job):
            workflow.CALLABLES[job.name](job)
        workflow.job_done(job)
    except LeaseLost:
        log.warning("job.lease_lost", job=job.name, run=str(job.run_id))
    except Exception as error:
        # Whatever goes wrong belongs to the row, where staff and the sweep see it; the queue must not repeat it too.
        log.exception("job.failed", job=job.name, run=str(job.run_id), attempt=job.attempts)
        _note_failure(job, error)
    else:
        log.info("job.done", job=job.name, run=str(job.run_id), seconds=round(time.monotonic() - started, 2))


def _worker() -> str:
    """Who works here, as job rows name it; asked for each time, since workers are forked."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _note_failure(job: JobRun, error: Exception) -> None:
    hopeless = isinstance(error, Hopeless)
    reason = (str(error) if hopeless else f"{type(error).__name__}: {error}")[:1000]
    try:
        if job_fail(job=job, reason=reason, hopeless=hopeless):
            workflow.give_up(job, reason)
    except LeaseLost:
        log.warning("job.lease_lost", job=job.name, run=str(job.run_id))


def run_shadows() -> None:
    """Let candidates look at photos that wait for them, until somebody else wants this cluster or time is up."""
    until = time.monotonic() + SHADOW_SECONDS
    while time.monotonic() < until and not _others_wait("ml") and shadow_next() is not None:
        pass


def _others_wait(cluster: str) -> bool:
    """Whether the cluster has more to do than the task that asks."""
    return bool(OrmQ.objects.filter(key=cluster)[1:].exists())


def handle_event(event_id: str) -> None:
    """Turn an event into deliveries, once. Failures are counted on its row; after a few of them people must look."""
    events = Event.objects.all_tenants("the news desk handles every tenant's events").filter(pk=event_id)
    try:
        with transaction.atomic():
            event = events.select_for_update().filter(handled_at__isnull=True).first()
            if event is not None:
                _hand_out(event)
                events.update(handled_at=timezone.now(), failure="")
    except Exception as error:
        log.exception("event.failed", event_id=event_id)
        events.update(attempts=F("attempts") + 1, failure=f"{type(error).__name__}: {error}"[:1000])


def _hand_out(event: Event) -> None:
    if event.kind == ROUTED_EVENT:
        workflow.routed(event.subject_id)
    if event.kind == CARS_EVENT:
        workflow.route_waiting(Plate(*plate) for plate in event.payload["plates"])
    if event.kind == CHANGED_EVENT:
        workflow.results_correct(UUID(key) for key in event.payload["image_sets"])
    for delivery in event_deliveries(event):
        async_task("inspection_platform.tasks.deliver", str(delivery.pk), cluster="io", task_name="deliver")


def deliver(delivery_id: str) -> None:
    """Make the due attempt of a delivery."""
    delivery_attempt(delivery_id=UUID(delivery_id))


def send_code(code_id: str) -> None:
    """Draw and send a one-time code. How it went is in its row; nothing secret is an argument or an answer."""
    code_send(code_id=UUID(code_id))


def send_invitation(invitation_id: str) -> None:
    """Send an invitation's message, unless that is done or there is nothing to answer any more."""
    invitation_deliver(invitation_id=UUID(invitation_id))


def clean_up() -> None:
    """Remove what nobody needs any more."""
    for outcome in cleanup():
        log.info("cleanup.done", what=outcome.what, count=outcome.count, failure=outcome.failure)


def heartbeat(cluster: str) -> None:
    """Show that a worker of this cluster takes tasks."""
    beat_note(cluster)
    cache.delete(f"heartbeat-asked:{cluster}")
