"""Models, for global admins: which version of each speaks, its card and history; candidates, tried and promoted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from damages.taxonomy import MODEL_LABELS
from imaging.jobs import damage_detection
from imaging.ml import registry
from imaging.models import ModelVersion, VersionState
from imaging.selectors import (
    ModelStanding,
    ShadowFilters,
    agreements,
    is_released,
    model_before,
    model_changes,
    model_standings,
    shadow_runs,
)
from imaging.services.candidate_intake import Sent
from imaging.services.candidates import (
    candidate_drop,
    candidate_receive,
    model_promote,
    shadow_end,
    shadow_start,
)
from imaging.services.model_versions import model_version_note
from imaging.shadowing import SHADOWED
from imaging.states import NEXT
from inspection_platform.portal.access import person_of
from inspection_platform.portal.cards import card_shown, compared, headline
from inspection_platform.portal.shadow_words import counted, shadow_words
from tenants.errors import DomainError, Invalid
from tenants.models import Tenant, User
from tenants.scope import Reach

#: The words that the crosswalk to categories understands.
KNOWN_LABELS: Final = {damage_detection.MODEL: MODEL_LABELS}
_CHANGES_A_PAGE: Final = 20


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """All models: which version speaks, how good it was measured to be, and what waits or runs beside it."""
    standings = model_standings()
    context = {
        **admin.site.each_context(request),
        "title": "Models",
        "models": [
            {"standing": one, "title": one.card.get("title", ""), "figures": headline(one.card)} for one in standings
        ],
    }
    return render(request, "portal/models/overview.html", context)


@require_GET
def model(request: HttpRequest, name: str) -> HttpResponse:
    """One model: the card of the version that speaks, its other versions, and the history of promotions."""
    standing = standing_of(name)
    changes = Paginator(model_changes(name), _CHANGES_A_PAGE).get_page(request.GET.get("page"))
    beside = agreements(shadow_runs(ShadowFilters(), reach=Reach.every()).filter(candidate__in=standing.versions))
    context = {
        **admin.site.each_context(request),
        "title": f"Model {name}",  # the admin sets titles with a capital letter
        "standing": standing,
        "card": card_shown(standing.card),
        "versions": [_version_line(row, standing, beside.get(row.pk)) for row in standing.versions],
        "changes": changes,
        "before": model_before(standing),
    }
    return render(request, "portal/models/model.html", context)


@require_GET
def version(request: HttpRequest, name: str, version_id: UUID) -> HttpResponse:
    """One version: its card, its figures beside the current one's, how it does in shadow, what may be done with it."""
    standing, row = version_reached(name, version_id)
    runs = shadow_runs(ShadowFilters(), reach=Reach.every()).filter(candidate=row)
    words, agreement = shadow_words(name), agreements(runs).get(row.pk)
    context = {
        **admin.site.each_context(request),
        "title": f"Model {row}",
        "standing": standing,
        "row": row,
        "card": card_shown(row.card),
        "is_speaking": _is_speaking(row, standing),
        "figures": compared(standing.card, row.card),
        "agreement": agreement,
        "counts": counted(agreement, words) if agreement else [],
        "words": words,
        "shadow_tenants": list(row.shadow_tenants.order_by("name")),
        "tenants": Tenant.objects.filter(is_active=True).order_by("name"),
        "changes": row.changes.select_related("by", "replaced"),
        "instead_of": standing.current.pk if standing.current else "",
        **_powers(row, standing),
    }
    return render(request, "portal/models/version.html", context)


@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """Send a card with its files, or a zip of both; what is wrong with them is told on the same page."""
    refusal, reason = "", ""
    if request.method == "POST":
        reason = request.POST.get("reason", "")
        try:
            row = candidate_receive(
                sent=[Sent(str(one.name), one.file) for one in request.FILES.getlist("files") if one.file],
                by=person_of(request), known_labels=KNOWN_LABELS, reason=reason,
            )  # fmt: skip
        except DomainError as error:
            refusal = error.message
        else:
            messages.success(request, f"{row} works, and is a candidate now.")
            return _to_version(row)
    context = {
        **admin.site.each_context(request), "title": "Upload a candidate", "refusal": refusal, "reason": reason,
        "names": registry.names(),
    }  # fmt: skip
    return render(request, "portal/models/upload.html", context, status=400 if refusal else 200)


@require_POST
def promote(request: HttpRequest, name: str, version_id: UUID) -> HttpResponse:
    """Let this version speak from now on, in place of the one that the person saw as current."""
    _, row = version_reached(name, version_id)
    return _carry_out(
        request, row, lambda by: model_promote(version=row, by=by, reason=_reason(request), instead_of=_seen(request)),
        done=f"{row} speaks from the next photo on.",
    )  # fmt: skip


