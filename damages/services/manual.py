"""People's work on an image set: who gets the next one, under which lock, and how it ends.

A job is a `ManualProcessing` row; its lock is in `locks`, its transitions are the table in `damages.states`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from assets.models import ImageSet
from damages.models import Damage, DamageState, FinishedStep, ManualProcessing, ManualStatus, Step
from damages.querysets import ManualQuerySet
from damages.services.locks import (
    edit_refusal,
    extend,
    hold,
    job_at,
    job_held,
    job_row,
    lock_end,
    refuse_if_taken,
    release,
    tenant_of,
)
from damages.services.reviewers import reviewers_serve
from damages.services.roles import step_permit
from damages.states import WAITING, status_checked, step_of
from imaging.models import PipelineRun
from tenants.errors import Conflict
from tenants.models import TenantSettings, User
from tenants.scope import Reach


def manual_job_claim_next(*, user: User, step: Step, reach: Reach) -> ManualProcessing | None:
    """Give the person the next set of their reach to work on, locked; None when nothing waits.

    Their own open job of the step comes first; then the highest priority, then the longest waiting. Two people never
    get the same one: PostgreSQL skips rows that others are just taking, SQLite lets one transaction write at a time and
    the lock is written on condition that it is free. The number of queries is constant. Raises Forbidden.
    """
    step_permit(user=user, step=step)
    with transaction.atomic():
        # One claim at a time for each person, or a double click would give them two jobs. What they hold is read by a
        # statement of its own: the one that waited for the lock still sees what was there before it waited.
        User.objects.select_for_update(no_key=True).only("id").get(pk=user.pk)
        held = list(user.held_jobs.filter(status=WAITING[step]).values_list("pk", flat=True))
        waiting = ManualProcessing.objects.of(reach).waiting(step).in_order()
        job = (_first(waiting.filter(pk__in=held)) if held else None) or _first(waiting.free(timezone.now()))
        if job is not None:
            hold(job, user=user, step=step)
    return job


def manual_job_lock(*, user: User, image_set: ImageSet, step: Step) -> ManualProcessing:
    """Lock one particular set for the person (anew, if it is theirs). Raises Forbidden, NotFound, Conflict."""
    step_permit(user=user, step=step)
    with transaction.atomic():
        job = job_at(image_set, step=step)
        hold(job, user=user, step=step)
    return job


def manual_job_renew(*, user: User, image_set: ImageSet, step: Step) -> ManualProcessing:
    """Let the holder's lock begin anew. Raises NotFound, Conflict when the person does not hold the set (any more)."""
    with transaction.atomic():
        job = job_held(image_set, user=user, step=step)
        extend(job)
    return job


def manual_job_unlock(*, user: User, image_set: ImageSet, step: Step) -> ManualProcessing:
    """Put the set back where it waited; a free one stays free.

    Raises Forbidden, NotFound, and Conflict when others hold it.
    """
    step_permit(user=user, step=step)
    with transaction.atomic():
        job = job_at(image_set, step=step)
        refuse_if_taken(job, user=user)
        release(job)
        reviewers_serve(job=job)
    return job


def manual_job_finish(*, user: User, image_set: ImageSet, step: Step) -> ManualProcessing:
    """End the step the person holds; annotation hands over to the review where the tenant wanted one.

    Annotation may leave proposals undecided (`damages_undecided` tells how many). A review decides each one: Conflict
    names how many are left. Every time it leaves a `FinishedStep`. Raises Forbidden, NotFound, Conflict.
    """
    step_permit(user=user, step=step)
    now = timezone.now()
    with transaction.atomic():
        job = job_held(image_set, user=user, step=step)
        if step is Step.REVIEW:
            _refuse_undecided(image_set)
            job.last_reviewer, job.reviewed_at = user, now
        else:
            job.last_annotator, job.annotated_at = user, now
        _move(job, _status_after(job, step), now=now)
        FinishedStep(manual_processing=job, tenant_id=job.tenant_id, step=step, by=user, finished_at=now).save()
        reviewers_serve(job=job)
    return job


def manual_job_skip(*, user: User, image_set: ImageSet, step: Step) -> ManualProcessing:
    """Take the set the person holds out of the manual steps; `manual_job_reopen` brings it back.

    Raises Forbidden, NotFound, Conflict.
    """
    step_permit(user=user, step=step)
    with transaction.atomic():
        job = job_held(image_set, user=user, step=step)
        _move(job, ManualStatus.SKIPPED, now=timezone.now())
    return job


def manual_job_reopen(*, user: User, image_set: ImageSet, step: Step) -> ManualProcessing:
    """Let a finished or skipped set wait for the step once more.

    Raises Forbidden, NotFound, and Conflict for a set that waits for people or that somebody is at.
    """
    step_permit(user=user, step=step)
    with transaction.atomic():
        job = job_row(image_set)
        if step_of(job.status):
            raise Conflict(f"The set is still {job.get_status_display()}.")
        job.annotation_enabled |= step is Step.ANNOTATION
        job.review_enabled |= step is Step.REVIEW
        _move(job, WAITING[step], now=timezone.now())
        reviewers_serve(job=job)
    return job


