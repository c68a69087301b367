"""`manage.py pulse`: the loop that wakes what is due."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections

from inspection_platform import sweep

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Look each second for due deliveries and codes, every few for lost jobs and events, at times for the rest."""

    help = (
        "Wakes due deliveries and one-time codes each second and revives lost jobs and events. "
        "Runs beside the two queue clusters."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """One switch, for tests and cron."""
        parser.add_argument("--once", action="store_true", help="Look once at everything and stop.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run until a signal ends it."""
        over = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: over.set())
        asked: dict[str, dict[str, float]] = {"deliveries": {}, "codes": {}}
        for turn in itertools.count():
            self._look(turn, asked)
            if options["once"] or over.wait(1):
                return

    def _look(self, turn: int, asked: dict[str, dict[str, float]]) -> None:
        """One look; a database that is away for a moment must not end the loop."""
        try:
            sweep.deliveries_sweep(asked["deliveries"], time.monotonic())
            sweep.codes_sweep(asked["codes"], time.monotonic())
            if turn % 3 == 0:
                sweep.jobs_sweep()
                sweep.events_sweep()
                sweep.reviewers_sweep()
                sweep.shadows_sweep()
            if turn % 20 == 0:
                sweep.recordings_sweep()
                sweep.heartbeats_ask()
                sweep.cleanup_ask()
        except DatabaseError:
            log.exception("pulse.database")
            close_old_connections()
