"""Signs of life: of a worker for its job (the lease), and of a cluster for `/healthz`."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection

from imaging.models import JobRun
from imaging.services.runs import job_renew

log = structlog.get_logger(__name__)


class Heartbeat:
    """While the block runs, renew the lease of its job three times per lease, from a thread of its own."""

    def __init__(self, job: JobRun) -> None:
        self._job = job
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(timeout=settings.JOB_LEASE_SECONDS)

    def _beat(self) -> None:
        try:
            while not self._over.wait(settings.JOB_LEASE_SECONDS / 3):
                self._renew()
        finally:
            connection.close()

    def _renew(self) -> None:
        try:
            job_renew(job=self._job)
        except DatabaseError as error:
            # The next beat may get through; if none does, the sweep gives the job to somebody else.
            log.warning("job.renew_failed", job=self._job.name, error=str(error))


def beat_note(cluster: str) -> None:
    """Note that this cluster works, for `/healthz`."""
    cache.set(f"worker-heartbeat:{cluster}", int(time.time()), timeout=3600)
