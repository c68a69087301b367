"""The sequence of the main job, one short function per step. The rules are in the apps' services."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from django.db import transaction
from django_q.tasks import async_task

from assets.models import CaptureUnit, ImageSet, ImageSetState, Recording
from assets.plates import Plate
from assets.privacy import blur_rule
from assets.services.additions import image_set_close, uploads_announced
from assets.services.image_sets import image_set_conclude, image_set_process, jobs_off
from assets.services.recordings import passage_open, recording_complete
from assets.services.routing import image_sets_claim, waiting_route
from assets.services.staging import staged_faults
from assets.services.submissions import IncomingFile, IncomingUrl, SubmissionDetails, image_set_receive
from damages.models import ManualProcessing, ManualStatus, ResultCause, ResultVersion
from damages.services import proposals
from damages.services.image_sets import entered_join
from damages.services.manual import manual_open
from damages.services.results import CHANGED_EVENT, result_correct, result_publish
from damages.services.routing import damages_car_note
from imaging.jobs import damage_detection, face_blur, fetch, frames, plate_reading, quality
from imaging.models import JobRun, PipelineRun
from imaging.services.announced import announced_fault
from imaging.services.runs import job_finish, jobs_release, jobs_switch_off, run_fail, run_finish, run_start
from imaging.services.shadows import shadows_open
from tenants.errors import Conflict
from tenants.models import Event, PublishResult, Tenant, User

#: What each job of the pipeline does.
CALLABLES: Final[Mapping[str, Callable[[JobRun], None]]] = {
    "fetch": fetch.run,
    "frames": frames.run,
    "quality": quality.run,
    "face_blur": face_blur.run,
    "plate_reading": plate_reading.run,
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


def recorded(*, unit: CaptureUnit, passage_id: UUID) -> list[Recording]:
    """A capture unit has sent all it recorded of a pass; the last unit of the rig starts the run of the pass's set."""
    with transaction.atomic():
        recordings = recording_complete(unit=unit, passage_id=passage_id)
        _pass_on(passage_id)
    return recordings


def recorded_late(passage_id: UUID) -> None:
    """A unit of the rig has been silent for too long: the run begins with what the others sent."""
    with transaction.atomic():
        _pass_on(passage_id, is_overdue=True)


def _pass_on(passage_id: UUID, *, is_overdue: bool = False) -> None:
    image_set = passage_open(passage_id=passage_id, is_overdue=is_overdue)
    if image_set is not None:
        start(image_set)


def submit_images(*, image_set: ImageSet, leave_out: bool) -> PipelineRun:
    """Close a set to which images were added one by one, and start its run, together.

    Files that were announced and cannot be taken are named in a Conflict, or left out if `leave_out`. Raises NotFound,
    and Conflict for a set that was submitted before or has no image.
    """
    faults = staged_faults(uploads_announced(image_set), look=announced_fault)
    with transaction.atomic():
        return start(image_set_close(image_set=image_set, faults=faults, leave_out=leave_out))


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
        shadows_open(job=job)
        if job.run.image_set.tenant_id is None:
            follow_tenant(job.run)
        enqueue(jobs_release(run=job.run))
        if run_finish(run=job.run):
            conclude(job.run)


def follow_tenant(run: PipelineRun) -> None:
    """A set that had no tenant may have got one by its plate: from here on that tenant's settings hold."""
    run.image_set.refresh_from_db()
    if run.image_set.tenant_id is not None:
        jobs_switch_off(run=run, off=jobs_off(run.image_set))


def routed(image_set_id: UUID) -> None:
    """A set got its tenant. While it is in the pipeline, its run goes on by itself; a finished one is handed over.

    Call it inside a transaction. Where the tenant wants to see no faces that are shown yet, the set runs again first.
    """
    rows = ImageSet.objects.all_tenants("the news that a set has a tenant").visible().select_for_update(of=("self",))
    image_set = rows.filter(pk=image_set_id, state__in=(ImageSetState.READY, ImageSetState.REJECTED)).first()
    if image_set is None:
        return
    run = image_set.runs.order_by("-number").first()
    if run is None or image_set.results.filter(run=run).exists():
        return
    if _shows_faces(image_set):
        start(image_set)
    else:
        hand_over(image_set, run)


