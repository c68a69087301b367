"""The page of an inspection for staff: photos and damages to look at, how it was processed, what was told to whom."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from assets.models import Image, ImageSet, ImageSetState, Upload, UploadState
from damages.models import Action, DamageDecision, ManualProcessing, ManualStatus, ResultVersion, Step
from damages.services.locks import is_taken
from damages.services.manual import manual_job_reopen
from damages.services.weaker import weaker_of
from imaging.models import PipelineRun
from inspection_platform import workflow
from inspection_platform.portal.access import administers, image_set_reached, job_of, may_do, person_of, step_open_to
from inspection_platform.portal.presenters import (
    CATEGORY_LABELS,
    facts_of,
    title_of,
    weaker_payload,
    work_payload,
    zone_of,
)
from inspection_platform.portal.removals import permit_admin
from tenants.errors import DomainError
from tenants.models import Delivery, User
from tenants.services.deliveries import delivery_send_again

_RUN_AGAIN = (ImageSetState.FAILED, ImageSetState.REJECTED, ImageSetState.READY)
_REOPENED = (ManualStatus.ANNOTATED, ManualStatus.REVIEWED, ManualStatus.SKIPPED)
_DECISIONS_SHOWN = 200


@require_GET
def inspection(request: HttpRequest, image_set_id: UUID) -> HttpResponse:
    """Everything about one set, to look at; buttons only for what this person may do."""
    user = person_of(request)
    image_set = image_set_reached(request, image_set_id)
    job = job_of(image_set)
    context = {
        **admin.site.each_context(request),
        "title": title_of(image_set),
        "image_set": image_set,
        "facts": facts_of(image_set),
        "job": job,
        "is_mine": job is not None and job.holder_id == user.pk and step_open_to(user, job) is not None,
        "is_taken": job is not None and is_taken(job, now=timezone.now()),
        "payload": work_payload(user=user, image_set=image_set, step=None, job=job),
        **_processing(image_set),
        **_powers(user, image_set, job),
    }
    with timezone.override(zone_of(image_set)):
        return render(request, "portal/inspection.html", context)


@require_GET
def weaker(request: HttpRequest, image_set_id: UUID) -> JsonResponse:
    """What the model saw on the set's photos without being sure enough to propose it."""
    rows = weaker_of(image_set_reached(request, image_set_id))
    return JsonResponse({"weaker": [weaker_payload(row) for row in rows]})


@require_GET
def result(request: HttpRequest, image_set_id: UUID, version: int) -> HttpResponse:
    """The frozen facts of one result version, as JSON."""
    image_set = image_set_reached(request, image_set_id)
    row = ResultVersion.objects.of(_tenant_or_own(image_set)).filter(image_set=image_set, version=version).first()
    if row is None:
        raise Http404("There is no such result.")
    return JsonResponse(row.facts, json_dumps_params={"indent": 2})


@require_POST
def run_again(request: HttpRequest, image_set_id: UUID) -> HttpResponse:
    """Send the set through the pipeline once more (admins)."""
    user = person_of(request)
    image_set = image_set_reached(request, image_set_id)
    try:
        permit_admin(user, image_set)
        workflow.run_again(image_set=image_set)
        messages.success(request, "The set is in the pipeline again.")
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("portal:inspection", image_set_id=image_set.pk)


@require_POST
def reopen(request: HttpRequest, image_set_id: UUID) -> HttpResponse:
    """Let a finished or skipped set wait for a step again (members of the step's group)."""
    user = person_of(request)
    image_set = image_set_reached(request, image_set_id)
    try:
        step = Step(request.POST.get("step", ""))
        manual_job_reopen(user=user, image_set=image_set, step=step)
        messages.success(request, f"The set waits for {step.label} again.")
    except ValueError:
        messages.error(request, "Choose annotation or review.")
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("portal:inspection", image_set_id=image_set.pk)


@require_POST
def send_again(request: HttpRequest, image_set_id: UUID, delivery_id: UUID) -> HttpResponse:
    """Give one delivery of the set a new life (admins)."""
    user = person_of(request)
    image_set = image_set_reached(request, image_set_id)
    delivery = _deliveries(image_set).filter(pk=delivery_id).first()
    if delivery is None:
        raise Http404("There is no such delivery.")
    try:
        permit_admin(user, image_set)
        delivery_send_again(delivery=delivery)
        messages.success(request, f"It goes to {delivery.target} again.")
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("portal:inspection", image_set_id=image_set.pk)


def _processing(image_set: ImageSet) -> dict[str, Any]:
    """Runs with their jobs, refused files, results, deliveries with their tries, decisions."""
    tenant_id = _tenant_or_own(image_set)
    uploads = Upload.objects.of(tenant_id).filter(image_set=image_set)
    decisions = DamageDecision.objects.of(tenant_id).filter(damage__image_set=image_set).order_by("-created_at", "-id")
    return {
        "runs": PipelineRun.objects.of(tenant_id).filter(image_set=image_set).prefetch_related("jobs"),
        "refused": uploads.filter(state=UploadState.REFUSED),
        "outstanding": uploads.filter(state__in=[UploadState.WAITING, UploadState.ANNOUNCED]),
        "photos": Image.objects.of(tenant_id).visible().filter(image_set=image_set),
        "removed": Image.objects.of(tenant_id).filter(image_set=image_set, deleted_at__isnull=False),
        "results": ResultVersion.objects.of(tenant_id).filter(image_set=image_set).defer("facts"),
        "deliveries": _deliveries(image_set).prefetch_related("tries").order_by("created_at"),
        "decisions": [_told(row) for row in decisions.select_related("by", "damage__image")[:_DECISIONS_SHOWN]],
    }


def _told(decision: DamageDecision) -> dict[str, Any]:
    """A decision in the words of the page."""
    before, after = (CATEGORY_LABELS.get(facts.get("category", ""), "") for facts in (decision.before, decision.after))
    return {
        "row": decision,
        "damage": CATEGORY_LABELS[decision.damage.category],
        "change": f"{before} → {after}" if decision.action == Action.CATEGORY else "",
    }


def _powers(user: User, image_set: ImageSet, job: ManualProcessing | None) -> dict[str, Any]:
    """What this person may do from here."""
    is_admin = administers(user, image_set.tenant_id)
    is_over = job is not None and job.status in _REOPENED
    return {
        "is_admin": is_admin,
        "may_run_again": is_admin and image_set.state in _RUN_AGAIN,
        "may_take": step_open_to(user, job),
        "may_reopen": [step for step in Step if is_over and may_do(user, step)],
    }


def _deliveries(image_set: ImageSet) -> QuerySet[Delivery]:
    """What was told to others about the set's results."""
    tenant_id = _tenant_or_own(image_set)
    results = ResultVersion.objects.of(tenant_id).filter(image_set=image_set)
    return Delivery.objects.of(tenant_id).filter(event__subject_id__in=results.values("pk"))


def _tenant_or_own(image_set: ImageSet) -> UUID:
    """The id to scope queries by; a set of no tenant has rows of no tenant, which its own id cannot name."""
    return image_set.tenant_id or image_set.pk
