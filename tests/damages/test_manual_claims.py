"""Many people ask for the next job at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from damages.models import ManualProcessing, ManualStatus, Step
from damages.services.manual import manual_job_claim_next, manual_job_finish, manual_job_lock
from tenants.errors import Conflict
from tenants.models import ANNOTATOR, User
from tenants.scope import Reach
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

CLERKS = 8


def together(people: list[User], work: Callable[[User], UUID | None]) -> list[UUID | None]:
    """Let every person do the work in a thread and a connection of their own, all starting at once."""
    start = Barrier(len(people))

    def one(person: User) -> UUID | None:
        try:
            start.wait(timeout=30)
            return work(person)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(people)) as threads:
        return list(threads.map(one, people))


def clerks(house: factories.House) -> list[User]:
    return [factories.user(house.tenant, group=ANNOTATOR) for _ in range(CLERKS)]


def queue(house: factories.House, count: int) -> None:
    now = timezone.now()
    for age in range(count):
        ManualProcessing(
            image_set=factories.image_set(house.tenant, photos=0), tenant=house.tenant,
            status=ManualStatus.ANNOTATION_WAITING, waiting_since=now - timedelta(seconds=age),
        ).save()  # fmt: skip


def next_set(house: factories.House, person: User) -> UUID | None:
    reach = Reach.only(house.tenant.pk)
    job = manual_job_claim_next(user=person, step=Step.ANNOTATION, reach=reach)
    return job.image_set_id if job else None


def test_eight_people_never_get_the_same_set(ours: factories.House) -> None:
    queue(ours, CLERKS)
    got = together(clerks(ours), lambda person: next_set(ours, person))
    assert None not in got
    assert len(set(got)) == CLERKS


def test_a_last_set_goes_to_exactly_one_of_eight(ours: factories.House) -> None:
    queue(ours, 1)
    got = together(clerks(ours), lambda person: next_set(ours, person))
    assert Counter(one is None for one in got) == {True: CLERKS - 1, False: 1}


def test_eight_people_work_off_a_queue_without_doing_anything_twice(ours: factories.House) -> None:
    queue(ours, 24)
    done: list[UUID] = []

    def work_off(person: User) -> None:
        while (image_set_id := next_set(ours, person)) is not None:
            job = ManualProcessing.objects.of(ours.tenant.pk).select_related("image_set").get(image_set=image_set_id)
            manual_job_finish(user=person, image_set=job.image_set, step=Step.ANNOTATION)
            done.append(image_set_id)

    together(clerks(ours), work_off)
    assert len(done) == len(set(done)) == 24


def test_a_double_click_gives_one_person_one_set(ours: factories.House) -> None:
    queue(ours, CLERKS)
    got = together([ours.annotator] * CLERKS, lambda person: next_set(ours, person))
    assert len(set(got)) == 1
    assert ours.annotator.held_jobs.count() == 1


def test_one_of_eight_locks_a_particular_set(ours: factories.House) -> None:
    queue(ours, 1)
    image_set = ManualProcessing.objects.of(ours.tenant.pk).select_related("image_set").get().image_set

    def lock(person: User) -> UUID | None:
        try:
            return manual_job_lock(user=person, image_set=image_set, step=Step.ANNOTATION).holder_id
        except Conflict:
            return None

    people = clerks(ours)
    got = [one for one in together(people, lock) if one]
    assert got == [ManualProcessing.objects.of(ours.tenant.pk).get().holder_id]
