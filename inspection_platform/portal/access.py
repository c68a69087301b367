"""Who is on a staff page, what they reach, and how a refusal looks to their browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.http import require_POST

from assets.models import ImageSet
from damages.models import ManualProcessing, Source, Step
from damages.services.manual import manual_job_renew
from damages.services.roles import role_permit, step_permit
from damages.states import step_of
from inspection_platform.api.refusals import RefusalKind, refusal_of
from tenants.acting import reach_for_request
from tenants.errors import Conflict, DomainError, Forbidden, Invalid
from tenants.models import User
from tenants.scope import Reach
from tenants.services.people import is_global_admin

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Desk:
    """Who works on this page, and how far they reach on it."""

    user: User
    reach: Reach


#: A step's change of a set: who, which set, which step, the request's JSON, and what the path names.
Work = Callable[Concatenate[Desk, ImageSet, Step, dict[str, Any], P], dict[str, Any]]

_STATUSES: Final = {
    RefusalKind.INVALID: 400,
    RefusalKind.FORBIDDEN: 403,
    RefusalKind.NOT_FOUND: 404,
    RefusalKind.CONFLICT: 409,
}


def staff_view(view: Callable[..., HttpResponseBase], *, cacheable: bool = False) -> Callable[..., HttpResponseBase]:
    """A view for people who may log in to the admin: others are sent to its login page. CSRF is checked."""
    wrapped: Callable[..., HttpResponseBase] = admin.site.admin_view(view, cacheable=cacheable)
    return wrapped


def person_of(request: HttpRequest) -> User:
    """The person who is logged in (`staff_view` lets nobody else through)."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def image_set_reached(request: HttpRequest, image_set_id: UUID) -> ImageSet:
    """The set, with its origin, if it lies within the person's reach; Http404 otherwise, whatever the reason."""
    image_set = ImageSet.objects.of(reach_for_request(request)).visible().with_origin().filter(pk=image_set_id).first()
    if image_set is None:
        raise Http404("There is no such image set.")
    return image_set


def job_of(image_set: ImageSet) -> ManualProcessing | None:
    """The set's manual job with the names of its people; None if it never had one."""
    if image_set.tenant_id is None:
        return None
    jobs = ManualProcessing.objects.of(image_set.tenant_id)
    return jobs.select_related("holder", "last_annotator", "last_reviewer").filter(image_set=image_set).first()


def step_open_to(user: User, job: ManualProcessing | None) -> Step | None:
    """The step the set waits for, if the person is of the group that does it."""
    step = step_of(job.status) if job else None
    return step if step and may_do(user, step) else None


def may_do(user: User, step: Step) -> bool:
    """Whether the person is of the group that does this step."""
    try:
        step_permit(user=user, step=step)
    except Forbidden:
        return False
    return True


def administers(user: User, tenant_id: UUID | None) -> bool:
    """Whether the person is an admin of the tenant; global admins are of every one."""
    if tenant_id is None:
        return is_global_admin(user)
    try:
        role_permit(user=user, role=Source.STAFF, tenant_id=tenant_id)
    except Forbidden:
        return False
    return True


def global_admin_view(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A staff view for global admins alone; 403 for others."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not is_global_admin(person_of(request)):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return staff_view(guarded)


def work_view(change: Work[P]) -> Callable[..., HttpResponse]:
    """Make a JSON POST view of a change to a set that the person holds.

    The body is an object with `step`. The lock is renewed and the change made in one transaction. Refusals come as
    `{"message", "fields", "held"}`, where `held` tells whether the person still holds the set.
    """

    @wraps(change)
    def view(request: HttpRequest, image_set_id: UUID, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        user = person_of(request)
        desk = Desk(user, reach_for_request(request))
        image_set = image_set_reached(request, image_set_id)
        try:
            body = _json_of(request)
            step = _step_of(body)
            with transaction.atomic():
                manual_job_renew(user=user, image_set=image_set, step=step)
                answer = change(desk, image_set, step, body, *args, **kwargs)
        except DomainError as error:
            return _refused(error, held=_holds(user, image_set))
        return JsonResponse(answer)

    return require_POST(view)


def _json_of(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as error:
        raise Invalid("The request is not JSON.") from error
    if not isinstance(body, dict):
        raise Invalid("The request is not a JSON object.")
    return body


def _step_of(body: dict[str, Any]) -> Step:
    try:
        return Step(str(body.get("step")))
    except ValueError as error:
        raise Invalid("Unknown step.", {"step": [f"One of {', '.join(Step)}."]}) from error


def _holds(user: User, image_set: ImageSet) -> bool:
    job = job_of(image_set)
    return job is not None and job.holder_id == user.pk


def _refused(error: DomainError, *, held: bool) -> JsonResponse:
    refusal = refusal_of(error)
    status = _STATUSES.get(refusal.kind, 400) if refusal else 400
    extra = error.details if isinstance(error, NeedsConfirmation) else {}
    fields = error.fields if isinstance(error, Invalid) else {}
    return JsonResponse({"message": error.message, "fields": fields, "held": held, **extra}, status=status)


class NeedsConfirmation(Conflict):
    """The change has a consequence that the person has to confirm; `details` says which."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details
