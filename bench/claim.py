"""Claiming the next manual job at 100,000 image sets, on PostgreSQL, against a bare transaction of two statements."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg

from bench.figure import Figure, clock, not_measured
from bench.installation import prepare

SETS = 100_000
FEW = 1_000
CLAIMS = 200
GOAL_MS = 10.0
NAME = f"claim of the next job at {SETS:,} sets / bare SELECT + UPDATE"
GOAL = f"median < {GOAL_MS:g} ms, same number of queries at {FEW:,}"
_SERVER = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")


def main() -> None:
    """Measure and print the figure as one line of JSON."""
    try:
        with _database() as url:
            os.environ["DATABASE_URL"] = url
            figure = _measure()
    except psycopg.OperationalError as error:
        figure = not_measured(NAME, GOAL, f"no PostgreSQL ({str(error).splitlines()[0]})")
    print(json.dumps([figure.as_json()]))


@contextmanager
def _database() -> Iterator[str]:
    """The address of a database of our own on the server, dropped afterwards."""
    parts = urlsplit(_SERVER)
    name = f"bench_{os.getpid()}"
    with psycopg.connect(_SERVER, autocommit=True, connect_timeout=5) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _measure() -> Figure:
    prepare()
    from django.db import connection

    queue = _Queue(FEW)
    few_ms, few_queries = queue.claims()
    queue.fill(SETS - FEW)
    many_ms, many_queries = queue.claims()
    bare_ms = queue.bare()
    connection.close()
    ok = many_ms < GOAL_MS and few_queries == many_queries
    detail = (
        f"{many_ms:.2f} ms at {SETS:,} sets, {few_ms:.2f} ms at {FEW:,}, bare {bare_ms:.2f} ms;"
        f" {many_queries} queries at {SETS:,}, {few_queries} at {FEW:,}"
    )
    return Figure(NAME, many_ms / bare_ms, GOAL, ok, detail)


class _Queue:
    """A tenant whose image sets wait for annotation."""

    def __init__(self, size: int) -> None:
        from tenants.models import ANNOTATOR, User
        from tenants.services.people import group_assign, membership_set
        from tenants.services.settings import tenant_create

        self.tenant = tenant_create(name="Bench")
        self.people = [User.objects.create_user(f"+47{40_000_000 + n}", None) for n in range(CLAIMS)]
        for person in self.people:
            membership_set(user=person, tenant=self.tenant, role="USER")
            group_assign(user=person, group=ANNOTATOR)
        self.fill(size)

    def fill(self, count: int) -> None:
        """Add waiting sets, spread over priorities and ages."""
        from datetime import timedelta

        from django.db import connection
        from django.utils import timezone

        from assets.models import ImageSet
        from damages.models import ManualProcessing, ManualStatus

        now = timezone.now()
        for start in range(0, count, 5_000):
            sets = [
                ImageSet(tenant=self.tenant, state="ready", recorded_at=now - timedelta(seconds=start + n))
                for n in range(min(5_000, count - start))
            ]
            ImageSet.objects.of(self.tenant.pk).bulk_create(sets)
            ManualProcessing.objects.of(self.tenant.pk).bulk_create(
                ManualProcessing(
                    image_set=item,
                    tenant=self.tenant,
                    status=ManualStatus.ANNOTATION_WAITING,
                    annotation_enabled=True,
                    priority=number % 3,
                    waiting_since=item.recorded_at,
                )
                for number, item in enumerate(sets)
            )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    def claims(self) -> tuple[float, int]:
        """Median of a claim in milliseconds, and how many queries one takes; everything is put back."""
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        from damages.models import ManualProcessing, Step
        from damages.services.manual import manual_job_claim_next
        from tenants.scope import Reach

        times: list[float] = []
        reach = Reach.only(self.tenant.pk)
        with CaptureQueriesContext(connection) as counted:
            manual_job_claim_next(user=self.people[0], step=Step.ANNOTATION, reach=reach)
        for person in self.people[1:]:
            with clock(times):
                manual_job_claim_next(user=person, step=Step.ANNOTATION, reach=reach)
        ManualProcessing.objects.of(self.tenant.pk).update(holder=None, locked_until=None)
        return statistics.median(times) * 1000, len(counted)

    def bare(self) -> float:
        """Median in milliseconds of one transaction that reads one row by its key and writes it."""
        from django.db import connection, transaction

        from damages.models import ManualProcessing

        keys = list(ManualProcessing.objects.of(self.tenant.pk).values_list("pk", flat=True)[:CLAIMS])
        times: list[float] = []
        for key in keys:
            with clock(times), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT id FROM damages_manualprocessing WHERE id = %s FOR UPDATE", [key])
                cursor.execute("UPDATE damages_manualprocessing SET modified_at = now() WHERE id = %s", [key])
        return statistics.median(times) * 1000


if __name__ == "__main__":
    main()
