"""The reviewers' waiting line: who asked for a review when none was free is served, in order, when one appears."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from damages.models import ManualProcessing, ManualStatus, ReviewerQueueEntry, Step
from damages.services.locks import hold, is_taken
from damages.services.roles import step_permit
from tenants.models import GLOBAL_ADMIN, REVIEWER, User


def reviewer_queue_join(*, user: User) -> ReviewerQueueEntry:
    """Put a reviewer at the end of the line; one who stands in it already keeps their place. Raises Forbidden."""
    step_permit(user=user, step=Step.REVIEW)
    return ReviewerQueueEntry.objects.get_or_create(reviewer=user, defaults={"queued_at": timezone.now()})[0]


def reviewer_queue_leave(*, user: User) -> None:
    """Take a reviewer out of the line."""
    ReviewerQueueEntry.objects.filter(reviewer=user).delete()


def reviewers_serve(*, job: ManualProcessing) -> User | None:
    """Give a review that has just become free to who waits longest; None when nobody does or it is not free.

    Runs inside the caller's transaction, which has locked the job's row.
    """
    if job.status != ManualStatus.REVIEW_WAITING or is_taken(job, now=timezone.now()):
        return None
    line = ReviewerQueueEntry.objects.filter(reviewer__in=_reviewers_of(job.tenant_id)).select_related("reviewer")
    entry = line.select_for_update(skip_locked=True, of=("self",)).order_by("queued_at", "id").first()
    if entry is None:
        return None
    hold(job, user=entry.reviewer, step=Step.REVIEW)
    return entry.reviewer


def _reviewers_of(tenant_id: UUID) -> QuerySet[User]:
    """People who may review the tenant's sets."""
    members = Q(groups__name=REVIEWER, memberships__tenant=tenant_id)
    admins = Q(groups__name=GLOBAL_ADMIN) | Q(is_superuser=True)
    return User.objects.filter(members | admins, is_active=True, deleted_at__isnull=True)
