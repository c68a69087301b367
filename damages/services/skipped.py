"""Skipped manual work that somebody asks for after all."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from damages.models import ManualProcessing, ManualStatus, Step
from damages.querysets import ManualQuerySet
from damages.services.locks import hold
from damages.services.roles import step_permit
from damages.states import WAITING, status_checked
from tenants.models import User
from tenants.scope import Reach


def manual_job_claim_skipped(*, user: User, step: Step, reach: Reach) -> ManualProcessing | None:
    """Give the person a skipped set of their reach for this step, locked, in the queue's order; None without any.

    Their own open job of the step comes first here too, so that asking twice does not hand out two. Raises Forbidden.
    """
    step_permit(user=user, step=step)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).only("id").get(pk=user.pk)
        rows = ManualProcessing.objects.of(reach).select_for_update(skip_locked=True, of=("self",)).in_order()
        job = rows.waiting(step).filter(holder=user).first() or _reopened(_first_skipped(rows), step)
        if job is not None:
            hold(job, user=user, step=step)
    return job


def _first_skipped(rows: ManualQuerySet) -> ManualProcessing | None:
    return rows.filter(status=ManualStatus.SKIPPED, image_set__deleted_at__isnull=True).first()


def _reopened(job: ManualProcessing | None, step: Step) -> ManualProcessing | None:
    if job is None:
        return None
    job.annotation_enabled |= step is Step.ANNOTATION
    job.review_enabled |= step is Step.REVIEW
    job.status = status_checked(job.status, WAITING[step])
    job.is_skipped, job.waiting_since = False, timezone.now()
    job.save()
    return job
