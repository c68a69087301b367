"""The audit page: who changed settings, roles, keys and groups, for admins of tenants and global admins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from inspection_platform.portal.access import person_of
from tenants.acting import acting_tenants, reach_narrowed
from tenants.audit import KIND_LABELS, Change, Place, Wanted, audit_page
from tenants.rights import permission_reach
from tenants.scope import Reach

#: Whoever may read a tenant's settings in the admin may read who changed what there: its admins, and global ones.
_RIGHT: Final = "tenants.view_tenantsettings"
#: Names of tenants that the filter proposes; any other may be typed.
_TENANTS_PROPOSED: Final = 50
_ANYTHING: Final = ("", "Everything")


class AuditFilter(forms.Form):
    """What to show; days are those of the person's station."""

    kind = forms.ChoiceField(required=False, label="Kind")
    who = forms.CharField(required=False, max_length=100, label="Changed by")
    tenant = forms.CharField(required=False, max_length=200, label="Tenant")
    since = forms.DateField(required=False, label="From")
    until = forms.DateField(required=False, label="To, inclusive")

    def __init__(self, data: Mapping[str, Any], *, with_groups: bool, with_tenants: bool) -> None:
        super().__init__(data)
        if not with_tenants:
            del self.fields["tenant"]
        kinds = [(key, label) for key, label in KIND_LABELS.items() if with_groups or key != "group"]
        self.fields["kind"] = forms.ChoiceField(required=False, label="Kind", choices=[_ANYTHING, *kinds])

    def clean(self) -> dict[str, Any]:
        """Refuse a time that ends before it begins."""
        values = super().clean() or self.cleaned_data
        since, until = values.get("since"), values.get("until")
        if since and until and until < since:
            self.add_error("until", "This day is before the first one.")
        return values

    def wanted(self) -> Wanted:
        """The filter for the list; nothing is filtered by an input that is wrong."""
        values = self.cleaned_data
        until = values.get("until")
        return Wanted(
            kind=values.get("kind", ""), who=values.get("who", ""), tenant=values.get("tenant", ""),
            since=_midnight(values.get("since")), until=_midnight(until + timedelta(days=1) if until else None),
        )  # fmt: skip


def may_audit(request: HttpRequest) -> bool:
    """Whether the person has anything to read there."""
    reach = _reach(request)
    return reach.tenant_ids is None or bool(reach.tenant_ids)


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """The changes within the person's reach, newest first."""
    if not may_audit(request):
        raise PermissionDenied
    reach = _reach(request)
    names = _names(request)
    form = AuditFilter(request.GET, with_groups=reach.tenant_ids is None, with_tenants=len(names) > 1)
    after = Place.parse(request.GET.get("after", ""))
    is_sound = form.is_valid()
    found = audit_page(reach=reach, asker=person_of(request), wanted=form.wanted(), after=after) if is_sound else None
    context = {
        **admin.site.each_context(request),
        "title": "Audit",
        "form": form,
        "lines": [_line(change) for change in found.changes] if found else [],
        "older": _address(request, found.older) if found and found.older else "",
        "newest": _address(request, None) if after else "",
        "is_filtered": any(request.GET.get(name) for name in form.fields),
        "tenant_names": names,
        "zone_name": timezone.get_current_timezone_name(),
    }
    return render(request, "portal/audit.html", context)


def _line(change: Change) -> dict[str, Any]:
    """A change with the words of the page, and the address of its object if that is still there."""
    options = change.row._meta if change.row else None  # noqa: SLF001 - Django's documented way to a model's names
    name = f"admin:{options.app_label}_{options.model_name}_change" if options else ""
    return {
        "change": change,
        "kind": KIND_LABELS[change.kind],
        "address": reverse(name, args=[change.row.pk]) if change.row else "",
    }


def _reach(request: HttpRequest) -> Reach:
    return reach_narrowed(request, permission_reach(person_of(request), _RIGHT))


def _names(request: HttpRequest) -> list[str]:
    return list(acting_tenants(person_of(request)).values_list("name", flat=True)[:_TENANTS_PROPOSED])


def _address(request: HttpRequest, place: Place | None) -> str:
    """The address of this page with its filters, from a place on."""
    kept = {name: value for name, value in request.GET.items() if value and name != "after"}
    return "?" + urlencode(kept | ({"after": str(place)} if place else {}))


def _midnight(day: date | None) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None
