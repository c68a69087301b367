"""Manual steps: which sets wait for people once the models are done with them."""

from __future__ import annotations

import pytest
from django.utils import timezone

from assets.models import CaptureSet, ImageSet
from damages.models import ManualStatus, Step
from damages.services.manual import manual_job_finish, manual_open
from tenants.errors import Conflict
from tests import factories
from tests.damages.waiting import S, claim, waiting

pytestmark = pytest.mark.django_db


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
