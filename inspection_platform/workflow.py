"""The sequence of the main job, one short function per step. The rules are in the apps' services."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from django.db import transaction
from django_q.tasks import async_task

from assets.models import ImageSet
from assets.services.image_sets import image_set_conclude, image_set_process, jobs_off
from assets.services.submissions import IncomingFile, IncomingUrl, SubmissionDetails, image_set_receive
from damages.models import ManualProcessing, ManualStatus, ResultCause, ResultVersion
from damages.services import proposals
from damages.services.manual import manual_open
from damages.services.results import result_publish
from imaging.jobs import damage_detection, fetch, frames, quality
from imaging.models import JobRun, PipelineRun
from imaging.services.runs import job_finish, jobs_release, run_fail, run_finish, run_start
from tenants.errors import Conflict
from tenants.models import Event, PublishResult, Tenant

#: What each job of the pipeline does.
CALLABLES: Final[Mapping[str, Callable[[JobRun], None]]] = {
    "fetch": fetch.run,
    "frames": frames.run,
    "quality": quality.run,
    "damage_detection": damage_detection.run,
    "damage_identification": proposals.run,
}


def submit(
    *,
    tenant: Tenant,
    family: str,
    external_key: str,
    details: SubmissionDetails,
    files: Sequence[IncomingFile] = (),
    urls: Sequence[IncomingUrl] = (),
) -> ImageSet:
    """Take an inspection and start its run: rows, run, jobs and queue entries come to be together or not at all."""
    return image_set_receive(
        tenant=tenant,
        family=family,
        external_key=external_key,
        details=details,
        files=files,
        urls=urls,
        then=start,
    )


def start(image_set: ImageSet) -> PipelineRun:
    """Send a set through the pipeline; Conflict if it is under way already. Call it inside a transaction."""
    image_set_process(image_set=image_set)
    run, jobs = run_start(image_set=image_set, off=jobs_off(image_set))
    enqueue(jobs)
    return run


def run_again(*, image_set: ImageSet) -> PipelineRun:
    """Start a further run of a set that failed, was rejected or is finished; Conflict while people work on it."""
    with transaction.atomic():
        work = ManualProcessing.objects.all_tenants("a run must not pull the set from under a person")
        held = work.select_for_update().filter(image_set=image_set, holder__isnull=False).first()
        if held:
            raise Conflict("Somebody is working on this image set; try again when they have finished.")
        return start(image_set)


def enqueue(jobs: Sequence[JobRun]) -> None:
    """Hand the ids of queued jobs to the task queue, in the caller's transaction."""
    for job in jobs:
        async_task("inspection_platform.tasks.run_job", str(job.pk), cluster=job.cluster, task_name=job.name)


def job_done(job: JobRun) -> None:
    """Close a job and open those that waited for it; the last one concludes the set."""
    with transaction.atomic():
        job_finish(job=job)
        enqueue(jobs_release(run=job.run))
        if run_finish(run=job.run):
            conclude(job.run)


def conclude(run: PipelineRun) -> None:
    """The models are done: the set is ready or rejected, people get their work, and the result goes out."""
    image_set = image_set_conclude(image_set=run.image_set)
    if image_set.is_rejected:
        publish(image_set, ResultCause.REJECTION, run)
        return
    work = manual_open(image_set=image_set)
    if not _waits_for_people(work):
        publish(image_set, ResultCause.MODELS, run)


def publish(image_set: ImageSet, cause: ResultCause, run: PipelineRun | None) -> ResultVersion:
    """Freeze the result and queue its news, together."""
    with transaction.atomic():
        result = result_publish(image_set=image_set, cause=cause, run=run)
        event = Event.objects.all_tenants("the news of a result just made").get(subject_id=result.pk)
        async_task("inspection_platform.tasks.handle_event", str(event.pk), cluster="io", task_name="event")
    return result


def give_up(job: JobRun, reason: str) -> None:
    """A job failed for good: so did its run and its set; staff see why and may run it again."""
    with transaction.atomic():
        if run_fail(run=job.run, reason=f"{job.name}: {reason}"):
            image_set_conclude(image_set=job.run.image_set, failure=job.run.reason)


def manual_finished(*, image_set: ImageSet) -> None:
    """A person finished a step: once no step is left, the result goes out, or goes out corrected."""
    work = ManualProcessing.objects.all_tenants("the portal has reached the set").get(image_set=image_set)
    if work.status in {ManualStatus.ANNOTATION_WAITING, ManualStatus.REVIEW_WAITING}:
        return
    run = image_set.runs.order_by("-number").first()
    first = not image_set.results.filter(run=run).exists()
    publish(image_set, ResultCause.REVIEW if first else ResultCause.CORRECTION, run)


def _waits_for_people(work: ManualProcessing) -> bool:
    tenant = work.tenant
    waits = work.status in {ManualStatus.ANNOTATION_WAITING, ManualStatus.REVIEW_WAITING}
    return waits and tenant.settings.publish_result == PublishResult.AFTER_REVIEW
