"""Runs and jobs: their start, claim, lease, end. The row is the queue; the task queue only carries ids.

A claim is a conditional UPDATE that counts the attempt before the work, so a worker that the kernel kills has used up
one. The number of the attempt fences every later write of that worker: who lost the lease changes nothing any more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone

from assets.models import ImageSet
from imaging.models import JobRun, JobState, ModelVersion, PipelineRun, RunState
from imaging.pipeline import PIPELINE, ready

SETTLED: Final = (JobState.DONE, JobState.SKIPPED)
#: Seconds to wait after the first, second, ... failed attempt.
BACKOFF: Final = (2, 15, 60)


class LeaseLost(Exception):
    """The job was given to another worker; what this one still does must not be written."""


class Hopeless(Exception):
    """A further attempt of the job would end the same; the message says why in words for people."""


def run_start(*, image_set: ImageSet, off: Mapping[str, str]) -> tuple[PipelineRun, list[JobRun]]:
    """Create the set's next run with all its jobs; returns it with the jobs that may start at once, already queued.

    `off` names the jobs that are switched off and why. Call it inside a transaction.
    """
    last = PipelineRun.objects.all_tenants("numbering the runs of a set").filter(image_set=image_set)
    number = (last.aggregate(last=Max("number"))["last"] or 0) + 1
    run = PipelineRun(image_set=image_set, number=number)
    run.save(force_insert=True)
    jobs = [
        JobRun(
            run=run,
            name=job.name,
            cluster=job.cluster,
            order=order,
            state=JobState.SKIPPED if job.name in off else JobState.WAITING,
            reason=off.get(job.name, ""),
            max_attempts=settings.JOB_MAX_ATTEMPTS,
        )
        for order, job in enumerate(PIPELINE)
    ]
    _jobs().bulk_create(jobs)
    return run, jobs_release(run=run)


def jobs_release(*, run: PipelineRun) -> list[JobRun]:
    """Queue the jobs of the run whose needs are settled; returns those that this call queued."""
    jobs = list(run.jobs.all())
    settled = [job.name for job in jobs if job.state in SETTLED]
    waiting = {job.name: job for job in jobs if job.state == JobState.WAITING}
    now = timezone.now()
    return [
        waiting[name]
        for name in ready(settled, waiting)
        if _jobs()
        .filter(pk=waiting[name].pk, state=JobState.WAITING)
        .update(state=JobState.QUEUED, queued_at=now, modified_at=now)
    ]


def jobs_switch_off(*, run: PipelineRun, off: Mapping[str, str]) -> None:
    """Switch off those of these jobs (name: reason) that have not been queued yet."""
    for name, reason in off.items():
        run.jobs.filter(name=name, state=JobState.WAITING).update(state=JobState.SKIPPED, reason=reason)


def job_claim(*, job_id: UUID | str, worker: str) -> JobRun | None:
    """Take a queued job, or a running one whose lease is over; None if there is nothing to take."""
    now = timezone.now()
    free = Q(state=JobState.QUEUED) & (Q(lease_until__isnull=True) | Q(lease_until__lte=now))
    lost = Q(state=JobState.RUNNING, lease_until__lt=now)
    taken = (
        _jobs()
        .filter(free | lost, pk=job_id, attempts__lt=F("max_attempts"))
        .update(
            state=JobState.RUNNING,
            attempts=F("attempts") + 1,
            worker=worker[:100],
            lease_until=now + timedelta(seconds=settings.JOB_LEASE_SECONDS),
            started_at=now,
            modified_at=now,
        )
    )
    if not taken:
        return None
    return _jobs().select_related("run__image_set__tenant__settings", "run__image_set__submission").get(pk=job_id)


def job_renew(*, job: JobRun) -> bool:
    """Extend the lease of a claimed job; False if it is somebody else's by now."""
    until = timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)
    return bool(_mine(job).update(lease_until=until))


def job_checkpoint(*, job: JobRun, done: str) -> None:
    """Note an id as dealt with, in the transaction that stores what came of it; LeaseLost if the job is not ours."""
    checkpoint = [*job.checkpoint, done]
    if not _mine(job).update(checkpoint=checkpoint):
        raise LeaseLost
    job.checkpoint = checkpoint