@require_POST
def release(request: HttpRequest, name: str) -> HttpResponse:
    """Go back to the version that came with the release."""
    standing = standing_of(name)
    row = model_version_note(standing.released)
    return _carry_out(
        request, row, lambda by: model_promote(version=row, by=by, reason=_reason(request), instead_of=_seen(request)),
        done=f"{row}, which came with the release, speaks from the next photo on.", to_model=True,
    )  # fmt: skip


@require_POST
def drop(request: HttpRequest, name: str, version_id: UUID) -> HttpResponse:
    """Give a version up."""
    _, row = version_reached(name, version_id)
    return _carry_out(
        request, row, lambda by: candidate_drop(version=row, by=by, reason=_reason(request)),
        done=f"{row} is dropped. The same files may be uploaded again.",
    )  # fmt: skip


@require_POST
def shadow(request: HttpRequest, name: str, version_id: UUID) -> HttpResponse:
    """Put a version in shadow for the chosen tenants, or for all."""
    _, row = version_reached(name, version_id)
    for_all = bool(request.POST.get("for_all"))
    chosen = list(Tenant.objects.filter(pk__in=_ids(request.POST.getlist("tenants"))))
    return _carry_out(
        request, row,
        lambda by: shadow_start(version=row, tenants=chosen, for_all=for_all, by=by, reason=_reason(request)),
        done=f"{row} looks at the photos of {'all tenants' if for_all else 'the chosen tenants'} from now on.",
    )  # fmt: skip


@require_POST
def unshadow(request: HttpRequest, name: str, version_id: UUID) -> HttpResponse:
    """Take a version out of shadow."""
    _, row = version_reached(name, version_id)
    return _carry_out(
        request, row, lambda by: shadow_end(version=row, by=by, reason=_reason(request)),
        done=f"{row} sees no more photos. What it said stays to be looked at.",
    )  # fmt: skip


def standing_of(name: str) -> ModelStanding:
    """The model; Http404 if the release has none of this name."""
    if name not in registry.names():
        raise Http404("There is no such model.")
    return model_standings([name])[0]


def version_reached(name: str, version_id: UUID) -> tuple[ModelStanding, ModelVersion]:
    """The model and the version; Http404 if there is none."""
    standing = standing_of(name)
    row = next((row for row in standing.versions if row.pk == version_id), None)
    if row is None:
        raise Http404("There is no such version.")
    return standing, row


# --- what pages show ---


def _version_line(row: ModelVersion, standing: ModelStanding, agreement: object) -> dict[str, Any]:
    return {"row": row, "is_speaking": _is_speaking(row, standing), "agreement": agreement}


def _is_speaking(row: ModelVersion, standing: ModelStanding) -> bool:
    return row == standing.current or (standing.current is None and is_released(row, standing.released))


def _powers(row: ModelVersion, standing: ModelStanding) -> Mapping[str, bool]:
    """What may be done with the version, by its state."""
    follows = NEXT[VersionState(row.state)]
    is_back = standing.current is not None and is_released(row, standing.released)
    return {
        "may_promote": VersionState.CURRENT in follows or is_back,
        "may_drop": VersionState.DROPPED in follows,
        "may_shadow": (VersionState.SHADOW in follows or row.state == VersionState.SHADOW) and row.name in SHADOWED,
        "is_in_shadow": row.state == VersionState.SHADOW,
    }


# --- what forms say ---


def _carry_out(
    request: HttpRequest, row: ModelVersion, action: Callable[[User], object], *, done: str, to_model: bool = False
) -> HttpResponse:
    """Do it, tell how it went, and return to the page."""
    try:
        action(person_of(request))
    except DomainError as error:
        messages.error(request, _told(error))
    else:
        messages.success(request, done)
    return redirect("portal:model", name=row.name) if to_model else _to_version(row)


def _told(error: DomainError) -> str:
    """A refusal's reasons, which are at no field here."""
    reasons = [reason for reasons in error.fields.values() for reason in reasons] if isinstance(error, Invalid) else []
    return " ".join(reasons) or error.message


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "")


def _seen(request: HttpRequest) -> UUID | None:
    """The promoted version that the page showed as current; None for the release's."""
    ids = _ids([request.POST.get("instead_of", "")])
    return ids[0] if ids else None


def _ids(texts: list[str]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _to_version(row: ModelVersion) -> HttpResponseRedirect:
    return redirect("portal:model-version", name=row.name, version_id=row.pk)
