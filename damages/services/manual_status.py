"""A change of `manualProcessing.status` as clients ask for it, in terms of what people do: finish, skip, reopen."""

from __future__ import annotations

from django.db import transaction

from assets.models import ImageSet
from damages.models import ManualProcessing, ManualStatus, Step
from damages.services.locks import job_row
from damages.services.manual import manual_job_finish, manual_job_reopen, manual_job_skip
from damages.services.roles import step_permit
from damages.states import status_checked, step_of
from tenants.errors import Conflict
from tenants.models import User

_S = ManualStatus
#: The status that the end of a step is called by.
ENDS = {_S.ANNOTATED: Step.ANNOTATION, _S.REVIEWED: Step.REVIEW}


@transaction.atomic
def manual_job_set_status(
    *, user: User, image_set: ImageSet, status: ManualStatus | None, is_skipped: bool | None = None
) -> ManualProcessing:
    """Let the set's job become `status`, or be skipped (`is_skipped`: `status` may then name the end of a step).

    ANNOTATED and REVIEWED finish the step that the person holds; an annotated set goes on to its review where one is
    wanted. ANNOTATION_WAITING and REVIEW_WAITING reopen what was finished or skipped, and REVIEW_WAITING also hands a
    set on that the person annotates. Without a status, what was skipped waits for the step in which that was. Raises
    Forbidden, NotFound, and Conflict for whatever `damages.states` does not let follow or somebody else holds.
    """
    job = job_row(image_set)
    if is_skipped or status == _S.SKIPPED:
        step = ENDS.get(status) if status is not None else None
        return manual_job_skip(user=user, image_set=image_set, step=step or _step_now(job))
    if status is None:
        return _unskip(job, user=user, image_set=image_set)
    if status in ENDS:
        return manual_job_finish(user=user, image_set=image_set, step=ENDS[status])
    if status == _S.REVIEW_WAITING and job.status == _S.ANNOTATION_WAITING:
        return _hand_on(job, user=user, image_set=image_set)
    step = step_of(status)
    if step is None:
        raise Conflict(f"People cannot make it {status.label!r}.")
    return manual_job_reopen(user=user, image_set=image_set, step=step)


def _step_now(job: ManualProcessing) -> Step:
    """The step that the job is at; Conflict if it is at none."""
    step = step_of(job.status)
    if step is None:
        status_checked(job.status, _S.SKIPPED)
        raise Conflict(f"Only a set that waits for people can be skipped: {job.get_status_display()}.")
    return step


def _unskip(job: ManualProcessing, *, user: User, image_set: ImageSet) -> ManualProcessing:
    step = Step.REVIEW if job.annotated_at or not job.annotation_enabled else Step.ANNOTATION
    step_permit(user=user, step=step)
    if job.status != _S.SKIPPED:
        raise Conflict(f"The set is not skipped: {job.get_status_display()}.")
    return manual_job_reopen(user=user, image_set=image_set, step=step)


def _hand_on(job: ManualProcessing, *, user: User, image_set: ImageSet) -> ManualProcessing:
    step_permit(user=user, step=Step.ANNOTATION)
    if not job.review_enabled:
        raise Conflict("No review is wanted of this set.")
    return manual_job_finish(user=user, image_set=image_set, step=Step.ANNOTATION)
