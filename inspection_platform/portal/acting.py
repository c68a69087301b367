"""Choosing the tenant that a person acts for: a switcher above the navigation, and a page where there are too many."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from inspection_platform.portal.access import person_of
from tenants.acting import acting_choose, acting_tenant, acting_tenants
from tenants.errors import NotFound
from tenants.models import User

#: More tenants than these do not fit into a drop-down: a page with a search takes its place.
MOST_IN_SWITCHER: Final = 50
_PER_PAGE: Final = 50


def switcher(request: HttpRequest) -> dict[str, Any]:
    """What every page's navigation needs: the tenants to choose from, and the one chosen."""
    if not isinstance(request.user, User):
        return {}
    found = list(acting_tenants(request.user)[: MOST_IN_SWITCHER + 1])
    acting = {
        "tenants": found[:MOST_IN_SWITCHER],
        "has_more": len(found) > MOST_IN_SWITCHER,
        "is_needed": len(found) > 1,
        "chosen": acting_tenant(request),
    }
    return {"acting": acting, "templates": {"navigation": "portal/navigation.html"}}


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """All tenants that the person may act for, with a search by name."""
    wanted = request.GET.get("q", "").strip()
    rows = acting_tenants(person_of(request)).filter(name__icontains=wanted)
    context = {
        **admin.site.each_context(request),
        "title": "Tenant to act for",
        "q": wanted,
        "page": Paginator(rows, _PER_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "portal/acting.html", context)


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Act for `tenant` (an id; empty: all of the person's) and return to the list or page that asked."""
    try:
        tenant = acting_choose(request, request.POST.get("tenant", ""))
    except NotFound as error:
        raise Http404(error.message) from error
    messages.success(request, f"You see what belongs to {tenant}." if tenant else "You see all your tenants.")
    return redirect(_return_to(request))


def _return_to(request: HttpRequest) -> str:
    """The page that asked, without its filters, if it is a list: a row's own page may be beyond the new choice."""
    asked = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(asked, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        path = asked.partition("?")[0]
        try:
            name = resolve(path).view_name
        except Resolver404:
            name = ""
        if name == "portal:queue" or name.endswith("_changelist"):
            return path
    return reverse("admin:index")
