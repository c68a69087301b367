"""The reviewers' waiting line: who asked for a review when none was free is served, in order, when one appears."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from damages.models import ManualProcessing, ManualStatus, ReviewerQueueEntry, Step
from damages.services.locks import hold, is_taken
from damages.services.roles import step_permit
from tenants.errors import Conflict
from tenants.models import GLOBAL_ADMIN, REVIEWER, User
from tenants.scope import Reach
from tenants.services.people import reach_of


def reviewer_queue_join(*, user: User, reach: Reach) -> ReviewerQueueEntry:
    """Put a reviewer at the end of the line; one who stands in it already keeps their place.

    Reviews within reach that are free at this moment go to the line at once, so the entry returned may have been served
    already. Raises Forbidden, and Conflict for somebody who has a review of this reach.
    """
    step_permit(user=user, step=Step.REVIEW)
    with transaction.atomic():
        # As in a claim: one at a time for each person.
        User.objects.select_for_update(no_key=True).only("id").get(pk=user.pk)
        if ManualProcessing.objects.of(reach).waiting(Step.REVIEW).filter(holder=user).exists():
            raise Conflict("You have a review already: ask for it, and finish it first.")
        entry, _ = ReviewerQueueEntry.objects.get_or_create(reviewer=user, defaults={"queued_at": timezone.now()})
        job = _free_review(reach)
        while job is not None and reviewers_serve(job=job) not in (None, user):
            job = _free_review(reach)
    return entry


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


def reviewers_serve_waiting() -> int:
    """Serve the line with reviews that became free without anybody's doing; returns how many were given away.

    Those are reviews whose lock is over, and one that appeared in the very moment in which a reviewer joined the line.
    """
    line = User.objects.filter(queue_entry__isnull=False).order_by("queue_entry__queued_at", "queue_entry__id")
    return sum(_serve(user) for user in line)


def _serve(user: User) -> bool:
    with transaction.atomic():
        job = _free_review(reach_of(user))
        return job is not None and reviewers_serve(job=job) is not None


def _free_review(reach: Reach) -> ManualProcessing | None:
    rows = ManualProcessing.objects.of(reach).waiting(Step.REVIEW).free(timezone.now()).in_order()
    return rows.select_for_update(skip_locked=True, of=("self",)).first()


def _reviewers_of(tenant_id: UUID) -> QuerySet[User]:
    """People who may review the tenant's sets."""
    members = Q(groups__name=REVIEWER, memberships__tenant=tenant_id)
    admins = Q(groups__name=GLOBAL_ADMIN) | Q(is_superuser=True)
    return User.objects.filter(members | admins, is_active=True, deleted_at__isnull=True)
