"""Manual steps: opening, claiming, locking, finishing; the table of transitions; the reviewers' waiting line."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from assets.models import CaptureSet, ImageSet
from damages.models import FinishedStep, ManualProcessing, ManualStatus, ReviewerQueueEntry, Step
from damages.services.decisions import damage_decide
from damages.services.manual import (
    damages_undecided,
    manual_job_claim_next,
    manual_job_finish,
    manual_job_lock,
    manual_job_renew,
    manual_job_reopen,
    manual_job_skip,
    manual_job_unlock,
    manual_open,
)
from damages.services.reviewers import reviewer_queue_join, reviewer_queue_leave, reviewers_serve_waiting
from damages.services.roles import ROLE
from damages.states import NEXT, WAITING, status_checked, step_of
from tenants.errors import Conflict, Forbidden, NotFound
from tenants.models import ANNOTATOR, GLOBAL_ADMIN, REVIEWER, Tenant, User
from tenants.scope import Reach
from tenants.services.people import membership_set, reach_of
from tests import factories

pytestmark = pytest.mark.django_db

S = ManualStatus
_ages = itertools.count(1)


def waiting(
    tenant: Tenant, *, status: ManualStatus = S.ANNOTATION_WAITING, review: bool = True, **extra: object
) -> ImageSet:
    """A set that waits for a step, one second younger than the one made before it."""
    image_set = factories.image_set(tenant)
    values: dict[str, object] = {
        "waiting_since": timezone.now() - timedelta(days=1) + timedelta(seconds=next(_ages)),
        "annotation_enabled": True,
        "review_enabled": review,
    }
    ManualProcessing(image_set=image_set, tenant=tenant, status=status, **(values | extra)).save()
    return image_set


def job_of(image_set: ImageSet) -> ManualProcessing:
    return ManualProcessing.objects.of(image_set.tenant_id or image_set.pk).get(image_set=image_set)


def claim(user: User, step: Step = Step.ANNOTATION) -> ImageSet | None:
    job = manual_job_claim_next(user=user, step=step, reach=reach_of(user))
    return job.image_set if job else None


def forget_lock(image_set: ImageSet) -> None:
    """Let the set's lock be over."""
    rows = ManualProcessing.objects.of(image_set.tenant_id or image_set.pk).filter(image_set=image_set)
    assert rows.update(locked_until=timezone.now() - timedelta(seconds=1)) == 1


# --- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), list(itertools.product(S, S)))
def test_only_transitions_of_the_table_are_legal(before: ManualStatus, after: ManualStatus) -> None:
    if after in NEXT[before]:
        assert status_checked(before, after) is after
    else:
        with pytest.raises(Conflict):
            status_checked(before, after)


def test_the_table_is_total_and_nothing_follows_itself() -> None:
    assert set(NEXT) == set(S)
    assert all(status not in NEXT[status] for status in S)
    assert {status for status in S if step_of(status)} == set(WAITING.values())


def test_no_way_leads_back_to_no_manual_work() -> None:
    assert all(S.NONE not in after for after in NEXT.values())


# --- opening ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "review", "status"),
    [
        (False, False, S.NONE),
        (True, False, S.ANNOTATION_WAITING),
        (False, True, S.REVIEW_WAITING),
        (True, True, S.ANNOTATION_WAITING),
    ],
)
def test_settings_decide_what_a_set_waits_for(
    ours: factories.House, annotation: bool, review: bool, status: ManualStatus
) -> None:
    factories.settings(ours.tenant, manualAnnotationEnabled=annotation, manualReviewEnabled=review)
    job = manual_open(image_set=factories.image_set(ours.tenant))
    assert (job.status, job.annotation_enabled, job.review_enabled) == (status, annotation, review)
    assert job.holder is None
    assert not job.is_skipped


@pytest.mark.parametrize(
    ("proposals", "minimum", "is_skipped"), [(0, 1, True), (1, 1, False), (1, 2, True), (0, 0, False)]
)
def test_sets_with_too_few_proposals_are_skipped(
    ours: factories.House, proposals: int, minimum: int, is_skipped: bool
) -> None:
    factories.settings(ours.tenant, manualAnnotationEnabled=True, minDamagesForManualProcessing=minimum)
    image_set = factories.image_set(ours.tenant)
    for _ in range(proposals):
        factories.damage(image_set.images.get())
    job = manual_open(image_set=image_set)
    assert job.is_skipped is is_skipped
    assert job.status == (S.SKIPPED if is_skipped else S.ANNOTATION_WAITING)