def manual_open(*, image_set: ImageSet) -> ManualProcessing:
    """Decide, once the models are done with a set, whether people are needed, and let it wait for them.

    The tenant's settings decide; a set with fewer proposals (one for each damage family) than
    `min_damages_for_manual_processing` is skipped. Harmless when called again for the same run. A new run brings a
    finished set back, while one that people are at stays theirs. Raises Conflict for a set without a tenant.
    """
    rules = TenantSettings.objects.get(tenant_id=tenant_of(image_set))
    with transaction.atomic():
        rows = ManualProcessing.objects.of(tenant_of(image_set)).select_for_update(of=("self",))
        job, is_new = rows.get_or_create(
            image_set=image_set, defaults={"tenant_id": rules.tenant_id, "waiting_since": timezone.now()}
        )
        status = _opening_status(image_set, rules)
        if is_new or (status != ManualStatus.NONE and step_of(job.status) is None and not _is_of_latest_run(job)):
            _open(job, status, rules=rules)
            reviewers_serve(job=job)
    return job


def damages_undecided(*, image_set: ImageSet) -> int:
    """How many visible proposals of the set nobody has decided."""
    rows = Damage.objects.of(tenant_of(image_set)).visible()
    return rows.filter(image_set=image_set, state=DamageState.CREATED, is_potential=False).count()


def edit_begin(*, user: User, image_set: ImageSet) -> None:
    """Guard a change of the set's damages, inside the caller's transaction; the holder's lock begins anew.

    Raises Conflict while somebody else holds the set, and after its review until it is reopened.
    """
    refused = edits_begin(user=user, image_set_ids=[image_set.pk], reach=Reach.only(tenant_of(image_set)))
    for reason in refused.values():
        raise Conflict(reason)


def edits_begin(*, user: User, image_set_ids: Collection[UUID], reach: Reach) -> dict[UUID, str]:
    """Guard changes of several sets' damages as `edit_begin` does; returns the sets refused, with the reason.

    Two queries. The caller raises (and so rolls back) if a set that it changes is refused.
    """
    jobs = ManualProcessing.objects.of(reach).filter(image_set__in=image_set_ids)
    refused, held = {}, []
    for job in jobs.select_for_update(of=("self",)).order_by("id"):
        reason = edit_refusal(job, user=user)
        if reason:
            refused[job.image_set_id] = reason
        elif job.holder_id == user.pk:
            held.append(job.pk)
    if held:
        now = timezone.now()
        ManualProcessing.objects.of(reach).filter(pk__in=held).update(locked_until=lock_end(now), modified_at=now)
    return refused


def _first(rows: ManualQuerySet) -> ManualProcessing | None:
    return rows.select_for_update(skip_locked=True, of=("self",)).first()


def _refuse_undecided(image_set: ImageSet) -> None:
    left = damages_undecided(image_set=image_set)
    if left:
        raise Conflict(f"{left} {'proposal is' if left == 1 else 'proposals are'} not decided yet.")


def _status_after(job: ManualProcessing, step: Step) -> ManualStatus:
    if step is Step.REVIEW:
        return ManualStatus.REVIEWED
    return ManualStatus.REVIEW_WAITING if job.review_enabled else ManualStatus.ANNOTATED


def _move(job: ManualProcessing, status: ManualStatus, *, now: datetime) -> None:
    """Write a transition of the table; whoever held the job lets go of it."""
    job.status = status_checked(job.status, status)
    job.is_skipped = status == ManualStatus.SKIPPED
    job.holder = job.locked_until = None
    if step_of(status):
        job.waiting_since = now
    job.save()


def _opening_status(image_set: ImageSet, rules: TenantSettings) -> ManualStatus:
    if not (rules.manual_annotation_enabled or rules.manual_review_enabled):
        return ManualStatus.NONE
    proposals = Damage.objects.of(rules.tenant_id).standing().representatives().filter(image_set=image_set).count()
    if proposals < rules.min_damages_for_manual_processing:
        return ManualStatus.SKIPPED
    return ManualStatus.ANNOTATION_WAITING if rules.manual_annotation_enabled else ManualStatus.REVIEW_WAITING


def _open(job: ManualProcessing, status: ManualStatus, *, rules: TenantSettings) -> None:
    job.annotation_enabled = rules.manual_annotation_enabled
    job.review_enabled = rules.manual_review_enabled
    capture_set = job.image_set.capture_set
    job.priority = capture_set.priority if capture_set else 0
    job.waiting_since = timezone.now()
    if status == job.status:
        job.save()
    else:
        _move(job, status, now=job.waiting_since)


def _is_of_latest_run(job: ManualProcessing) -> bool:
    """Whether the job was opened for the newest run already (a pipeline job may be done twice)."""
    runs = PipelineRun.objects.of(job.tenant_id).filter(image_set=job.image_set_id)
    newest = runs.aggregate(newest=Max("created_at"))["newest"]
    return newest is None or job.waiting_since >= newest
