"""The queue as clients meet it: who gets which job (W54), and many who ask at the same moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any, Final, TypeVar

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from assets.models import ImageSet
from damages.models import ManualStatus, ReviewerQueueEntry
from damages.services.manual import manual_open
from tenants.models import ANNOTATOR, REVIEWER, User
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.jobs import SETS, job, job_of, lock_over
from tests.api.core.rigs import Sender

pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
T = TypeVar("T")

PEOPLE: Final = 8
QUEUE: Final = "/core/v1/reviewers/queue"


def claim(send: Sender, person: User, flag: str = "forManualAnnotation", more: str = "") -> str | None:
    """The id of the job that the person gets."""
    answer = send(person, "get", f"{SETS}?{flag}=true{more}")
    assert answer.status_code == 200, answer.content
    items = answer.json()["data"]["items"]
    assert len(items) <= 1
    return items[0]["id"] if items else None


def lock(send: Sender, person: User, image_set_id: object, process: str = "ANNOTATION") -> int:
    code: int = send(person, "post", f"{SETS}/{image_set_id}/lock", {"manualProcess": process}).status_code
    return code


@pytest.fixture
def send(client: Client, bearer: Bearer) -> Sender:
    """Sends requests as a person."""
    return Sender(client, bearer)


def test_priority_goes_first_and_then_age(send: Sender, ours: factories.House) -> None:
    old, young = job(ours.tenant), job(ours.tenant)
    urgent = job(ours.tenant, priority=5)
    people = [factories.user(ours.tenant, group=ANNOTATOR) for _ in range(4)]
    assert [claim(send, person) for person in people] == [str(urgent.pk), str(old.pk), str(young.pk), None]


def test_the_own_open_job_comes_first_and_a_lock_that_is_over_frees_it(send: Sender, ours: factories.House) -> None:
    image_set, other = job(ours.tenant), factories.user(ours.tenant, group=ANNOTATOR)
    assert claim(send, ours.annotator) == str(image_set.pk)
    job(ours.tenant, priority=9)
    assert claim(send, ours.annotator) == str(image_set.pk)
    assert claim(send, other) != str(image_set.pk)
    third = factories.user(ours.tenant, group=ANNOTATOR)
    assert claim(send, third) is None
    lock_over(image_set)
    assert claim(send, third) == str(image_set.pk)
    assert claim(send, ours.annotator) is None


def test_work_on_the_damages_renews_the_lock(send: Sender, ours: factories.House) -> None:
    image_set = job(ours.tenant)
    damage = factories.damage(factories.photo(image_set, position=1))
    claim(send, ours.annotator)
    lock_over(image_set)
    body = {"damages": [{"id": str(damage.pk), "state": "rejected"}]}
    assert send(ours.annotator, "patch", "/core/v1/damages", body).status_code == 200
    until = job_of(image_set.pk).locked_until
    assert until is not None
    assert until > timezone.now() + timedelta(minutes=29)


def test_a_skipped_job_is_handed_out_to_who_asks_for_it(send: Sender, ours: factories.House) -> None:
    image_set = job(ours.tenant)
    claim(send, ours.annotator)
    assert send(ours.annotator, "patch", f"{SETS}/{image_set.pk}/status", {"isSkipped": True}).status_code == 200
    assert claim(send, ours.annotator) is None
    assert claim(send, ours.annotator, more="&isManualProcessingSkipped=true") == str(image_set.pk)


@pytest.mark.parametrize(("least", "is_handed_out"), [(1, True), (2, False)])
def test_sets_with_too_few_damages_are_not_handed_out(
    send: Sender, ours: factories.House, least: int, is_handed_out: bool
) -> None:
    factories.settings(ours.tenant, manualAnnotationEnabled=True, minDamagesForManualProcessing=least)
    image_set = factories.image_set(ours.tenant)
    factories.damage(image_set.images.get())
    manual_open(image_set=ImageSet.objects.of(ours.tenant.pk).get(pk=image_set.pk))
    assert claim(send, ours.annotator) == (str(image_set.pk) if is_handed_out else None)


# --- all at once -----------------------------------------------------------------------------------------------------


def together(people: list[User], bearer: Bearer, work: Callable[[Sender, User], T]) -> list[T]:
    """Let every person do the work in a thread, a client and a connection of their own, all starting at once."""
    start = Barrier(len(people))

    def one(person: User) -> T:
        sender = Sender(Client(), bearer)
        try:
            start.wait(timeout=60)
            return work(sender, person)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(people)) as threads:
        return list(threads.map(one, people))


def crowd(house: factories.House, group: str = ANNOTATOR) -> list[User]:
    return [factories.user(house.tenant, group=group) for _ in range(PEOPLE)]


@pytest.mark.django_db(transaction=True)
def test_eight_clients_never_get_the_same_job(ours: factories.House, bearer: Bearer) -> None:
    sets = [job(ours.tenant) for _ in range(PEOPLE - 1)]
    got = together(crowd(ours), bearer, claim)
    assert sorted(filter(None, got)) == sorted(str(one.pk) for one in sets)
    assert got.count(None) == 1


@pytest.mark.django_db(transaction=True)
def test_one_of_eight_locks_a_set_and_the_others_are_told(ours: factories.House, bearer: Bearer) -> None:
    image_set = job(ours.tenant)
    codes = together(crowd(ours), bearer, lambda send, person: lock(send, person, image_set.pk))
    assert Counter(codes) == {200: 1, 409: PEOPLE - 1}


@pytest.mark.django_db(transaction=True)
def test_eight_clients_work_off_the_queue_once(ours: factories.House, bearer: Bearer) -> None:
    sets = [job(ours.tenant, review_enabled=False) for _ in range(2 * PEOPLE)]

    def work_off(send: Sender, person: User) -> list[str]:
        done = []
        while (image_set_id := claim(send, person)) is not None:
            answer = send(person, "patch", f"{SETS}/{image_set_id}/status", {"status": 2})
            assert answer.status_code == 200, answer.content
            done.append(image_set_id)
        return done

    done = [one for finished in together(crowd(ours), bearer, work_off) for one in finished]
    assert sorted(done) == sorted(str(one.pk) for one in sets)


@pytest.mark.django_db(transaction=True)
def test_eight_reviewers_join_the_line_while_reviews_are_free(ours: factories.House, bearer: Bearer) -> None:
    sets = [job(ours.tenant, ManualStatus.REVIEW_WAITING) for _ in range(PEOPLE // 2)]
    people = crowd(ours, REVIEWER)

    def join(send: Sender, person: User) -> Any:
        return send(person, "post", QUEUE, {}).status_code

    assert together(people, bearer, join) == [200] * PEOPLE
    holders = {job_of(one.pk).holder for one in sets}
    assert len(holders) == len(sets)
    assert holders <= set(people)
    assert {entry.reviewer for entry in ReviewerQueueEntry.objects.select_related("reviewer")} == set(people) - holders