def test_a_family_counts_as_one_proposal_and_doubtful_ones_not_at_all(ours: factories.House) -> None:
    factories.settings(ours.tenant, manualAnnotationEnabled=True, minDamagesForManualProcessing=2)
    image_set = factories.image_set(ours.tenant)
    image = image_set.images.get()
    first = factories.damage(image)
    factories.damage(image, representative=first)
    factories.damage(image, is_potential=True)
    factories.damage(image, state="rejected")
    assert manual_open(image_set=image_set).status == S.SKIPPED


def test_priority_comes_from_the_capture_set(ours: factories.House) -> None:
    factories.settings(ours.tenant, manualReviewEnabled=True)
    rig = CaptureSet.objects.of(ours.tenant.pk).create(tenant=ours.tenant, name="Hall", priority=7)
    assert manual_open(image_set=factories.image_set(ours.tenant, capture_set=rig)).priority == 7


def test_opening_twice_for_one_run_changes_nothing(ours: factories.House) -> None:
    factories.settings(ours.tenant, manualAnnotationEnabled=True)
    image_set = factories.image_set(ours.tenant)
    factories.run(image_set)
    manual_open(image_set=image_set)
    claim(ours.annotator)
    manual_job_finish(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION)
    assert manual_open(image_set=image_set).status == S.ANNOTATED


def test_a_new_run_brings_a_finished_set_back(ours: factories.House) -> None:
    factories.settings(ours.tenant, manualAnnotationEnabled=True)
    image_set = waiting(ours.tenant, status=S.ANNOTATED, review=False)
    factories.run(image_set)
    assert manual_open(image_set=image_set).status == S.ANNOTATION_WAITING


def test_a_new_run_leaves_a_set_to_the_person_at_it(ours: factories.House) -> None:
    factories.settings(ours.tenant, manualAnnotationEnabled=True)
    image_set = waiting(ours.tenant)
    assert claim(ours.annotator) == image_set
    factories.run(image_set)
    assert manual_open(image_set=image_set).holder == ours.annotator


def test_a_new_run_with_manual_work_off_leaves_what_people_did(ours: factories.House) -> None:
    image_set = waiting(ours.tenant, status=S.REVIEWED)
    factories.run(image_set)
    assert manual_open(image_set=image_set).status == S.REVIEWED


def test_a_set_without_a_tenant_has_no_queue() -> None:
    with pytest.raises(Conflict):
        manual_open(image_set=ImageSet(recorded_at=timezone.now()))


# --- claiming --------------------------------------------------------------------------------------------------------


def test_priority_goes_before_age_and_age_before_id(ours: factories.House) -> None:
    old, young = waiting(ours.tenant), waiting(ours.tenant)
    urgent = waiting(ours.tenant, priority=5)
    people = [factories.user(ours.tenant, group=ANNOTATOR) for _ in range(3)]
    assert [claim(person) for person in people] == [urgent, old, young]


def test_a_person_resumes_their_own_open_job(ours: factories.House) -> None:
    mine = waiting(ours.tenant)
    assert claim(ours.annotator) == mine
    waiting(ours.tenant, priority=9)
    assert claim(ours.annotator) == mine


def test_a_lock_lasts_as_long_as_the_setting_says(ours: factories.House, settings: Settings) -> None:
    settings.MANUAL_LOCK_SECONDS = 120
    image_set = waiting(ours.tenant)
    claim(ours.annotator)
    job = job_of(image_set)
    assert job.locked_until is not None
    assert timedelta(seconds=110) < job.locked_until - timezone.now() <= timedelta(seconds=120)
    assert job.last_annotator == ours.annotator
    assert job.last_annotation_lock_at is not None
    assert job.last_reviewer is None


def test_nobody_else_gets_a_held_set_until_its_lock_is_over(ours: factories.House) -> None:
    image_set = waiting(ours.tenant)
    other = factories.user(ours.tenant, group=ANNOTATOR)
    assert claim(ours.annotator) == image_set
    assert claim(other) is None
    forget_lock(image_set)
    assert claim(other) == image_set
    assert claim(ours.annotator) is None


def test_an_expired_lock_still_is_its_holders_while_nobody_took_it(ours: factories.House) -> None:
    image_set = waiting(ours.tenant)
    claim(ours.annotator)
    forget_lock(image_set)
    manual_job_renew(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION)
    assert claim(factories.user(ours.tenant, group=ANNOTATOR)) is None


@pytest.mark.parametrize("status", [s for s in S if s != S.ANNOTATION_WAITING])
def test_only_waiting_sets_are_handed_out(ours: factories.House, status: ManualStatus) -> None:
    waiting(ours.tenant, status=status)
    assert claim(ours.annotator) is None


