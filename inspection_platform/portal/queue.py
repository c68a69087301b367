"""The queue: what waits, what I hold, and taking a set."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from damages.models import ManualProcessing, Step
from damages.services.locks import is_taken
from damages.services.manual import manual_job_claim_next, manual_job_lock, manual_job_unlock
from inspection_platform.portal.access import image_set_reached, job_of, may_do, person_of, step_open_to
from inspection_platform.portal.presenters import facts_of, title_of, work_payload, zone_of
from tenants.acting import reach_for_request
from tenants.errors import Conflict, DomainError
from tenants.models import User
from tenants.scope import Reach

_LISTED = 25


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """What waits for annotation and review, and what the person holds."""
    user = person_of(request)
    reach = reach_for_request(request)
    steps = [_step_summary(user, step, reach) for step in Step]
    context = {
        **admin.site.each_context(request),
        "title": "Queue",
        "steps": steps,
        "may_work": any(step["may_do"] for step in steps),
        "held": _held(user, reach),
        "waiting": _waiting(reach),
        "ran_empty": request.GET.get("empty", "").lower() if request.GET.get("empty") in Step.values else "",
    }
    return render(request, "portal/queue.html", context)


@require_POST
def claim_next(request: HttpRequest) -> HttpResponse:
    """Hand the person the next set of a step and go to it."""
    user = person_of(request)
    try:
        step = Step(request.POST.get("step", ""))
        job = manual_job_claim_next(user=user, step=step, reach=reach_for_request(request))
    except ValueError:
        messages.error(request, "Choose annotation or review.")
        return redirect("portal:queue")
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("portal:queue")
    if job is None:
        messages.info(request, f"Nothing waits for {step.label}.")
        return redirect("portal:queue")
    return redirect("portal:work", image_set_id=job.image_set_id)


@require_GET
def work(request: HttpRequest, image_set_id: UUID) -> HttpResponse:
    """The page of a set the person holds; 409 while somebody else does; otherwise its read-only page."""
    user = person_of(request)
    image_set = image_set_reached(request, image_set_id)
    job = job_of(image_set)
    step = step_open_to(user, job)
    if job is None or step is None:
        return redirect("portal:inspection", image_set_id=image_set.pk)
    context = {
        **admin.site.each_context(request),
        "title": title_of(image_set),
        "image_set": image_set,
        "job": job,
        "step": step,
        "facts": facts_of(image_set),
    }
    if job.holder_id != user.pk:
        if is_taken(job, now=timezone.now()):
            return render(request, "portal/held.html", context, status=409)
        return redirect("portal:inspection", image_set_id=image_set.pk)
    context["payload"] = work_payload(user=user, image_set=image_set, step=step, job=job)
    with timezone.override(zone_of(image_set)):
        return render(request, "portal/work.html", context)


@require_POST
def lock(request: HttpRequest, image_set_id: UUID) -> HttpResponse:
    """Take this particular set and go to it."""
    user = person_of(request)
    image_set = image_set_reached(request, image_set_id)
    step = step_open_to(user, job_of(image_set))
    if step is None:
        messages.error(request, "This set does not wait for you.")
        return redirect("portal:inspection", image_set_id=image_set.pk)
    try:
        manual_job_lock(user=user, image_set=image_set, step=step)
    except Conflict as error:
        # The work page says who holds it, with the status of a conflict.
        messages.error(request, error.message)
    return redirect("portal:work", image_set_id=image_set.pk)


@require_POST
def unlock(request: HttpRequest, image_set_id: UUID) -> HttpResponse:
    """Put the set back into the queue."""
    user = person_of(request)
    image_set = image_set_reached(request, image_set_id)
    step = step_open_to(user, job_of(image_set))
    try:
        if step:
            manual_job_unlock(user=user, image_set=image_set, step=step)
            messages.success(request, f"{title_of(image_set)} waits in the queue again.")
    except Conflict as error:
        messages.error(request, error.message)
    return _to_queue()


def _to_queue() -> HttpResponseRedirect:
    return redirect("portal:queue")


def _step_summary(user: User, step: Step, reach: Reach) -> dict[str, Any]:
    rows = ManualProcessing.objects.of(reach).waiting(step)
    counts = rows.counts(user_id=user.pk, now=timezone.now())
    return {"step": step, "may_do": may_do(user, step), **counts}


def _held(user: User, reach: Reach) -> list[ManualProcessing]:
    """Open jobs whose holder is this person."""
    rows = ManualProcessing.objects.of(reach).filter(holder=user).in_order()
    return list(rows.select_related("image_set__submission", "tenant"))


def _waiting(reach: Reach) -> list[ManualProcessing]:
    """The first of what waits, for both steps."""
    now = timezone.now()
    rows: list[ManualProcessing] = []
    for step in Step:
        free = ManualProcessing.objects.of(reach).waiting(step).free(now).in_order()
        rows += free.select_related("image_set__submission", "tenant")[:_LISTED]
    return rows
