"""Photos on which a candidate in shadow and the current version differ, drawn side by side, for global admins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from imaging.ml.matching import Standing
from imaging.models import ShadowRun
from imaging.selectors import Agreement, ShadowFilters, agreements, disagreements, shadow_runs
from inspection_platform.portal.access import person_of
from inspection_platform.portal.models import version_reached
from inspection_platform.portal.presenters import title_of
from inspection_platform.portal.shadow_words import ShadowWords, counted, shadow_words
from tenants.acting import acting_tenants, reach_for_request
from tenants.catalogue import CAMERAS

_PHOTOS_A_PAGE: Final = 12
_CAMERA_LABELS: Final = (("", "All cameras"), ("-", "No camera of a rig"), *((name, name) for name in CAMERAS))
#: Of each side: its name, and how its outline is drawn where both are drawn on one picture.
_SIDES: Final = {
    "current": ("Current", f"{Standing.ONLY_CURRENT}"),
    "candidate": ("Candidate", f"{Standing.ONLY_CANDIDATE} ip-dashed"),
}


class DisagreementFilter(forms.Form):
    """Which photos to show."""

    kind = forms.ChoiceField(required=False, label="Difference")
    tenant = forms.ChoiceField(required=False, label="Tenant")
    camera = forms.ChoiceField(required=False, choices=_CAMERA_LABELS, label="Camera")

    def __init__(
        self, data: Mapping[str, Any], *, kinds: Sequence[tuple[str, str]], tenants: Sequence[tuple[str, str]]
    ) -> None:
        super().__init__(data)
        self.fields["kind"] = forms.ChoiceField(required=False, label="Difference", choices=kinds)
        self.fields["tenant"] = forms.ChoiceField(
            required=False, label="Tenant", choices=[("", "All tenants"), *tenants]
        )
        self.order_fields(["kind", "tenant", "camera"])

    def wanted(self) -> ShadowFilters:
        """The filter for the list; nothing is filtered by an input that is wrong."""
        values = self.cleaned_data
        tenant = values.get("tenant")
        return ShadowFilters(UUID(tenant) if tenant else None, values.get("camera") or None)


@require_GET
def page(request: HttpRequest, name: str, version_id: UUID) -> HttpResponse:
    """The photos, twelve a page, with the rate of agreement over all that the filter leaves."""
    standing, row = version_reached(name, version_id)
    words = shadow_words(name)
    tenants = [(str(pk), called) for pk, called in acting_tenants(person_of(request)).values_list("pk", "name")]
    form = DisagreementFilter(request.GET, kinds=words.kinds, tenants=tenants)
    is_sound = form.is_valid()
    kind = form.cleaned_data.get("kind", "")
    runs = shadow_runs(form.wanted(), reach=reach_for_request(request)).filter(candidate=row)
    agreement = agreements(runs).get(row.pk, Agreement())
    photos = Paginator(disagreements(runs, kind=kind), _PHOTOS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        **admin.site.each_context(request),
        "title": f"Disagreements of {row}",
        "standing": standing,
        "row": row,
        "form": form,
        "agreement": agreement,
        "counts": counted(agreement, words),
        "words": words,
        "photos": photos,
        "shown": [_shown(run, words) for run in photos] if is_sound else [],
        "is_filtered": any(request.GET.get(name) for name in form.fields),
        **_neighbours(request, photos),
    }
    return render(request, "portal/models/disagreements.html", context)


def _shown(run: ShadowRun, words: ShadowWords) -> dict[str, Any]:
    """A photo with both models' outlines, numbered alike where they are one thing."""
    image = run.image
    return {
        "run": run,
        "image": image,
        "title": title_of(image.image_set),
        "letters": _letters(run),
        "url": reverse("portal:photo", args=[image.image_set_id, image.pk]) if image.published else "",
        "overlap": "" if run.overlap is None else f"{run.overlap:.2f}",
        "sides": _together(run, words) if words.is_together else _apart(run, words),
    }


def _apart(run: ShadowRun, words: ShadowWords) -> list[dict[str, Any]]:
    """Two pictures, with the outlines of one version each."""
    return [{"name": _titled(run, side), "marks": list(_marks(run, side, words))} for side in _SIDES]


def _together(run: ShadowRun, words: ShadowWords) -> list[dict[str, Any]]:
    """One picture with the outlines of both, told apart by how they are drawn and named."""
    marks = [
        mark | {"label": f"{_titled(run, side)}: {mark['label']}", "drawn": drawn}
        for side, (_, drawn) in _SIDES.items()
        for mark in _marks(run, side, words)
    ]
    return [{"name": "Both outlines", "marks": marks}]


def _titled(run: ShadowRun, side: str) -> str:
    version = run.against.version if side == "current" else run.candidate.version
    return f"{_SIDES[side][0]} {version}"


def _marks(run: ShadowRun, side: str, words: ShadowWords) -> Iterator[dict[str, Any]]:
    """The outlines of one side in the photo's pixels, with how each stands to the other side."""
    findings = run.current_findings if side == "current" else run.findings
    for number, (standing, current, candidate) in enumerate(run.pairs, 1):
        place = current if side == "current" else candidate
        if place is None or place >= len(findings):
            continue
        finding = findings[place]
        corners = [(x * run.image.width, y * run.image.height) for x, y in finding["polygon"]]
        left, top = min(x for x, _ in corners), max(_letters(run), min(y for _, y in corners))
        yield {
            "number": number, "drawn": standing, "words": words.marks.get(Standing(standing), ""),
            "label": finding["label"], "score": finding["score"],
            "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in corners), "x": f"{left:.1f}", "y": f"{top:.1f}",
        }  # fmt: skip


def _letters(run: ShadowRun) -> int:
    """Height of the numbers on a photo, in its pixels."""
    return max(10, run.image.width // 40)


def _neighbours(request: HttpRequest, photos: Page[ShadowRun]) -> dict[str, str]:
    """Addresses of the pages before and after, with the filters kept."""
    kept = {name: value for name, value in request.GET.items() if value and name != "page"}
    before = "?" + urlencode(kept | {"page": photos.previous_page_number()}) if photos.has_previous() else ""
    after = "?" + urlencode(kept | {"page": photos.next_page_number()}) if photos.has_next() else ""
    return {"before": before, "after": after}