def test_deleted_sets_are_not_handed_out(ours: factories.House) -> None:
    image_set = waiting(ours.tenant)
    image_set.deleted_at = timezone.now()
    image_set.save()
    assert claim(ours.annotator) is None


def test_each_step_needs_its_group(ours: factories.House) -> None:
    waiting(ours.tenant)
    waiting(ours.tenant, status=S.REVIEW_WAITING)
    for person, step in [
        (ours.reviewer, Step.ANNOTATION), (ours.annotator, Step.REVIEW), (ours.staff, Step.REVIEW),
        (ours.tenant_admin, Step.ANNOTATION),
    ]:  # fmt: skip
        with pytest.raises(Forbidden):
            claim(person, step)
    assert claim(ours.global_admin, Step.ANNOTATION) is not None
    assert claim(ours.global_admin, Step.REVIEW) is not None


def test_people_get_sets_of_their_tenants_only(ours: factories.House, outsider: factories.House) -> None:
    theirs = waiting(outsider.tenant, priority=9)
    assert claim(ours.annotator) is None
    membership_set(user=ours.annotator, tenant=outsider.tenant, role="USER")
    assert claim(ours.annotator) == theirs


def test_a_claim_costs_the_same_queries_however_many_wait(ours: factories.House) -> None:
    reach = Reach.only(ours.tenant.pk)
    counts = []
    for more in (1, 12):
        for _ in range(more):
            waiting(ours.tenant)
        person = factories.user(ours.tenant, group=ANNOTATOR)
        with CaptureQueriesContext(connection) as queries:
            assert manual_job_claim_next(user=person, step=Step.ANNOTATION, reach=reach)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 8


def test_counts_tell_mine_locked_and_free(ours: factories.House) -> None:
    for _ in range(4):
        waiting(ours.tenant)
    claim(ours.annotator)
    claim(factories.user(ours.tenant, group=ANNOTATOR))
    rows = ManualProcessing.objects.of(ours.tenant.pk).waiting(Step.ANNOTATION)
    counts = rows.counts(user_id=ours.annotator.pk, now=timezone.now())
    assert counts == {"mine": 1, "locked": 2, "unlocked": 2}


# --- lock, renew, release --------------------------------------------------------------------------------------------


def test_a_particular_set_can_be_locked_and_released(ours: factories.House) -> None:
    image_set, other = waiting(ours.tenant), factories.user(ours.tenant, group=ANNOTATOR)
    manual_job_lock(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION)
    manual_job_lock(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION)
    for service in (manual_job_lock, manual_job_renew, manual_job_unlock, manual_job_finish, manual_job_skip):
        with pytest.raises(Conflict):
            service(user=other, image_set=image_set, step=Step.ANNOTATION)
    manual_job_unlock(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION)
    job = job_of(image_set)
    assert job.holder is None
    assert job.locked_until is None
    manual_job_lock(user=other, image_set=image_set, step=Step.ANNOTATION)


def test_a_released_set_keeps_its_place(ours: factories.House) -> None:
    first = waiting(ours.tenant)
    waiting(ours.tenant)
    claim(ours.annotator)
    manual_job_unlock(user=ours.annotator, image_set=first, step=Step.ANNOTATION)
    assert claim(factories.user(ours.tenant, group=ANNOTATOR)) == first


def test_renewing_moves_the_end_of_the_lock(ours: factories.House) -> None:
    image_set = waiting(ours.tenant)
    claim(ours.annotator)
    forget_lock(image_set)
    job = manual_job_renew(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION)
    assert job.locked_until is not None
    assert job.locked_until > timezone.now() + timedelta(minutes=29)


@pytest.mark.parametrize("service", [manual_job_lock, manual_job_renew, manual_job_unlock, manual_job_finish])
def test_the_wrong_step_is_a_conflict_and_no_job_is_not_found(ours: factories.House, service: object) -> None:
    assert callable(service)
    with pytest.raises(Conflict):
        service(user=ours.global_admin, image_set=waiting(ours.tenant), step=Step.REVIEW)
    with pytest.raises(NotFound):
        service(user=ours.global_admin, image_set=factories.image_set(ours.tenant), step=Step.REVIEW)


# --- finish, skip, reopen --------------------------------------------------------------------------------------------