def job_model_note(*, job: JobRun, model_version: ModelVersion, helpers: Collection[ModelVersion] = ()) -> None:
    """Note which model the job runs, and which others help it; LeaseLost if it is not ours."""
    with transaction.atomic():
        if not _mine(job).update(model_version=model_version):
            raise LeaseLost
        job.helpers.set(helpers)
    job.model_version = model_version


def job_finish(*, job: JobRun) -> None:
    """Mark a claimed job as done; LeaseLost if it is not ours. Call it with what follows in one transaction."""
    now = timezone.now()
    if not _mine(job).update(state=JobState.DONE, finished_at=now, lease_until=None, reason="", modified_at=now):
        raise LeaseLost
    job.state = JobState.DONE


def job_fail(*, job: JobRun, reason: str, hopeless: bool = False) -> bool:
    """Note a failed attempt: wait and try again, or give up (at once if it is hopeless).

    True if it was given up; LeaseLost if it is not ours.
    """
    now = timezone.now()
    if hopeless or job.attempts >= job.max_attempts:
        if not _mine(job).update(state=JobState.FAILED, reason=reason, finished_at=now, lease_until=None):
            raise LeaseLost
        return True
    wait = timedelta(seconds=BACKOFF[min(job.attempts, len(BACKOFF)) - 1])
    if not _mine(job).update(state=JobState.QUEUED, reason=reason, queued_at=now, lease_until=now + wait):
        raise LeaseLost
    return False


def run_finish(*, run: PipelineRun) -> bool:
    """Mark the run as done if all its jobs are settled; True if this call did it."""
    if run.jobs.exclude(state__in=SETTLED).exists():
        return False
    return _run_end(run, RunState.DONE, "")


def run_fail(*, run: PipelineRun, reason: str) -> bool:
    """End the run as failed; jobs that had not started are switched off. True if this call did it."""
    run.jobs.filter(state__in=[JobState.WAITING, JobState.QUEUED]).update(
        state=JobState.SKIPPED, reason="An earlier job failed."
    )
    return _run_end(run, RunState.FAILED, reason)


def jobs_revive(*, idle_clusters: set[str]) -> tuple[list[JobRun], list[JobRun]]:
    """Find jobs nobody will work on otherwise: (to be queued again, given up).

    A running job without a lease lost its worker; a queued one whose pause is over is due; a queued one in a cluster
    whose task queue is empty (`idle_clusters`) lost its task.
    """
    now = timezone.now()
    lost = list(_jobs().filter(state=JobState.RUNNING, lease_until__lt=now).select_related("run"))
    dead = [job for job in lost if job.attempts >= job.max_attempts and _given_up(job)]
    again = [job for job in lost if job.attempts < job.max_attempts and _queued_again(job)]
    paused = Q(lease_until__lte=now)
    forgotten = Q(lease_until__isnull=True, cluster__in=idle_clusters, queued_at__lt=now - timedelta(seconds=10))
    due = _jobs().filter(paused | forgotten, state=JobState.QUEUED).select_related("run")
    return again + [job for job in due if _queued_again(job)], dead


def _queued_again(job: JobRun) -> bool:
    now = timezone.now()
    same = _jobs().filter(pk=job.pk, state=job.state, attempts=job.attempts, queued_at=job.queued_at)
    return bool(same.update(state=JobState.QUEUED, queued_at=now, lease_until=None))


def _given_up(job: JobRun) -> bool:
    job.reason = f"The worker vanished {job.attempts} times while working on it."
    same = _jobs().filter(pk=job.pk, state=JobState.RUNNING, attempts=job.attempts, lease_until=job.lease_until)
    return bool(same.update(state=JobState.FAILED, reason=job.reason, finished_at=timezone.now(), lease_until=None))


def _run_end(run: PipelineRun, state: RunState, reason: str) -> bool:
    runs = PipelineRun.objects.all_tenants("a worker ends the run it works on")
    unfinished = runs.filter(pk=run.pk, state=RunState.RUNNING)
    ended = bool(unfinished.update(state=state, reason=reason, finished_at=timezone.now()))
    if ended:
        run.refresh_from_db()
    return ended


def _mine(job: JobRun) -> QuerySet[JobRun]:
    return _jobs().filter(pk=job.pk, state=JobState.RUNNING, attempts=job.attempts)


def _jobs() -> QuerySet[JobRun]:
    return JobRun.objects.all_tenants("workers find jobs by id, whoever they are for")
