"""Reviewers who find nothing wait in line, and are served in the order of their queue time."""

from __future__ import annotations

import pytest

from assets.models import ImageSet
from damages.models import ManualProcessing, ReviewerQueueEntry, Step
from damages.services.manual import manual_job_finish, manual_job_lock, manual_job_unlock
from damages.services.reviewers import reviewer_queue_join, reviewer_queue_leave, reviewers_serve_waiting
from tenants.errors import Forbidden
from tenants.models import GLOBAL_ADMIN, REVIEWER, User
from tenants.services.people import membership_set
from tests import factories
from tests.damages.waiting import S, claim, job_of, waiting

pytestmark = pytest.mark.django_db


def annotated(image_set: ImageSet, by: User) -> ManualProcessing:
    manual_job_lock(user=by, image_set=image_set, step=Step.ANNOTATION)
    return manual_job_finish(user=by, image_set=image_set, step=Step.ANNOTATION)


def test_waiting_reviewers_are_served_in_the_order_of_their_queue_time(ours: factories.House) -> None:
    second = factories.user(ours.tenant, group=REVIEWER)
    first_entry = reviewer_queue_join(user=ours.reviewer, tenant=ours.tenant)
    reviewer_queue_join(user=second, tenant=ours.tenant)
    assert reviewer_queue_join(user=ours.reviewer, tenant=ours.tenant) == first_entry
    assert [annotated(waiting(ours.tenant), ours.annotator).holder for _ in range(3)] == [ours.reviewer, second, None]
    assert not ReviewerQueueEntry.objects.exists()


def test_reviewers_of_other_tenants_and_gone_people_are_passed_over(
    ours: factories.House, outsider: factories.House
) -> None:
    gone = factories.user(ours.tenant, group=REVIEWER)
    for person in (outsider.reviewer, gone, ours.reviewer):
        reviewer_queue_join(user=person, tenant=person.current_tenant)
    gone.is_active = False
    gone.save()
    assert annotated(waiting(ours.tenant), ours.annotator).holder == ours.reviewer
    assert set(ReviewerQueueEntry.objects.values_list("reviewer", flat=True)) == {outsider.reviewer.pk, gone.pk}


def test_global_admins_without_a_tenant_are_served_from_every_one(
    ours: factories.House, outsider: factories.House
) -> None:
    admin = factories.user(outsider.tenant, group=GLOBAL_ADMIN)
    reviewer_queue_join(user=admin, tenant=outsider.tenant)
    assert annotated(waiting(ours.tenant), ours.annotator).holder is None
    reviewer_queue_join(user=admin, tenant=None)
    assert job_of(waiting(ours.tenant)).holder is None
    assert ours.reviewer.held_jobs.count() == 0
    assert admin.held_jobs.get().tenant == ours.tenant
    assert not ReviewerQueueEntry.objects.exists()


def test_a_reviewer_is_served_in_the_tenant_whose_line_it_is(ours: factories.House, outsider: factories.House) -> None:
    membership_set(user=ours.reviewer, tenant=outsider.tenant, role="USER")
    reviewer_queue_join(user=ours.reviewer, tenant=outsider.tenant)
    assert annotated(waiting(ours.tenant), ours.annotator).holder is None
    assert reviewers_serve_waiting() == 0
    assert annotated(waiting(outsider.tenant), outsider.annotator).holder == ours.reviewer


def test_who_asks_in_another_tenant_changes_lines(ours: factories.House, outsider: factories.House) -> None:
    membership_set(user=ours.reviewer, tenant=outsider.tenant, role="USER")
    first = reviewer_queue_join(user=ours.reviewer, tenant=ours.tenant)
    reviewer_queue_join(user=outsider.reviewer, tenant=outsider.tenant)
    moved = reviewer_queue_join(user=ours.reviewer, tenant=outsider.tenant)
    assert moved == ReviewerQueueEntry.objects.get(reviewer=ours.reviewer)
    assert (moved.pk, moved.tenant) == (first.pk, outsider.tenant)
    assert annotated(waiting(ours.tenant), ours.annotator).holder is None
    served = [annotated(waiting(outsider.tenant), outsider.annotator).holder for _ in range(2)]
    assert served == [outsider.reviewer, ours.reviewer]


def test_who_waited_for_any_tenant_keeps_the_place_in_one(ours: factories.House) -> None:
    second = factories.user(ours.tenant, group=REVIEWER)
    first = reviewer_queue_join(user=ours.reviewer, tenant=None)
    reviewer_queue_join(user=second, tenant=ours.tenant)
    narrowed = reviewer_queue_join(user=ours.reviewer, tenant=ours.tenant)
    assert (narrowed.tenant, narrowed.queued_at) == (ours.tenant, first.queued_at)
    assert ReviewerQueueEntry.objects.get(reviewer=ours.reviewer).tenant == ours.tenant
    assert [annotated(waiting(ours.tenant), ours.annotator).holder for _ in range(2)] == [ours.reviewer, second]


def test_a_tenant_that_the_reviewer_does_not_reach_stands_for_all_they_reach(
    ours: factories.House, outsider: factories.House
) -> None:
    assert reviewer_queue_join(user=ours.reviewer, tenant=outsider.tenant).tenant is None
    assert annotated(waiting(outsider.tenant), outsider.annotator).holder is None
    assert annotated(waiting(ours.tenant), ours.annotator).holder == ours.reviewer


def test_a_review_of_another_tenant_leaves_the_place_in_the_line(
    ours: factories.House, outsider: factories.House
) -> None:
    membership_set(user=ours.reviewer, tenant=outsider.tenant, role="USER")
    reviewer_queue_join(user=ours.reviewer, tenant=ours.tenant)
    theirs = waiting(outsider.tenant, status=S.REVIEW_WAITING)
    manual_job_lock(user=ours.reviewer, image_set=theirs, step=Step.REVIEW)
    assert ReviewerQueueEntry.objects.get().tenant == ours.tenant
    assert annotated(waiting(ours.tenant), ours.annotator).holder == ours.reviewer
    assert not ReviewerQueueEntry.objects.exists()


def test_a_released_review_goes_to_who_waits(ours: factories.House) -> None:
    image_set = waiting(ours.tenant, status=S.REVIEW_WAITING)
    claim(ours.reviewer, Step.REVIEW)
    second = factories.user(ours.tenant, group=REVIEWER)
    reviewer_queue_join(user=second, tenant=ours.tenant)
    assert manual_job_unlock(user=ours.reviewer, image_set=image_set, step=Step.REVIEW).holder == second


def test_who_claims_a_review_leaves_the_line(ours: factories.House) -> None:
    reviewer_queue_join(user=ours.reviewer, tenant=ours.tenant)
    waiting(ours.tenant, status=S.REVIEW_WAITING)
    claim(ours.reviewer, Step.REVIEW)
    assert not ReviewerQueueEntry.objects.exists()


def test_a_reviewer_may_leave_the_line_and_nobody_else_may_join(ours: factories.House) -> None:
    reviewer_queue_join(user=ours.reviewer, tenant=ours.tenant)
    reviewer_queue_leave(user=ours.reviewer)
    assert not ReviewerQueueEntry.objects.exists()
    with pytest.raises(Forbidden):
        reviewer_queue_join(user=ours.annotator, tenant=ours.tenant)