def test_annotation_hands_over_to_the_review_at_the_end_of_its_line(ours: factories.House) -> None:
    image_set = waiting(ours.tenant)
    before = timezone.now()
    factories.damage(image_set.images.get())
    claim(ours.annotator)
    job = manual_job_finish(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION)
    assert job.status == S.REVIEW_WAITING
    assert job.waiting_since >= before
    assert job.annotated_at is not None
    assert job.holder is None
    assert damages_undecided(image_set=image_set) == 1


def test_annotation_is_the_end_where_no_review_is_wanted(ours: factories.House) -> None:
    image_set = waiting(ours.tenant, review=False)
    claim(ours.annotator)
    assert manual_job_finish(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION).status == S.ANNOTATED
    with pytest.raises(Conflict):
        manual_job_finish(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION)


def test_a_review_decides_each_proposal(ours: factories.House) -> None:
    image_set = waiting(ours.tenant, status=S.REVIEW_WAITING)
    image = image_set.images.get()
    proposals = [factories.damage(image) for _ in range(2)]
    factories.damage(image, is_potential=True)
    claim(ours.reviewer, Step.REVIEW)
    with pytest.raises(Conflict, match="2 proposals are not decided"):
        manual_job_finish(user=ours.reviewer, image_set=image_set, step=Step.REVIEW)
    damage_decide(user=ours.reviewer, damage=proposals[0], action="accept", step=ROLE[Step.REVIEW])
    with pytest.raises(Conflict, match="1 proposal is not decided"):
        manual_job_finish(user=ours.reviewer, image_set=image_set, step=Step.REVIEW)
    damage_decide(user=ours.reviewer, damage=proposals[1], action="reject", step=ROLE[Step.REVIEW])
    job = manual_job_finish(user=ours.reviewer, image_set=image_set, step=Step.REVIEW)
    assert job.status == S.REVIEWED
    assert job.last_reviewer == ours.reviewer
    assert job.reviewed_at is not None


def test_a_skipped_set_can_be_asked_for(ours: factories.House) -> None:
    image_set = waiting(ours.tenant)
    claim(ours.annotator)
    job = manual_job_skip(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION)
    assert (job.status, job.is_skipped, job.holder) == (S.SKIPPED, True, None)
    assert claim(ours.annotator) is None
    job = manual_job_reopen(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION)
    assert (job.status, job.is_skipped) == (S.ANNOTATION_WAITING, False)
    assert claim(ours.annotator) == image_set


def test_a_reviewed_set_can_be_reopened_by_a_reviewer_alone(ours: factories.House) -> None:
    image_set = waiting(ours.tenant, status=S.REVIEWED)
    with pytest.raises(Forbidden):
        manual_job_reopen(user=ours.annotator, image_set=image_set, step=Step.REVIEW)
    assert manual_job_reopen(user=ours.reviewer, image_set=image_set, step=Step.REVIEW).status == S.REVIEW_WAITING
    with pytest.raises(Conflict):
        manual_job_reopen(user=ours.reviewer, image_set=image_set, step=Step.REVIEW)


def test_every_finished_step_leaves_one_row(ours: factories.House) -> None:
    image_set = waiting(ours.tenant)
    for _ in range(2):
        manual_job_lock(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION)
        manual_job_finish(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION)
        manual_job_lock(user=ours.reviewer, image_set=image_set, step=Step.REVIEW)
        job = manual_job_finish(user=ours.reviewer, image_set=image_set, step=Step.REVIEW)
        manual_job_reopen(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION)
    rows = FinishedStep.objects.of(ours.tenant.pk).filter(manual_processing=job)
    assert list(rows.order_by("finished_at").values_list("step", "by")) == 2 * [
        (Step.ANNOTATION, ours.annotator.pk),
        (Step.REVIEW, ours.reviewer.pk),
    ]
    assert rows.latest("finished_at").finished_at == job.reviewed_at


def test_a_step_that_does_not_end_leaves_no_row(ours: factories.House) -> None:
    image_set = waiting(ours.tenant)
    with pytest.raises(Conflict):
        manual_job_finish(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION)
    claim(ours.annotator)
    manual_job_skip(user=ours.annotator, image_set=image_set, step=Step.ANNOTATION)
    factories.damage(image_set.images.get())
    manual_job_reopen(user=ours.reviewer, image_set=image_set, step=Step.REVIEW)
    claim(ours.reviewer, Step.REVIEW)
    with pytest.raises(Conflict, match="1 proposal is not decided yet"):
        manual_job_finish(user=ours.reviewer, image_set=image_set, step=Step.REVIEW)
    assert not FinishedStep.objects.of(ours.tenant.pk).exists()


# --- the reviewers' waiting line -------------------------------------------------------------------------------------


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
