"""Manual steps: who gets the next set, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from damages.models import ManualProcessing, ManualStatus, Step
from damages.services.manual import manual_job_claim_next, manual_job_renew
from tenants.errors import Forbidden
from tenants.models import ANNOTATOR
from tenants.scope import Reach
from tenants.services.people import membership_set
from tests import factories
from tests.damages.waiting import S, claim, forget_lock, job_of, waiting

pytestmark = pytest.mark.django_db


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
