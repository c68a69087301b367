"""Jobs: claimed by one, fenced by their attempt, revived when their worker is gone, given up in the end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from assets.models import ImageSet
from imaging.models import JobRun, JobState, PipelineRun, RunState
from imaging.services.runs import (
    LeaseLost,
    job_checkpoint,
    job_claim,
    job_fail,
    job_finish,
    job_renew,
    jobs_release,
    jobs_revive,
    run_fail,
    run_finish,
    run_start,
)
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def image_set(ours: factories.House) -> ImageSet:
    return factories.image_set(ours.tenant, state="processing")


@pytest.fixture
def run(image_set: ImageSet) -> PipelineRun:
    return run_start(image_set=image_set, off={"fetch": "nothing to fetch"})[0]


def job(run: PipelineRun, name: str) -> JobRun:
    return run.jobs.get(name=name)


def lose_lease(run: PipelineRun, name: str) -> None:
    run.jobs.filter(name=name).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_the_first_job_that_is_not_off_is_queued(image_set: ImageSet) -> None:
    run, queued = run_start(image_set=image_set, off={"fetch": "nothing to fetch"})
    assert [item.name for item in queued] == ["frames"]
    states = dict(run.jobs.values_list("name", "state"))
    assert states["fetch"] == JobState.SKIPPED
    assert states["frames"] == JobState.QUEUED
    assert states["quality"] == JobState.WAITING


def test_runs_are_numbered(image_set: ImageSet, run: PipelineRun) -> None:
    run_fail(run=run, reason="test")
    assert run_start(image_set=image_set, off={})[0].number == run.number + 1


def test_a_claim_counts_before_the_work(run: PipelineRun) -> None:
    claimed = job_claim(job_id=job(run, "frames").pk, worker="w1")
    assert claimed is not None
    assert (claimed.state, claimed.attempts, claimed.worker) == (JobState.RUNNING, 1, "w1")
    assert job_claim(job_id=claimed.pk, worker="w2") is None


def test_a_waiting_job_cannot_be_claimed(run: PipelineRun) -> None:
    assert job_claim(job_id=job(run, "quality").pk, worker="w") is None


def test_finishing_releases_the_next(run: PipelineRun) -> None:
    claimed = job_claim(job_id=job(run, "frames").pk, worker="w")
    assert claimed is not None
    job_finish(job=claimed)
    assert [item.name for item in jobs_release(run=run)] == ["quality"]
    assert jobs_release(run=run) == []
    assert not run_finish(run=run)


def test_a_worker_that_lost_its_lease_writes_nothing(run: PipelineRun) -> None:
    first = job_claim(job_id=job(run, "frames").pk, worker="slow")
    lose_lease(run, "frames")
    second = job_claim(job_id=job(run, "frames").pk, worker="quick")
    assert first is not None
    assert second is not None
    assert not job_renew(job=first)
    for late in (
        lambda: job_checkpoint(job=first, done="x"),
        lambda: job_finish(job=first),
        lambda: job_fail(job=first, reason="late"),
    ):
        with pytest.raises(LeaseLost):
            late()
    job_checkpoint(job=second, done="y")
    assert job(run, "frames").checkpoint == ["y"]


def test_a_failure_waits_then_is_tried_again(run: PipelineRun) -> None:
    claimed = job_claim(job_id=job(run, "frames").pk, worker="w")
    assert claimed is not None
    assert job_fail(job=claimed, reason="storage is away") is False
    row = job(run, "frames")
    assert row.state == JobState.QUEUED
    assert row.reason == "storage is away"
    assert row.lease_until is not None
    assert row.lease_until > timezone.now()
    assert job_claim(job_id=row.pk, worker="w") is None, "it must pause first"
    assert jobs_revive(idle_clusters=set()) == ([], [])
    lose_lease(run, "frames")
    again, dead = jobs_revive(idle_clusters=set())
    assert [item.name for item in again] == ["frames"]
    assert dead == []


def test_after_the_last_attempt_it_is_given_up(run: PipelineRun) -> None:
    row = job(run, "frames")
    outcomes = []
    for _ in range(row.max_attempts):
        lose_lease(run, "frames")
        claimed = job_claim(job_id=row.pk, worker="w")
        assert claimed is not None
        outcomes.append(job_fail(job=claimed, reason="broken"))
    assert outcomes == [False] * (row.max_attempts - 1) + [True]
    assert job(run, "frames").state == JobState.FAILED
    assert job_claim(job_id=row.pk, worker="w") is None


def test_a_vanished_worker_is_noticed(run: PipelineRun) -> None:
    job_claim(job_id=job(run, "frames").pk, worker="w")
    assert jobs_revive(idle_clusters={"ml", "io"}) == ([], [])
    lose_lease(run, "frames")
    again, _ = jobs_revive(idle_clusters=set())
    assert [item.name for item in again] == ["frames"]
    assert jobs_revive(idle_clusters=set()) == ([], []), "revived once"


def test_a_job_that_kills_its_workers_is_given_up(run: PipelineRun) -> None:
    row = job(run, "frames")
    for _ in range(row.max_attempts):
        assert job_claim(job_id=row.pk, worker="w") is not None
        lose_lease(run, "frames")
        again, dead = jobs_revive(idle_clusters=set())
    assert again == []
    assert [item.name for item in dead] == ["frames"]
    assert "vanished 3 times" in job(run, "frames").reason


def test_a_task_the_queue_lost_is_queued_again_only_if_the_queue_is_idle(run: PipelineRun) -> None:
    run.jobs.filter(name="frames").update(queued_at=timezone.now() - timedelta(minutes=5))
    assert jobs_revive(idle_clusters={"io"}) == ([], [])
    assert [item.name for item in jobs_revive(idle_clusters={"ml"})[0]] == ["frames"]


def test_the_last_job_ends_the_run(run: PipelineRun) -> None:
    run.jobs.update(state=JobState.DONE)
    assert run_finish(run=run)
    assert run.state == RunState.DONE
    assert not run_finish(run=run)


def test_a_failed_run_switches_the_rest_off(run: PipelineRun) -> None:
    assert run_fail(run=run, reason="quality: broken")
    assert not run.jobs.filter(state__in=[JobState.WAITING, JobState.QUEUED]).exists()
    assert not run_fail(run=run, reason="again")


@pytest.mark.django_db(transaction=True)
def test_eight_workers_one_claim(run: PipelineRun) -> None:
    job_id = job(run, "frames").pk

    def claim(number: int) -> bool:
        try:
            return job_claim(job_id=job_id, worker=str(number)) is not None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1
    assert job(run, "frames").attempts == 1


def test_a_claim_needs_a_constant_number_of_queries(
    run: PipelineRun, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    job_id = job(run, "frames").pk
    with django_assert_num_queries(2):
        job_claim(job_id=job_id, worker="w")
