"""Whether the platform works: the database, the workers' heartbeats, the age of the queue."""

from __future__ import annotations

import time
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.models import Min
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from imaging.models import JobRun, JobState

log = structlog.get_logger(__name__)


@never_cache
@require_safe
def report(_request: HttpRequest) -> JsonResponse:
    """200 with the ages (seconds) of heartbeats and queue, null where there is none; 503 only without a database.

    A web server without workers still answers reads and accepts uploads, so their silence is reported, not an error.
    """
    try:
        connection.ensure_connection()
        facts: dict[str, Any] = {"worker": heartbeat_ages(), "queue_age_s": queue_age()}
    except DatabaseError:
        log.exception("health_database_down")
        clusters: dict[str, float | None] = dict.fromkeys(settings.Q_CLUSTER["ALT_CLUSTERS"])
        body = {"status": "down", "database": "down", "worker": clusters, "queue_age_s": None}
        return JsonResponse(body, status=503)
    return JsonResponse({"status": "ok", "database": "ok", **facts})


def heartbeat_ages() -> dict[str, float | None]:
    """Cluster name to the seconds since it last said that it lives; None: never, or too long ago to be kept."""
    keys = {f"worker-heartbeat:{name}": name for name in settings.Q_CLUSTER["ALT_CLUSTERS"]}
    beats = cache.get_many(keys)
    now = time.time()
    return {name: round(max(0.0, now - beats[key]), 1) if key in beats else None for key, name in keys.items()}


def queue_age() -> float:
    """Seconds that the oldest queued job has waited; 0 when nothing waits."""
    jobs = JobRun.objects.all_tenants("the health of the whole installation")
    oldest = jobs.filter(state=JobState.QUEUED).aggregate(oldest=Min("queued_at"))["oldest"]
    return round((timezone.now() - oldest).total_seconds(), 1) if oldest else 0.0
