"""The lock of a manual job: `holder` and `locked_until`, written only here.

Whoever holds a job stays its holder after the end of the lock until somebody else takes the job, so that a late click
of a person nobody displaced is not lost. All functions run inside the caller's transaction and write conditionally.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from assets.models import ImageSet
from damages.models import ManualProcessing, ManualStatus, ReviewerQueueEntry, Step
from damages.states import WAITING
from tenants.errors import Conflict, NotFound
from tenants.models import User

_TAKEN: Final = "Somebody else is working on this set."


def job_row(image_set: ImageSet) -> ManualProcessing:
    """The set's job, locked for this transaction; NotFound when it never had one."""
    rows = ManualProcessing.objects.of(tenant_of(image_set)).select_for_update(of=("self",))
    job = rows.filter(image_set=image_set).first()
    if job is None:
        raise NotFound("This set has no manual steps.")
    return job


def job_at(image_set: ImageSet, *, step: Step) -> ManualProcessing:
    """The set's job if it is at this step; NotFound, or Conflict when it is not."""
    job = job_row(image_set)
    if job.status != WAITING[step]:
        raise Conflict(f"The set is not waiting for {step.label}: {job.get_status_display()}.")
    return job


def job_held(image_set: ImageSet, *, user: User, step: Step) -> ManualProcessing:
    """The set's job if it is at this step and the person is its holder; NotFound or Conflict otherwise."""
    job = job_at(image_set, step=step)
    if job.holder_id != user.pk:
        raise Conflict("You do not hold this set any more.")
    return job


def is_taken(job: ManualProcessing, *, now: datetime) -> bool:
    """Whether somebody's lock on the job is running."""
    return job.holder_id is not None and job.locked_until is not None and job.locked_until > now


def refuse_if_taken(job: ManualProcessing, *, user: User) -> None:
    """Raise Conflict while somebody else works on the set."""
    if job.holder_id != user.pk and is_taken(job, now=timezone.now()):
        raise Conflict(_TAKEN)


def edit_refusal(job: ManualProcessing, *, user: User) -> str:
    """Why the person may not change damages of the job's set now; empty if they may."""
    if job.holder_id != user.pk and is_taken(job, now=timezone.now()):
        return _TAKEN
    if job.status == ManualStatus.REVIEWED:
        return "The review of this set is finished; reopen it first."
    return ""


def hold(job: ManualProcessing, *, user: User, step: Step) -> None:
    """Lock the job for the person and note them as the step's worker. Raises Conflict when somebody else was first."""
    now = timezone.now()
    job.holder, job.locked_until = user, lock_end(now)
    if step is Step.ANNOTATION:
        job.last_annotator, job.last_annotation_lock_at = user, now
    else:
        job.last_reviewer, job.last_review_lock_at = user, now
    changed = (
        ManualProcessing.objects.of(job.tenant_id).filter(pk=job.pk, status=WAITING[step]).free_for(user, now).update(
            holder=user, locked_until=job.locked_until, modified_at=now,
            last_annotator=job.last_annotator, last_annotation_lock_at=job.last_annotation_lock_at,
            last_reviewer=job.last_reviewer, last_review_lock_at=job.last_review_lock_at,
        )
    )  # fmt: skip
    if not changed:
        raise Conflict(_TAKEN)
    if step is Step.REVIEW:
        # They have what they may have been queueing for; in another tenant's line they keep their place.
        line_of(job.tenant_id).filter(reviewer=user).delete()


def line_of(tenant_id: UUID) -> QuerySet[ReviewerQueueEntry]:
    """Those who wait for the tenant's reviews, and those who wait for any (whether they may do these is not asked)."""
    return ReviewerQueueEntry.objects.filter(Q(tenant=tenant_id) | Q(tenant__isnull=True))


def extend(job: ManualProcessing) -> None:
    """Let the holder's lock begin anew."""
    job.locked_until = lock_end(timezone.now())
    job.save(update_fields=["locked_until", "modified_at"])


def release(job: ManualProcessing) -> None:
    """Put the job back where it waited."""
    job.holder = job.locked_until = None
    job.save(update_fields=["holder", "locked_until", "modified_at"])


def lock_end(now: datetime) -> datetime:
    """When a lock taken or renewed now is over."""
    return now + timedelta(seconds=settings.MANUAL_LOCK_SECONDS)


def tenant_of(image_set: ImageSet) -> UUID:
    """The set's tenant; Conflict for one that belongs to nobody yet."""
    if image_set.tenant_id is None:
        raise Conflict("A set that belongs to no tenant has no manual steps.")
    return image_set.tenant_id
