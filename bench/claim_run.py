"""Claiming the next manual job at 100,000 image sets, against a bare transaction of two statements."""

from __future__ import annotations

import statistics
from datetime import timedelta

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.models import ImageSet
from bench.claim import CLAIMS, FEW, GOAL, GOAL_MS, NAME, SETS
from bench.figure import Figure, clock
from damages.models import ManualProcessing, ManualStatus, Step
from damages.services.manual import manual_job_claim_next
from tenants.models import ANNOTATOR, Role, Tenant, User
from tenants.scope import Reach
from tenants.services.people import group_assign, membership_set
from tenants.services.settings import tenant_create

_BATCH = 5_000


def figures() -> list[Figure]:
    """The claim at both sizes, and the bare transaction."""
    tenant = tenant_create(name="Bench")
    people = _annotators(tenant)
    _fill(tenant, FEW)
    few_ms, few_queries = _claims(tenant, people)
    _fill(tenant, SETS - FEW)
    many_ms, many_queries = _claims(tenant, people)
    bare_ms = _bare(tenant)
    detail = (
        f"{many_ms:.2f} ms at {SETS:,} sets, {few_ms:.2f} ms at {FEW:,}, bare {bare_ms:.2f} ms;"
        f" {many_queries} queries at {SETS:,}, {few_queries} at {FEW:,}"
    )
    is_met = many_ms < GOAL_MS and few_queries == many_queries
    return [Figure(NAME, many_ms / bare_ms, GOAL, is_met, detail)]


def _annotators(tenant: Tenant) -> list[User]:
    people = [User.objects.create_user(f"+47{40_000_000 + number}", None) for number in range(CLAIMS)]
    for person in people:
        membership_set(user=person, tenant=tenant, role=Role.USER)
        group_assign(user=person, group=ANNOTATOR)
    return people


def _fill(tenant: Tenant, count: int) -> None:
    """Add waiting sets, spread over priorities and ages."""
    now = timezone.now()
    for start in range(0, count, _BATCH):
        sets = [
            ImageSet(tenant=tenant, state="ready", recorded_at=now - timedelta(seconds=start + number))
            for number in range(min(_BATCH, count - start))
        ]
        ImageSet.objects.of(tenant.pk).bulk_create(sets)
        ManualProcessing.objects.of(tenant.pk).bulk_create(
            ManualProcessing(
                image_set=item,
                tenant=tenant,
                status=ManualStatus.ANNOTATION_WAITING,
                annotation_enabled=True,
                priority=number % 3,
                waiting_since=item.recorded_at,
            )
            for number, item in enumerate(sets)
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _claims(tenant: Tenant, people: list[User]) -> tuple[float, int]:
    """Median of a claim in milliseconds, and how many queries one takes; everything is put back."""
    times: list[float] = []
    reach = Reach.only(tenant.pk)
    with CaptureQueriesContext(connection) as counted:
        manual_job_claim_next(user=people[0], step=Step.ANNOTATION, reach=reach)
    for person in people[1:]:
        with clock(times):
            manual_job_claim_next(user=person, step=Step.ANNOTATION, reach=reach)
    ManualProcessing.objects.of(tenant.pk).update(holder=None, locked_until=None)
    return statistics.median(times) * 1000, len(counted)


def _bare(tenant: Tenant) -> float:
    """Median in milliseconds of one transaction that reads one row by its key and writes it."""
    keys = list(ManualProcessing.objects.of(tenant.pk).values_list("pk", flat=True)[:CLAIMS])
    times: list[float] = []
    for key in keys:
        with clock(times), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT id FROM damages_manualprocessing WHERE id = %s FOR UPDATE", [key])
            cursor.execute("UPDATE damages_manualprocessing SET modified_at = now() WHERE id = %s", [key])
    return statistics.median(times) * 1000
