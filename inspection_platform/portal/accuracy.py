"""The accuracy card: how right the damage model is in use, for admins of tenants and global admins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import tablib
from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from damages.selectors_accuracy import MOST_MATCHED, Accuracy, AccuracyFilters, Tally, accuracy
from imaging.ml.rates import FEW, Rate
from imaging.models import JobRun, ModelVersion
from inspection_platform.portal.access import person_of
from inspection_platform.portal.presenters import CATEGORY_LABELS
from tenants.acting import acting_tenants, reach_narrowed
from tenants.admin_exports import SafeCsv
from tenants.catalogue import CAMERAS
from tenants.rights import permission_reach
from tenants.scope import Reach

#: Whoever may change a tenant's damages as its admin may read how right the model was there.
_RIGHT: Final = "damages.change_damage"
#: Days that are shown unless somebody asks for others.
_DAYS: Final = 90
_NO_CAMERA: Final = "no camera of a rig"
_COLUMNS: Final = (
    "model", "version", "category", "camera", "accepted", "rejected", "precision", "precision low", "precision high",
    "found", "missed", "recall", "recall low", "recall high", "recall of sets recorded after",
)  # fmt: skip


class AccuracyFilter(forms.Form):
    """What to count; days are those of the person's station."""

    since = forms.DateField(required=False, label="Recorded from")
    until = forms.DateField(required=False, label="To, inclusive")
    tenant = forms.ChoiceField(required=False, label="Tenant")
    category = forms.ChoiceField(
        required=False, label="Category", choices=[("", "All categories"), *CATEGORY_LABELS.items()]
    )
    camera = forms.ChoiceField(
        required=False, label="Camera",
        choices=[("", "All cameras"), ("-", "No camera of a rig"), *((name, name) for name in CAMERAS)],
    )  # fmt: skip
    version = forms.ChoiceField(required=False, label="Model version")

    def __init__(
        self, data: Mapping[str, Any], *, tenants: Sequence[tuple[str, str]], versions: Sequence[tuple[str, str]]
    ) -> None:
        super().__init__(data)
        self.fields["version"] = forms.ChoiceField(
            required=False, label="Model version", choices=[("", "All versions"), *versions]
        )
        self.fields["tenant"] = forms.ChoiceField(
            required=False, label="Tenant", choices=[("", "All tenants"), *tenants]
        )
        if len(tenants) < 2:  # noqa: PLR2004 - one tenant is no choice
            del self.fields["tenant"]

    def clean(self) -> dict[str, Any]:
        """Refuse a time that ends before it begins."""
        values = super().clean() or self.cleaned_data
        since, until = values.get("since"), values.get("until")
        if since and until and until < since:
            self.add_error("until", "This day is before the first one.")
        return values

    def wanted(self) -> AccuracyFilters:
        """The filter for the counts."""
        values = self.cleaned_data
        until, version = values.get("until"), values.get("version")
        return AccuracyFilters(
            since=_midnight(values.get("since")), until=_midnight(until + timedelta(days=1) if until else None),
            category=values.get("category", ""), camera=values.get("camera", ""),
            version_id=UUID(version) if version else None,
        )  # fmt: skip

    def narrowed(self, reach: Reach) -> Reach:
        """The reach, within the chosen tenant."""
        tenant = self.cleaned_data.get("tenant")
        return reach.within(UUID(tenant)) if tenant else reach


def may_see(request: HttpRequest) -> bool:
    """Whether the person has anything to read there."""
    reach = _reach(request)
    return reach.tenant_ids is None or bool(reach.tenant_ids)


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Precision and recall in all, and by category, camera and version."""
    form = _form(request)
    found = accuracy(form.wanted(), reach=form.narrowed(_reach(request))) if form.is_valid() else None
    context = {
        **admin.site.each_context(request),
        "title": "Accuracy in use",
        "form": form,
        "total": found.total if found else None,
        "tables": _tables(found) if found else [],
        "recall_after": found.recall_after if found else None,
        "most_matched": f"{MOST_MATCHED:,}",
        "few": FEW,
        "is_filtered": any(request.GET.get(name) for name in form.fields),
        "csv": f"{reverse('portal:accuracy-csv')}?{urlencode(_asked(request))}",
        "zone_name": timezone.get_current_timezone_name(),
    }
    return render(request, "portal/accuracy.html", context)


@require_GET
def as_csv(request: HttpRequest) -> HttpResponse:
    """The same counts, a line for each version, category and camera."""
    form = _form(request)
    if not form.is_valid():
        return HttpResponse("The filter is wrong.", status=400, content_type="text/plain; charset=utf-8")
    found = accuracy(form.wanted(), reach=form.narrowed(_reach(request)))
    table = tablib.Dataset(headers=list(_COLUMNS))
    table.extend(_lines(found))
    response = HttpResponse(SafeCsv().export_data(table), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="accuracy-{timezone.localdate()}.csv"'
    return response


def _form(request: HttpRequest) -> AccuracyFilter:
    """The filter, by default of the last days; 403 for those who may not read it."""
    if not may_see(request):
        raise PermissionDenied
    reach = _reach(request)
    rows = acting_tenants(person_of(request)).values_list("pk", "name")
    tenants = [(str(pk), name) for pk, name in rows if reach.covers(pk)]
    looked = JobRun.objects.of(reach).filter(model_version=OuterRef("pk"), name="damage_detection")
    spoken = ModelVersion.objects.filter(Exists(looked)).order_by("-created_at")
    versions = [(str(row.pk), str(row)) for row in spoken.only("name", "version")]
    return AccuracyFilter(_asked(request), tenants=tenants, versions=versions)


def _asked(request: HttpRequest) -> dict[str, str]:
    """What the address asks for; without any of it, the last days."""
    asked = {name: str(value) for name, value in request.GET.items() if value and name in AccuracyFilter.base_fields}
    since = timezone.localdate() - timedelta(days=_DAYS)
    return asked if "since" in request.GET else asked | {"since": since.isoformat()}


def _tables(found: Accuracy) -> list[dict[str, Any]]:
    return [
        {"title": "By category", "rows": _named(found.by_category(), CATEGORY_LABELS)},
        {"title": "By camera", "rows": _named(found.by_camera(), {"": _NO_CAMERA})},
        {"title": "By model version", "rows": _named(found.by_version(), {})},
    ]


def _named(rows: Iterable[tuple[str, Tally]], labels: Mapping[str, str]) -> list[tuple[str, Tally]]:
    return [(labels.get(name, name), tally) for name, tally in rows]


def _lines(found: Accuracy) -> list[list[str]]:
    after = timezone.localtime(found.recall_after).isoformat() if found.recall_after else ""
    lines = []
    for cell, tally in found.cells.items():
        version = found.versions[cell.version_id]
        lines.append([
            version.name, version.version, cell.category, cell.camera,
            str(tally.accepted), str(tally.rejected), *_figures(tally.precision),
            str(tally.found), str(tally.missed), *_figures(tally.recall), after,
        ])  # fmt: skip
    return sorted(lines)


def _figures(rate: Rate) -> list[str]:
    """Share and interval, 0..1; empty where nothing was counted."""
    return ["", "", ""] if rate.value is None else [f"{value:.4f}" for value in (rate.value, rate.low, rate.high)]


def _reach(request: HttpRequest) -> Reach:
    return reach_narrowed(request, permission_reach(person_of(request), _RIGHT))


def _midnight(day: date | None) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None
