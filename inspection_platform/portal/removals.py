"""Removing inspections and photos, bringing them back, and disputes, which keep them: for admins of the tenant."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from assets.models import Image, ImageSet
from assets.services.inspections import image_set_dispute, image_set_settle
from damages.services.image_sets import image_set_delete, image_set_restore
from damages.services.images import image_delete, image_restore
from inspection_platform import workflow
from inspection_platform.portal.access import administers, image_set_reached, person_of
from inspection_platform.portal.presenters import facts_of, title_of, zone_of
from tenants.acting import reach_for_request
from tenants.errors import DomainError, Forbidden
from tenants.models import User


@require_GET
def removed(request: HttpRequest, image_set_id: UUID) -> HttpResponse:
    """What is left to see of a removed inspection: who removed it and when, and the way back."""
    image_set = _removed_reached(request, image_set_id)
    context = {
        **admin.site.each_context(request),
        "title": title_of(image_set),
        "image_set": image_set,
        "facts": facts_of(image_set),
    }
    with timezone.override(zone_of(image_set)):
        return render(request, "portal/removed.html", context)


@require_POST
def remove(request: HttpRequest, image_set_id: UUID) -> HttpResponse:
    """Remove the inspection with its damages."""
    user = person_of(request)
    image_set = image_set_reached(request, image_set_id)
    try:
        permit_admin(user, image_set)
        image_set_delete(image_set=image_set, by=user)
    except DomainError as error:
        messages.error(request, error.message)
        return _to_page(image_set)
    workflow.changes_hand_on()
    messages.success(request, "The inspection is removed; an admin can restore it here.")
    return redirect("portal:removed", image_set_id=image_set.pk)


@require_POST
def restore(request: HttpRequest, image_set_id: UUID) -> HttpResponse:
    """Bring a removed inspection back with the damages that went with it."""
    image_set = _removed_reached(request, image_set_id)
    return _carry_out(
        request, image_set, lambda user: image_set_restore(image_set=image_set, by=user),
        done="The inspection is back, with its damages.", corrects=True,
    )  # fmt: skip


@require_POST
def remove_photo(request: HttpRequest, image_set_id: UUID, image_id: UUID) -> HttpResponse:
    """Remove one photo with the damages on it."""
    image_set = image_set_reached(request, image_set_id)
    image = _photo(image_set, image_id)
    done = f"{image} is removed; an admin can restore it below."
    return _carry_out(request, image_set, lambda user: image_delete(image=image, by=user), done=done, corrects=True)


@require_POST
def restore_photo(request: HttpRequest, image_set_id: UUID, image_id: UUID) -> HttpResponse:
    """Bring a removed photo back with the damages that went with it."""
    image_set = image_set_reached(request, image_set_id)
    image = _photo(image_set, image_id)
    done = f"{image} is back, with its damages."
    return _carry_out(request, image_set, lambda user: image_restore(image=image, by=user), done=done, corrects=True)


@require_POST
def dispute(request: HttpRequest, image_set_id: UUID) -> HttpResponse:
    """Put the inspection under dispute, or end the dispute (`over`), with a `reason`."""
    image_set = image_set_reached(request, image_set_id)
    change, done = image_set_dispute, "The inspection is under dispute: nobody can remove it, and no retention ends."
    if request.POST.get("over"):
        change, done = image_set_settle, "The dispute is over."
    reason = request.POST.get("reason", "")
    return _carry_out(
        request, image_set, lambda user: change(image_set=image_set, reason=reason, by=user), done=done
    )  # fmt: skip


def _carry_out(
    request: HttpRequest, image_set: ImageSet, action: Callable[[User], object], *, done: str, corrects: bool = False
) -> HttpResponse:
    """Do it as an admin of the set's tenant, tell how it went, and return to the inspection's page.

    `corrects`: what was published of the set, or of others of its car, may be outdated by it: a worker is told to look.
    """
    user = person_of(request)
    try:
        permit_admin(user, image_set)
        action(user)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        if corrects:
            workflow.changes_hand_on()
        messages.success(request, done)
    return _to_page(image_set)


def permit_admin(user: User, image_set: ImageSet) -> None:
    """Raise Forbidden unless the person is an admin of the set's tenant."""
    if not administers(user, image_set.tenant_id):
        raise Forbidden("Only admins of the tenant may do this.")


def _photo(image_set: ImageSet, image_id: UUID) -> Image:
    """A photo of the set, removed or not; Http404 if it has none of this id."""
    image = Image.objects.of(image_set.tenant_id or image_set.pk).filter(image_set=image_set, pk=image_id).first()
    if image is None:
        raise Http404("There is no such photo.")
    return image


def _removed_reached(request: HttpRequest, image_set_id: UUID) -> ImageSet:
    """The removed set within the reach of an admin; Http404 otherwise, whatever the reason."""
    rows = ImageSet.objects.of(reach_for_request(request)).with_origin().filter(deleted_at__isnull=False)
    image_set = rows.select_related("deleted_by").filter(pk=image_set_id).first()
    if image_set is None or not administers(person_of(request), image_set.tenant_id):
        raise Http404("There is no such image set.")
    return image_set


def _to_page(image_set: ImageSet) -> HttpResponseRedirect:
    return redirect("portal:inspection", image_set_id=image_set.pk)
