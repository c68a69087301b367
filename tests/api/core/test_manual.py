"""Work on image sets: counts (W57), locks (W62, W64), and changes of status (W63)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from assets.models import ImageSet
from damages.models import DamageState, ManualStatus, ResultVersion
from damages.states import NEXT
from tenants.models import ANNOTATOR, User
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import golden
from tests.api.core.jobs import SETS, job, job_of, lock_over
from tests.api.core.rigs import NOBODY, Sender
from tests.api.test_reference import reference, validator

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
S = ManualStatus

COUNT: Final = f"{SETS}/count"
BOTH: Final = "?forManualAnnotation=true&forManualReview=true"
GONE: Final = "12345678-abcd-abcd-abcd-123456789012"


@pytest.fixture
def send(client: Client, bearer: Bearer) -> Sender:
    """Sends requests as a person."""
    return Sender(client, bearer)


def lock(send: Sender, by: User, image_set: ImageSet, process: str = "ANNOTATION", verb: str = "lock") -> int:
    code: int = send(by, "post", f"{SETS}/{image_set.pk}/{verb}", {"manualProcess": process}).status_code
    return code


def change(send: Sender, by: User, image_set: ImageSet, **body: object) -> Any:
    return send(by, "patch", f"{SETS}/{image_set.pk}/status", body)


# --- counts ----------------------------------------------------------------------------------------------------------


def test_counts_are_the_golden_json(send: Sender, ours: factories.House, outsider: factories.House) -> None:
    for _ in range(11):
        job(ours.tenant)
    for _ in range(6):
        job(ours.tenant, S.REVIEW_WAITING)
    for status in (S.NONE, S.ANNOTATED, S.REVIEWED, S.SKIPPED):
        job(ours.tenant, status)
    job(outsider.tenant)
    deleted = job(ours.tenant)
    deleted.deleted_at = timezone.now()
    deleted.save()
    send(ours.reviewer, "get", f"{SETS}?forManualReview=true")
    answer = send(ours.reviewer, "get", f"{COUNT}{BOTH}")
    assert answer.status_code == 200
    assert answer.json() == golden("image_sets_counted")


def test_only_what_is_asked_for_is_counted_and_locks_that_are_over_are_none(
    send: Sender, ours: factories.House
) -> None:
    image_set = job(ours.tenant)
    assert lock(send, ours.annotator, image_set) == 200

    def counted(by: User) -> Any:
        answer = send(by, "get", f"{COUNT}?forManualAnnotation=true&forManualReview=false").json()
        assert answer.keys() == {"success", "forManualAnnotation", "message"}
        return answer["forManualAnnotation"]

    assert counted(ours.annotator) == {"isLockedByCurrentUser": True, "locked": 1, "unlocked": 0}
    assert counted(ours.reviewer) == {"isLockedByCurrentUser": False, "locked": 1, "unlocked": 0}
    lock_over(image_set)
    assert counted(ours.annotator) == {"isLockedByCurrentUser": False, "locked": 0, "unlocked": 1}


def test_a_global_admin_counts_the_tenant_worked_in(
    send: Sender, ours: factories.House, outsider: factories.House
) -> None:
    job(outsider.tenant)
    answer = send(ours.global_admin, "get", f"{COUNT}{BOTH}").json()
    assert answer["forManualAnnotation"]["unlocked"] == 0


@pytest.mark.parametrize("query", ["", "?forManualReview=false", "?forManualReview=maybe", "?forManualWork=true"])
def test_something_has_to_be_counted(send: Sender, ours: factories.House, query: str) -> None:
    assert send(ours.reviewer, "get", f"{COUNT}{query}").status_code == 400


def test_counts_cost_two_queries_however_many_wait(send: Sender, ours: factories.House) -> None:
    costs = []
    for more in (1, 8):
        for _ in range(more):
            job(ours.tenant)
        costs.append(send.queries(ours.annotator, f"{COUNT}{BOTH}"))
    assert costs == [2, 2]


# --- locks -----------------------------------------------------------------------------------------------------------


def test_lock_and_unlock_answer_with_the_golden_json(send: Sender, ours: factories.House) -> None:
    image_set = job(ours.tenant, image_set_id=UUID(GONE))
    for verb in ("lock", "unlock"):
        answer = send(ours.annotator, "post", f"{SETS}/{image_set.pk}/{verb}", {"manualProcess": "ANNOTATION"})
        assert answer.status_code == 200
        assert answer.json() == golden("image_set_job")
        assert job_of(image_set.pk).holder == (ours.annotator if verb == "lock" else None)


def test_a_lock_names_its_holder_and_keeps_others_out(send: Sender, ours: factories.House) -> None:
    image_set, other = job(ours.tenant), factories.user(ours.tenant, group=ANNOTATOR)
    assert lock(send, ours.annotator, image_set) == 200
    shown = send(ours.staff, "get", f"{SETS}/{image_set.pk}").json()["data"]["manualProcessing"]
    assert shown["lastAnnotatorId"] == str(ours.annotator.pk)
    assert abs(shown["lastAnnotationLockTime"] - timezone.now().timestamp()) < 60
    assert lock(send, other, image_set) == 409
    assert lock(send, other, image_set, verb="unlock") == 409
    assert change(send, other, image_set, status=2).status_code == 409
    assert lock(send, ours.annotator, image_set) == 200
    lock_over(image_set)
    assert lock(send, other, image_set) == 200
    assert lock(send, ours.annotator, image_set) == 409


def test_locking_again_lets_the_lock_begin_anew(send: Sender, ours: factories.House) -> None:
    image_set = job(ours.tenant)
    lock(send, ours.annotator, image_set)
    lock_over(image_set)
    assert lock(send, ours.annotator, image_set) == 200
    until = job_of(image_set.pk).locked_until
    assert until is not None
    assert until > timezone.now()


def test_each_step_is_for_its_group_and_its_time(send: Sender, ours: factories.House) -> None:
    annotation, review = job(ours.tenant), job(ours.tenant, S.REVIEW_WAITING)
    for verb in ("lock", "unlock"):
        assert lock(send, ours.reviewer, annotation, "ANNOTATION", verb) == 403
        assert lock(send, ours.annotator, review, "REVIEW", verb) == 403
        assert lock(send, ours.annotator, review, "ANNOTATION", verb) == 409
        assert lock(send, ours.reviewer, annotation, "REVIEW", verb) == 409
        assert lock(send, ours.global_admin, review, "REVIEW", verb) == 200


@pytest.mark.parametrize("verb", ["lock", "unlock"])
@pytest.mark.parametrize("body", [{}, {"manualProcess": "annotation"}, {"manualProcess": "REVIEW", "force": True}, []])
def test_wrong_bodies_are_refused(send: Sender, ours: factories.House, verb: str, body: object) -> None:
    image_set = job(ours.tenant)
    assert send(ours.annotator, "post", f"{SETS}/{image_set.pk}/{verb}", body).status_code == 400


@pytest.mark.parametrize(
    ("method", "verb", "body"),
    [
        ("post", "lock", {"manualProcess": "ANNOTATION"}),
        ("post", "unlock", {"manualProcess": "ANNOTATION"}),
        ("patch", "status", {"status": 1}),
    ],
)
def test_what_has_no_job_or_is_not_seen_is_not_found(
    send: Sender, ours: factories.House, outsider: factories.House, method: str, verb: str, body: dict[str, Any]
) -> None:
    bare, theirs, gone = factories.image_set(ours.tenant, photos=0), job(outsider.tenant), job(ours.tenant)
    gone.deleted_at = timezone.now()
    gone.save()
    for key in (bare.pk, theirs.pk, gone.pk, uuid4(), "count-me"):
        assert send(ours.annotator, method, f"{SETS}/{key}/{verb}", body).status_code == 404, key


# --- status ----------------------------------------------------------------------------------------------------------


def test_annotation_ends_in_review_or_at_once(send: Sender, ours: factories.House) -> None:
    for is_wanted, status in ((True, S.REVIEW_WAITING), (False, S.ANNOTATED)):
        image_set = job(ours.tenant, review_enabled=is_wanted)
        assert change(send, ours.annotator, image_set, status=2).status_code == 409
        lock(send, ours.annotator, image_set)
        answer = change(send, ours.annotator, image_set, status=2, isSkipped=False)
        assert answer.json() == {"success": True, "data": {"id": str(image_set.pk)}}
        assert job_of(image_set.pk).status == status
        assert change(send, ours.annotator, image_set, status=2).status_code == 409


def test_a_set_is_handed_on_only_where_a_review_is_wanted(send: Sender, ours: factories.House) -> None:
    wanted, unwanted = job(ours.tenant), job(ours.tenant, review_enabled=False)
    for image_set in (wanted, unwanted):
        lock(send, ours.annotator, image_set)
    assert change(send, ours.reviewer, wanted, status=3).status_code == 403
    assert change(send, ours.annotator, unwanted, status=3).status_code == 409
    assert change(send, ours.annotator, wanted, status=3).status_code == 200
    assert job_of(wanted.pk).annotated_at is not None
    assert (job_of(wanted.pk).status, job_of(unwanted.pk).status) == (S.REVIEW_WAITING, S.ANNOTATION_WAITING)


def test_a_review_decides_each_proposal_and_publishes(send: Sender, ours: factories.House) -> None:
    image_set = job(ours.tenant, S.REVIEW_WAITING)
    damage = factories.damage(factories.photo(image_set, position=1))
    lock(send, ours.reviewer, image_set, "REVIEW")
    answer = change(send, ours.reviewer, image_set, status=4)
    assert answer.status_code == 409
    assert answer.json()["message"] == "1 proposal is not decided yet."
    assert not ResultVersion.objects.of(ours.tenant.pk).exists()
    damage.state = DamageState.ACCEPTED
    damage.save()
    assert change(send, ours.reviewer, image_set, status=4).status_code == 200
    assert job_of(image_set.pk).status == S.REVIEWED
    assert ResultVersion.objects.of(ours.tenant.pk).filter(image_set=image_set).count() == 1


@pytest.mark.parametrize("body", [{"isSkipped": True}, {"status": 5}, {"isSkipped": True, "status": 5}])
def test_skipping_ends_the_step_that_is_held(send: Sender, ours: factories.House, body: dict[str, Any]) -> None:
    for person, status, process in (
        (ours.annotator, S.ANNOTATION_WAITING, "ANNOTATION"),
        (ours.reviewer, S.REVIEW_WAITING, "REVIEW"),
    ):
        image_set = job(ours.tenant, status)
        assert change(send, person, image_set, **body).status_code == 409
        lock(send, person, image_set, process)
        assert change(send, person, image_set, **body).status_code == 200
        assert (job_of(image_set.pk).status, job_of(image_set.pk).is_skipped) == (S.SKIPPED, True)
        assert change(send, person, image_set, **body).status_code == 409


def test_the_vendors_sample_skips_the_annotation(send: Sender, ours: factories.House) -> None:
    image_set, later = job(ours.tenant), job(ours.tenant, S.REVIEW_WAITING)
    lock(send, ours.annotator, image_set)
    lock(send, ours.global_admin, later, "REVIEW")
    assert change(send, ours.annotator, image_set, isSkipped=True, status=2).status_code == 200
    assert job_of(image_set.pk).status == S.SKIPPED
    assert change(send, ours.global_admin, later, isSkipped=True, status=2).status_code == 409
    assert change(send, ours.global_admin, later, isSkipped=True, status=4).status_code == 200


def test_a_skipped_set_can_be_asked_for(send: Sender, ours: factories.House) -> None:
    early, late = job(ours.tenant, S.SKIPPED), job(ours.tenant, S.SKIPPED, annotated_at=timezone.now())
    assert change(send, ours.annotator, late, isSkipped=False).status_code == 403
    assert change(send, ours.reviewer, late, isSkipped=False).status_code == 200
    assert change(send, ours.annotator, early, isSkipped=False).status_code == 200
    assert (job_of(early.pk).status, job_of(late.pk).status) == (S.ANNOTATION_WAITING, S.REVIEW_WAITING)
    assert not job_of(early.pk).is_skipped
    assert change(send, ours.annotator, early, isSkipped=False).status_code == 409


@pytest.mark.parametrize(("before", "after"), list(itertools.product(S, S)))
def test_only_transitions_of_the_table_are_served(
    send: Sender, ours: factories.House, before: ManualStatus, after: ManualStatus
) -> None:
    """As a global admin, who may do both steps, and holds the set if it waits."""
    image_set = job(ours.tenant, before)
    for process in ("ANNOTATION", "REVIEW"):
        lock(send, ours.global_admin, image_set, process)
    code = change(send, ours.global_admin, image_set, status=after.value).status_code
    now = job_of(image_set.pk).status
    if after not in NEXT[before]:
        assert (code, now) == (409, before)
    elif after in {S.ANNOTATION_WAITING, S.REVIEW_WAITING} or before in {S.ANNOTATION_WAITING, S.REVIEW_WAITING}:
        # What is annotated and to be reviewed waits for that at once.
        assert (code, now) == (200, S.REVIEW_WAITING if after == S.ANNOTATED else after)
    else:
        # Only what waits for people can be skipped by them.
        assert (code, now, after) == (409, before, S.SKIPPED)


def test_a_set_that_somebody_is_at_is_not_taken_from_them(send: Sender, ours: factories.House) -> None:
    image_set = job(ours.tenant)
    lock(send, ours.annotator, image_set)
    for person in (ours.reviewer, ours.global_admin):
        for body in ({"status": 3}, {"status": 1}, {"isSkipped": True}):
            assert change(send, person, image_set, **body).status_code in {403, 409}
    assert job_of(image_set.pk).holder == ours.annotator


@pytest.mark.parametrize(
    "body",
    [
        {}, {"status": 6}, {"status": -1}, {"status": "done"}, {"status": None}, {"isSkipped": None}, {"state": 2},
        {"isSkipped": True, "status": 1}, {"isSkipped": True, "status": 0}, {"isSkipped": False, "status": 5},
    ],
)  # fmt: skip
def test_what_contradicts_itself_or_means_nothing_is_refused(
    send: Sender, ours: factories.House, body: dict[str, Any]
) -> None:
    image_set = job(ours.tenant)
    lock(send, ours.annotator, image_set)
    assert change(send, ours.annotator, image_set, **body).status_code == 400
    assert job_of(image_set.pk).holder == ours.annotator


# --- the reference ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("get", "/annotators/statistics", None, 200),
        ("get", "/annotators/statistics?startDate=x", None, 400),
        ("post", "/reviewers/queue", {}, 200),
        ("post", "/reviewers/queue", {"reviewerId": NOBODY}, 404),
        ("get", f"/imageSets/count{BOTH}", None, 200),
        ("get", "/imageSets/count", None, 400),
        ("post", "/imageSets/{image_set_id}/lock", {"manualProcess": "ANNOTATION"}, 200),
        ("post", "/imageSets/{image_set_id}/lock", {"manualProcess": "REVIEW"}, 409),
        ("post", "/imageSets/{image_set_id}/unlock", {"manualProcess": "ANNOTATION"}, 200),
        ("post", "/imageSets/{image_set_id}/unlock", {}, 400),
        ("patch", "/imageSets/{image_set_id}/status", {"status": 2}, 409),
        ("patch", "/imageSets/{image_set_id}/status", {}, 400),
    ],
)
def test_answers_fit_the_reference(
    send: Sender, ours: factories.House, method: str, path: str, body: Any, status: int
) -> None:
    image_set = job(ours.tenant)
    answer = send(ours.global_admin, method, f"/core/v1{path}".format(image_set_id=image_set.pk), body)
    assert answer.status_code == status, answer.content
    described = reference()["paths"][f"/core/v1{path.partition('?')[0]}"][method]["responses"][str(status)]
    schema = described["content"]["application/json"]["schema"]
    assert [error.message for error in validator(schema).iter_errors(answer.json())] == []
