"""The reviewers' waiting line: who asked for a review when none was free is served, in order, when one appears.

An entry is for the reviews of one tenant; one without a tenant is for all that the reviewer reaches.
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from damages.models import ManualProcessing, ManualStatus, ReviewerQueueEntry, Step
from damages.services.locks import hold, is_taken, line_of
from damages.services.roles import step_permit
from tenants.errors import Conflict
from tenants.models import GLOBAL_ADMIN, REVIEWER, Tenant, User
from tenants.scope import Reach
from tenants.services.people import reach_of


def reviewer_queue_join(*, user: User, tenant: Tenant | None) -> ReviewerQueueEntry:
    """Put a reviewer at the end of the tenant's line; one who stands in it already keeps their place.

    Nobody stands in two lines: who asks in another tenant leaves the first. Without a tenant, or with one that the
    reviewer does not reach, they wait for the reviews of all that they reach. Reviews that are free at this moment go
    to the line at once, so the entry returned may have been served already. Raises Forbidden, and Conflict for somebody
    who has such a review.
    """
    step_permit(user=user, step=Step.REVIEW)
    reach = reach_of(user)
    if tenant is not None and reach.covers(tenant.pk):
        reach = reach.within(tenant.pk)
    else:
        tenant = None
    with transaction.atomic():
        # As in a claim: one at a time for each person.
        User.objects.select_for_update(no_key=True).only("id").get(pk=user.pk)
        if ManualProcessing.objects.of(reach).waiting(Step.REVIEW).filter(holder=user).exists():
            raise Conflict("You have a review already: ask for it, and finish it first.")
        entry = _place(user, tenant)
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
    line = line_of(job.tenant_id).filter(reviewer__in=_reviewers_of(job.tenant_id)).select_related("reviewer")
    entry = line.select_for_update(skip_locked=True, of=("self",)).order_by("queued_at", "id").first()
    if entry is None:
        return None
    hold(job, user=entry.reviewer, step=Step.REVIEW)
    return entry.reviewer


def reviewers_serve_waiting() -> int:
    """Serve the line with reviews that became free without anybody's doing; returns how many were given away.

    Those are reviews whose lock is over, and one that appeared in the very moment in which a reviewer joined the line.
    """
    line = ReviewerQueueEntry.objects.select_related("reviewer").order_by("queued_at", "id")
    return sum(_serve(entry) for entry in line)


def _serve(entry: ReviewerQueueEntry) -> bool:
    reach = reach_of(entry.reviewer)
    with transaction.atomic():
        job = _free_review(reach.within(entry.tenant_id) if entry.tenant_id else reach)
        return job is not None and reviewers_serve(job=job) is not None


def _place(user: User, tenant: Tenant | None) -> ReviewerQueueEntry:
    """The person's entry for the tenant (None: for any), at the end of its line unless they stand there already."""
    now = timezone.now()
    values = {"tenant": tenant, "queued_at": now}
    entry, is_new = ReviewerQueueEntry.objects.get_or_create(reviewer=user, defaults=values)
    if not is_new and entry.tenant_id != (tenant.pk if tenant else None):
        # Who waited for any tenant's reviews has stood in this one's line as well.
        entry.tenant, entry.queued_at = tenant, entry.queued_at if entry.tenant_id is None else now
        # Not `save`: an entry that is being served at this moment must not come back.
        ReviewerQueueEntry.objects.filter(pk=entry.pk).update(tenant=tenant, queued_at=entry.queued_at, modified_at=now)
    return entry


def _free_review(reach: Reach) -> ManualProcessing | None:
    rows = ManualProcessing.objects.of(reach).waiting(Step.REVIEW).free(timezone.now()).in_order()
    return rows.select_for_update(skip_locked=True, of=("self",)).first()


def _reviewers_of(tenant_id: UUID) -> QuerySet[User]:
    """People who may review the tenant's sets."""
    members = Q(groups__name=REVIEWER, memberships__tenant=tenant_id)
    admins = Q(groups__name=GLOBAL_ADMIN) | Q(is_superuser=True)
    return User.objects.filter(members | admins, is_active=True, deleted_at__isnull=True)
