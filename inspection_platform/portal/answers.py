"""Answering invitations: by the link of the message, logged in or not, or from the list of those to oneself."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from inspection_platform.portal.access import person_of
from tenants.errors import DomainError, Forbidden, NotAuthenticated, NotFound
from tenants.models import Invitation, InvitationState, User
from tenants.services.invitation_answers import (
    invitation_accept,
    invitation_check,
    invitation_decline,
    invitation_find,
    invitation_to,
    invitations_open_for,
)

_ANSWERS: Final[dict[str, Callable[..., None]]] = {"accept": invitation_accept, "decline": invitation_decline}
_ANSWERED: Final = {InvitationState.ACCEPTED, InvitationState.DECLINED}
_STATUSES: Final = {NotFound: HTTPStatus.NOT_FOUND, Forbidden: HTTPStatus.FORBIDDEN}


@never_cache
@require_http_methods(["GET", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponse:
    """What a link of a message leads to: the question, and after it what came of it. Looking at it answers nothing."""
    try:
        row = invitation_find(token)
        if request.method == "POST":
            _answer(request, row, _person(request))
            return redirect("invitation", token=token)
        if row.state not in _ANSWERED:
            invitation_check(row, user=_person(request))
    except NotAuthenticated as refusal:
        messages.info(request, refusal.message)
        return redirect(f"{reverse('admin:login')}?{urlencode({'next': reverse('portal:invitations')})}")
    except DomainError as refusal:
        return _page(request, None, refusal)
    return _page(request, row, None)


@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """The invitations that wait for an answer of whoever is logged in."""
    context = {
        **admin.site.each_context(request),
        "title": "Invitations to you",
        "invitations": invitations_open_for(person_of(request)),
    }
    return render(request, "portal/invitations.html", context)


@require_POST
def answer(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Accept or decline one of them."""
    person = person_of(request)
    try:
        row = invitation_to(person, invitation_id)
    except NotFound as refusal:
        raise Http404(refusal.message) from refusal
    try:
        _answer(request, row, person)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    return redirect("portal:invitations")


def _answer(request: HttpRequest, row: Invitation, person: User | None) -> None:
    """Carry out the answer of the form; the message says what is true then, also the second time."""
    chosen = _ANSWERS.get(request.POST.get("answer", ""))
    if chosen is None:
        raise NotFound("Choose to accept or to decline.")
    chosen(invitation=row, user=person)
    if person is not None:
        done = f"You belong to {row.tenant} now." if chosen is invitation_accept else f"You declined {row.tenant}."
        messages.success(request, done)


def _person(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _page(request: HttpRequest, row: Invitation | None, refusal: DomainError | None) -> HttpResponse:
    """A page in the look of the log-in page; links that are over say so, with a status that says so too."""
    context = {
        **admin.site.each_context(request),
        "title": "Invitation",
        "invitation": row,
        "refusal": refusal.message if refusal else "",
        "is_asked": row is not None and row.state not in _ANSWERED,
        "is_accepted": row is not None and row.state == InvitationState.ACCEPTED,
    }
    status = _STATUSES.get(type(refusal), HTTPStatus.GONE) if refusal else HTTPStatus.OK
    return render(request, "portal/invited.html", context, status=status)