def _shows_faces(image_set: ImageSet) -> bool:
    """Whether a picture was published before its faces had to be blurred."""
    rule = blur_rule(image_set)
    shown = image_set.images.filter(deleted_at__isnull=True, faces_blurred_at__isnull=True).exclude(published="")
    return any(rule.applies(image.camera) for image in shown)


def route_waiting(plates: Iterable[Plate]) -> list[ImageSet]:
    """Cars with these plates were registered (and committed): the recordings that waited for them get their tenant.

    Sets that the tenants had entered with such a plate before are linked to the cars.
    """
    registered = list(plates)
    entered_join(plates=registered)
    image_sets = waiting_route(plates=registered)
    for image_set in image_sets:
        with transaction.atomic():
            routed(image_set.pk)
    return image_sets


def claim(*, tenant: Tenant, claims: Mapping[UUID, Plate], by: User) -> list[ImageSet]:
    """A person said whose cars recordings show that waited for their tenant: they are the tenant's now, all or none."""
    with transaction.atomic():
        image_sets = image_sets_claim(tenant=tenant, claims=claims, by=by)
        for image_set in image_sets:
            routed(image_set.pk)
    return image_sets


def conclude(run: PipelineRun) -> None:
    """The models are done: the set is ready or rejected and goes to whom it belongs."""
    image_set = image_set_conclude(image_set=run.image_set)
    image_set.refresh_from_db(fields=["tenant", "car"])  # its plate may have been read since the job began
    hand_over(image_set, run)


def hand_over(image_set: ImageSet, run: PipelineRun) -> None:
    """People get their work, and the result goes out. A set without a tenant waits for one: it has no people."""
    if image_set.tenant_id is None:
        return
    damages_car_note(image_set=image_set)
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
        _send_out(result)
    return result


def _send_out(result: ResultVersion) -> None:
    event = Event.objects.all_tenants("the news of a result just made").get(subject_id=result.pk)
    async_task("inspection_platform.tasks.handle_event", str(event.pk), cluster="io", task_name="event")


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


def changes_hand_on() -> None:
    """What was published may have been changed outside the manual steps: queue the news. The sweep finds lost ones."""
    events = Event.objects.all_tenants("the news of a change just made")
    for key in events.filter(kind=CHANGED_EVENT, handled_at__isnull=True).values_list("pk", flat=True):
        async_task("inspection_platform.tasks.handle_event", str(key), cluster="io", task_name="event")


def results_correct(image_set_ids: Iterable[UUID]) -> None:
    """Publish anew what was published of these sets, where its facts changed since. Call it in a transaction.

    A set that waits for people, or is in the pipeline, is published when they are done with it.
    """
    rows = ImageSet.objects.all_tenants("the news that damages changed").visible().order_by("id")
    for image_set in rows.filter(pk__in=list(image_set_ids), state=ImageSetState.READY, tenant__isnull=False):
        work = ManualProcessing.objects.of(image_set.tenant_id or image_set.pk).filter(image_set=image_set).first()
        run = image_set.runs.order_by("-number").first()
        waits = work is not None and work.status in {ManualStatus.ANNOTATION_WAITING, ManualStatus.REVIEW_WAITING}
        if waits or not image_set.results.filter(run=run).exists():
            continue
        result = result_correct(image_set=image_set, run=run)
        if result is not None:
            _send_out(result)


def _waits_for_people(work: ManualProcessing) -> bool:
    tenant = work.tenant
    waits = work.status in {ManualStatus.ANNOTATION_WAITING, ManualStatus.REVIEW_WAITING}
    return waits and tenant.settings.publish_result == PublishResult.AFTER_REVIEW
