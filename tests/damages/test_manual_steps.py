"""Manual steps: a set is locked, released, finished, skipped and reopened."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from damages.models import FinishedStep, Step
from damages.services.decisions import damage_decide
from damages.services.manual import (
    damages_undecided,
    manual_job_finish,
    manual_job_lock,
    manual_job_renew,
    manual_job_reopen,
    manual_job_skip,
    manual_job_unlock,
)
from damages.services.roles import ROLE
from tenants.errors import Conflict, Forbidden, NotFound
from tenants.models import ANNOTATOR
from tests import factories
from tests.damages.waiting import S, claim, forget_lock, job_of, waiting

pytestmark = pytest.mark.django_db


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
