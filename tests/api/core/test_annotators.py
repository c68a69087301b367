"""Who did how much (W31), and the line of reviewers (W32)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from damages.models import FinishedStep, ManualStatus, ReviewerQueueEntry, Step
from damages.services.manual import manual_job_finish, manual_job_lock, manual_job_reopen
from inspection_platform import sweep
from tenants.models import ANNOTATOR, GLOBAL_ADMIN, REVIEWER, Tenant, User
from tenants.services.people import current_tenant_set, group_assign, group_unassign, membership_set
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import golden
from tests.api.core.jobs import SETS, job, job_of, lock_over
from tests.api.core.rigs import Sender

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]

STATISTICS, QUEUE = "/core/v1/annotators/statistics", "/core/v1/reviewers/queue"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = 86_400


@pytest.fixture
def send(client: Client, bearer: Bearer) -> Sender:
    """Sends requests as a person."""
    return Sender(client, bearer)


def done(tenant: Tenant, *, annotator: User | None = None, reviewer: User | None = None, at: datetime) -> None:
    """A set that somebody annotated or reviewed at this time."""
    row = job_of(job(tenant, ManualStatus.REVIEWED).pk)
    for step, who in ((Step.ANNOTATION, annotator), (Step.REVIEW, reviewer)):
        if who:
            FinishedStep(manual_processing=row, tenant=tenant, step=step, by=who, finished_at=at).save()


def person(tenant: Tenant, key: str, group: str) -> User:
    """Somebody with this id."""
    return factories.user(tenant, group=group, id=UUID(key))


def asked(send: Sender, by: User, query: str = "") -> Any:
    answer = send(by, "get", f"{STATISTICS}{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def test_statistics_are_the_golden_json(send: Sender, ours: factories.House) -> None:
    one = person(ours.tenant, "538ef6c9-d7f4-4646-821e-6b66809f4156", ANNOTATOR)
    two = person(ours.tenant, "ac821ae7-c4c5-46cb-bc7a-50ceaee1a43d", REVIEWER)
    both = person(ours.tenant, "afe8e2e1-49c4-46db-a4fa-25d1c902f566", ANNOTATOR)
    group_assign(user=both, group=REVIEWER)
    at = timezone.now() - timedelta(days=2)
    done(ours.tenant, annotator=one, reviewer=two, at=at)
    for reviewer in (both, both, None, None, None, None, None):
        done(ours.tenant, annotator=both, reviewer=reviewer, at=at)
    assert send(ours.reviewer, "get", STATISTICS).json() == golden("annotators_statistics")


@pytest.mark.parametrize(
    ("query", "counted"),
    [
        # Days before NOW on which somebody did something: 0, 1, 89, 91, 200.
        (f"?startDate={int(NOW.timestamp()) - DAY}", 2),
        (f"?startDate={int(NOW.timestamp()) - 200 * DAY}", 1),
        (f"?startDate={int(NOW.timestamp()) - 91 * DAY}", 3),
        (f"?endDate={int(NOW.timestamp())}", 3),
        (f"?endDate={int(NOW.timestamp()) - 1}", 2),
        (f"?endDate={int(NOW.timestamp()) - DAY}", 3),
        (f"?startDate={int(NOW.timestamp()) - 300 * DAY}&endDate={int(NOW.timestamp())}", 5),
        (f"?startDate={int(NOW.timestamp())}&endDate={int(NOW.timestamp())}", 1),
        ("?startDate=0&endDate=1", 0),
        ("?endDate=0", 0),
    ],
)
def test_dates_say_which_time_is_looked_at(send: Sender, ours: factories.House, query: str, counted: int) -> None:
    for days in (0, 1, 89, 91, 200):
        done(ours.tenant, annotator=ours.annotator, at=NOW - timedelta(days=days))
    expected = {str(ours.annotator.pk): {"annotated": counted, "reviewed": 0}} if counted else {}
    assert asked(send, ours.reviewer, query)["result"] == expected


def test_without_dates_the_last_ninety_days_count(send: Sender, ours: factories.House) -> None:
    for days in (0, 89, 91):
        done(ours.tenant, reviewer=ours.reviewer, at=timezone.now() - timedelta(days=days))
    assert asked(send, ours.reviewer)["result"] == {str(ours.reviewer.pk): {"annotated": 0, "reviewed": 2}}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?startDate=2&endDate=1", "startDate"),
        ("?startDate=yesterday", "startDate"),
        ("?endDate=-1", "endDate"),
        ("?endDate=999999999999999", "endDate"),
        ("?from=1", "from"),
    ],
)
def test_wrong_dates_are_named(send: Sender, ours: factories.House, query: str, field: str) -> None:
    answer = send(ours.reviewer, "get", f"{STATISTICS}{query}")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_strays_are_jobs_of_people_who_are_gone(send: Sender, ours: factories.House) -> None:
    gone = factories.user(ours.tenant, group=ANNOTATOR)
    removed = factories.user(ours.tenant, group=REVIEWER)
    at = timezone.now() - timedelta(days=1)
    done(ours.tenant, annotator=gone, reviewer=ours.reviewer, at=at)
    done(ours.tenant, annotator=ours.annotator, reviewer=removed, at=at)
    done(ours.tenant, annotator=ours.global_admin, reviewer=ours.global_admin, at=at)
    gone.deleted_at = timezone.now()
    gone.save()
    removed.delete()
    before = asked(send, ours.reviewer)
    assert (before["numberOfStrayAnnotatedJobs"], before["numberOfStrayReviewedJobs"]) == (1, 1)
    group_unassign(user=ours.annotator, group=ANNOTATOR)
    assert asked(send, ours.reviewer) == {
        "numberOfStrayAnnotatedJobs": 2,
        "numberOfStrayReviewedJobs": 1,
        "result": {
            str(ours.reviewer.pk): {"annotated": 0, "reviewed": 1},
            str(ours.global_admin.pk): {"annotated": 1, "reviewed": 1},
        },
    }


def test_members_count_their_tenant_and_global_admins_all(
    send: Sender, ours: factories.House, outsider: factories.House
) -> None:
    at = timezone.now() - timedelta(days=1)
    for house in (ours, outsider):
        done(house.tenant, annotator=house.annotator, at=at)
    assert list(asked(send, ours.reviewer)["result"]) == [str(ours.annotator.pk)]
    assert set(asked(send, ours.global_admin)["result"]) == {str(ours.annotator.pk), str(outsider.annotator.pk)}


def test_a_set_done_again_counts_for_each_who_did_it(send: Sender, ours: factories.House) -> None:
    second = factories.user(ours.tenant, group=ANNOTATOR)
    image_set = job(ours.tenant, review_enabled=False)
    work: dict[str, Any] = {"image_set": image_set, "step": Step.ANNOTATION}
    manual_job_lock(user=ours.annotator, **work)
    manual_job_finish(user=ours.annotator, **work)
    first_only = {str(ours.annotator.pk): {"annotated": 1, "reviewed": 0}}
    manual_job_reopen(user=second, **work)
    manual_job_lock(user=second, **work)
    assert asked(send, ours.reviewer)["result"] == first_only
    manual_job_finish(user=second, **work)
    manual_job_reopen(user=second, **work)
    manual_job_lock(user=second, **work)
    manual_job_finish(user=second, **work)
    again = {str(second.pk): {"annotated": 2, "reviewed": 0}}
    assert asked(send, ours.reviewer)["result"] == first_only | again


def test_statistics_cost_the_same_queries_however_much_was_done(send: Sender, ours: factories.House) -> None:
    at = timezone.now() - timedelta(days=1)
    counts = []
    for more in (1, 8):
        for _ in range(more):
            done(ours.tenant, annotator=factories.user(ours.tenant, group=ANNOTATOR), reviewer=ours.reviewer, at=at)
        counts.append(send.queries(ours.reviewer, STATISTICS))
    assert counts == [2, 2]


# --- the line --------------------------------------------------------------------------------------------------------


def test_a_place_in_the_line_is_the_golden_json(send: Sender, ours: factories.House) -> None:
    rita = person(ours.tenant, "047040ea-c47a-4866-8390-53451374057d", REVIEWER)
    since = datetime.fromtimestamp(1672234058, UTC)
    ReviewerQueueEntry(reviewer=rita, tenant=ours.tenant, queued_at=since).save()
    answer = send(rita, "post", QUEUE, {"reviewerId": str(rita.pk)})
    assert answer.status_code == 200
    assert answer.json() == golden("reviewer_queued")


@pytest.mark.parametrize("spelling", ["reviewerId", "revieverId", None])
def test_a_reviewer_is_placed_under_either_spelling_or_none(
    send: Sender, ours: factories.House, spelling: str | None
) -> None:
    before = int(timezone.now().timestamp())
    body = {spelling: str(ours.reviewer.pk)} if spelling else {}
    answer = send(ours.reviewer, "post", QUEUE, body)
    assert answer.status_code == 200
    assert answer.json()["data"]["reviewerId"] == str(ours.reviewer.pk)
    assert before <= answer.json()["data"]["queueTime"] <= before + 60
    assert ReviewerQueueEntry.objects.get().reviewer == ours.reviewer


def test_a_repeated_request_keeps_the_place(send: Sender, ours: factories.House) -> None:
    first = send(ours.reviewer, "post", QUEUE, {}, **{"idempotency-key": "once"})
    again = send(ours.reviewer, "post", QUEUE, {}, **{"idempotency-key": "once"})
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert send(ours.reviewer, "post", QUEUE, {}).json() == first.json()
    assert ReviewerQueueEntry.objects.count() == 1


def test_only_global_admins_place_others_and_only_reviewers_stand_there(
    send: Sender, ours: factories.House, outsider: factories.House
) -> None:
    second = factories.user(ours.tenant, group=REVIEWER)

    def status(by: User, reviewer: object) -> int:
        code: int = send(by, "post", QUEUE, {"reviewerId": str(reviewer)}).status_code
        return code

    assert status(ours.reviewer, second.pk) == 403
    assert status(ours.reviewer, outsider.reviewer.pk) == 404
    assert status(ours.reviewer, uuid4()) == 404
    assert status(ours.annotator, ours.annotator.pk) == 403
    assert status(ours.global_admin, ours.annotator.pk) == 403
    assert not ReviewerQueueEntry.objects.exists()
    assert status(ours.global_admin, second.pk) == 200
    assert ReviewerQueueEntry.objects.get().reviewer == second


@pytest.mark.parametrize(
    ("body", "field"),
    [({"reviewerId": "me"}, "reviewerId"), ({"revieverId": None}, "revieverId"), ({"reviewer": "me"}, "reviewer")],
)
def test_wrong_bodies_are_named(send: Sender, ours: factories.House, body: dict[str, Any], field: str) -> None:
    answer = send(ours.reviewer, "post", QUEUE, body)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_two_spellings_name_one_person(send: Sender, ours: factories.House) -> None:
    second = factories.user(ours.tenant, group=REVIEWER)
    body = {"reviewerId": str(second.pk), "revieverId": str(ours.global_admin.pk)}
    assert send(ours.global_admin, "post", QUEUE, body).status_code == 400


def holder(image_set: Any) -> User | None:
    return job_of(image_set.pk).holder


def test_a_review_that_appears_goes_to_who_waits_longest(send: Sender, ours: factories.House) -> None:
    second = factories.user(ours.tenant, group=REVIEWER)
    assert send(ours.reviewer, "post", QUEUE, {}).status_code == 200
    assert send(second, "post", QUEUE, {}).status_code == 200
    for expected in (ours.reviewer, second, None):
        image_set = job(ours.tenant)
        assert (
            send(ours.annotator, "post", f"{SETS}/{image_set.pk}/lock", {"manualProcess": "ANNOTATION"}).status_code
            == 200
        )
        assert send(ours.annotator, "patch", f"{SETS}/{image_set.pk}/status", {"status": 2}).status_code == 200
        assert holder(image_set) == expected
        if expected:
            shown = send(expected, "get", f"{SETS}?forManualReview=true").json()["data"]["items"]
            assert [item["id"] for item in shown] == [str(image_set.pk)]


def test_a_free_review_is_given_out_at_once_and_who_has_one_does_not_queue(
    send: Sender, ours: factories.House, outsider: factories.House
) -> None:
    job(outsider.tenant, ManualStatus.REVIEW_WAITING, priority=9)
    image_set = job(ours.tenant, ManualStatus.REVIEW_WAITING)
    assert send(ours.reviewer, "post", QUEUE, {}).json()["message"] == "Reviewer successfully placed in the queue"
    assert holder(image_set) == ours.reviewer
    assert not ReviewerQueueEntry.objects.exists()
    assert send(ours.reviewer, "post", QUEUE, {}).status_code == 409
    lock_over(image_set)
    assert send(ours.reviewer, "post", QUEUE, {}).status_code == 409


def test_who_stood_before_gets_the_free_review(send: Sender, ours: factories.House) -> None:
    second = factories.user(ours.tenant, group=REVIEWER)
    send(ours.reviewer, "post", QUEUE, {})
    first_set, second_set = (job(ours.tenant, ManualStatus.REVIEW_WAITING) for _ in range(2))
    send(second, "post", QUEUE, {})
    assert (holder(first_set), holder(second_set)) == (ours.reviewer, second)


def test_a_review_whose_lock_is_over_goes_to_the_line(
    send: Sender, ours: factories.House, outsider: factories.House
) -> None:
    image_set = job(ours.tenant, ManualStatus.REVIEW_WAITING)
    send(ours.global_admin, "get", f"{SETS}?forManualReview=true")
    assert holder(image_set) == ours.global_admin
    for somebody in (outsider.reviewer, ours.reviewer):
        assert send(somebody, "post", QUEUE, {}).status_code == 200
    assert sweep.reviewers_sweep() == 0
    lock_over(image_set)
    assert sweep.reviewers_sweep() == 1
    assert holder(image_set) == ours.reviewer
    assert ReviewerQueueEntry.objects.get().reviewer == outsider.reviewer


def test_a_reviewer_of_two_tenants_is_served_where_the_token_works(
    send: Sender, ours: factories.House, outsider: factories.House
) -> None:
    membership_set(user=ours.reviewer, tenant=outsider.tenant, role="USER")
    assert send(ours.reviewer, "post", QUEUE, {}).status_code == 200
    theirs = job(outsider.tenant, ManualStatus.REVIEW_WAITING, priority=9)
    assert sweep.reviewers_sweep() == 0
    here = job(ours.tenant, ManualStatus.REVIEW_WAITING)
    assert sweep.reviewers_sweep() == 1
    assert (holder(theirs), holder(here)) == (None, ours.reviewer)


def test_nobody_in_the_line_costs_one_query(ours: factories.House, django_assert_num_queries: Any) -> None:
    job(ours.tenant, ManualStatus.REVIEW_WAITING)
    with django_assert_num_queries(1):
        assert sweep.reviewers_sweep() == 0


def test_a_global_admin_without_a_tenant_is_served_from_every_one(
    send: Sender, ours: factories.House, outsider: factories.House
) -> None:
    nowhere = factories.user(outsider.tenant, group=GLOBAL_ADMIN)
    current_tenant_set(user=nowhere, tenant=None)
    assert send(ours.global_admin, "post", QUEUE, {}).status_code == 200
    assert send(nowhere, "post", QUEUE, {}).status_code == 200
    theirs = job(outsider.tenant, ManualStatus.REVIEW_WAITING)
    assert sweep.reviewers_sweep() == 1
    assert holder(theirs) == nowhere
    here = job(ours.tenant, ManualStatus.REVIEW_WAITING)
    assert sweep.reviewers_sweep() == 1
    assert holder(here) == ours.global_admin


def test_whom_a_global_admin_places_from_elsewhere_waits_in_their_own_tenants(
    send: Sender, ours: factories.House, outsider: factories.House
) -> None:
    body = {"reviewerId": str(outsider.reviewer.pk)}
    assert send(ours.global_admin, "post", QUEUE, body).status_code == 200
    job(ours.tenant, ManualStatus.REVIEW_WAITING)
    assert sweep.reviewers_sweep() == 0
    theirs = job(outsider.tenant, ManualStatus.REVIEW_WAITING)
    assert sweep.reviewers_sweep() == 1
    assert holder(theirs) == outsider.reviewer
