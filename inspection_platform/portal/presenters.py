"""What the inspection pages show, as plain values for templates and for the script of the photo view."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Prefetch
from django.urls import reverse
from django.utils import timezone

from assets.models import Image, ImageSet
from assets.services.routing import is_recorded, route_standing
from damages.models import Damage, DamageDecision, ManualProcessing, Source, Step
from damages.querysets import DamageQuerySet
from damages.services.decisions import decision_standing
from damages.services.weaker import weaker_category
from damages.taxonomy import DamageCategory
from imaging.gate import reasons
from imaging.models import Detection
from imaging.services.plates import plate_read, plate_verdict
from tenants.models import User

#: What people read for the ten words of the contract.
CATEGORY_LABELS: Final[dict[str, str]] = {
    DamageCategory.AREA_SCRATCHES: "Scratches over an area",
    DamageCategory.CRACKS: "Crack",
    DamageCategory.DENT_LIGHT: "Light dent",
    DamageCategory.DENTS: "Dent",
    DamageCategory.FRONT_REAR_DAMAGE: "Front or rear damage",
    DamageCategory.LINE_SCRATCHES: "Line scratch",
    DamageCategory.MISSING_PARTS: "Missing part",
    DamageCategory.PAINT_CHIPS: "Paint chip",
    DamageCategory.SCRATCHES_LIGHT: "Light scratch",
    DamageCategory.WHEEL_DAMAGE: "Wheel damage",
}


def title_of(image_set: ImageSet) -> str:
    """The headline of a set's page: its vendor's key, else its plate, else its id."""
    key = image_set.submission.external_key if image_set.submission else image_set.plate
    # The admin sets titles with a capital letter, which would make another key of it.
    return f"Inspection {key or image_set.pk}"


def zone_of(image_set: ImageSet) -> ZoneInfo:
    """The time zone of the tenant's stations, in which the pages of a set print times."""
    return ZoneInfo(image_set.tenant.settings.time_zone if image_set.tenant else "UTC")


def facts_of(image_set: ImageSet) -> list[tuple[str, str]]:
    """The few facts about a set that stand above its photos."""
    submission = image_set.submission
    plate = image_set.car.registration_no if image_set.car else image_set.plate
    rows = [
        ("Tenant", image_set.tenant.name if image_set.tenant else "unassigned"),
        ("Case", submission.case_id if submission else ""),
        ("Plate", plate),
        ("Read on the photos", plate_said(image_set)),
        ("Agent", (submission.agent_name or submission.agent_id) if submission else ""),
        ("Capture set", image_set.capture_set.name if image_set.capture_set else ""),
    ]
    return [(name, value) for name, value in rows if value]


def plate_said(image_set: ImageSet) -> str:
    """What the latest run read on the car's plate and where that leads; empty when no plate was read."""
    run = image_set.runs.order_by("-number").first()
    verdict = plate_verdict(run=run) if run else None
    if verdict is None or not verdict.photos:
        return ""
    plate = plate_read(image_set=image_set, verdict=verdict)
    if plate is None:
        return f"{verdict.text}, unsure: {verdict.reason}"
    agreed = f"{plate.number} on {verdict.agreeing} of {verdict.photos} photos ({verdict.confidence:.2f})"
    return f"{agreed}, {route_standing(image_set=image_set, plate=plate).words}" if is_recorded(image_set) else agreed


def work_payload(*, user: User, image_set: ImageSet, step: Step | None, job: ManualProcessing | None) -> dict[str, Any]:
    """Everything the photo view needs. `step` is the step the person works on; None: they only look."""
    tenant_id = image_set.tenant_id or image_set.pk
    photos = Image.objects.of(tenant_id).visible().filter(image_set=image_set)
    damages = damages_shown(tenant_id).filter(image_set=image_set)
    base = reverse("portal:work", args=[image_set.pk])
    return {
        "step": step,
        "base": base,
        "weaker": reverse("portal:weaker", args=[image_set.pk]),
        "categories": list(CATEGORY_LABELS.items()),
        "photos": [photo_payload(photo) for photo in photos.order_by("position", "frame")],
        "damages": [damage_payload(damage, user=user, step=step) for damage in damages],
        "lock": lock_payload(job) if step and job else None,
    }


def damages_shown(tenant_id: UUID) -> DamageQuerySet:
    """Visible damages with what `damage_payload` reads, in the order of the page."""
    decisions = DamageDecision.objects.of(tenant_id).order_by("-created_at", "-id")
    rows = Damage.objects.of(tenant_id).visible().select_related("model_version", "decided_by", "created_by")
    return rows.prefetch_related(Prefetch("decisions", queryset=decisions)).order_by(
        "image__position", "image__frame", "-confidence", "created_at", "id"
    )


def photo_payload(photo: Image) -> dict[str, Any]:
    """One photo; `url` and `thumb` are empty while there is nothing people may see."""
    path = reverse("portal:photo", args=[photo.image_set_id, photo.pk])
    version = _version_of(photo)
    return {
        "id": photo.pk,
        "name": photo.name or f"Photo {photo.position}",
        "position": photo.position,
        "frame": photo.frame,
        "width": photo.width,
        "height": photo.height,
        "url": f"{path}?{urlencode(version)}".rstrip("?") if photo.published else "",
        "thumb": f"{path}?{urlencode({'size': 'small', **version})}" if photo.published else "",
        "flags": [str(flag) for flag in photo.flags],
        "remarks": reasons(photo.flags),
        "reason": photo.reason,
    }


def _version_of(photo: Image) -> dict[str, str]:
    """What makes the address another one once faces are blurred: a browser may keep the picture of an address."""
    return {"v": str(int(photo.faces_blurred_at.timestamp()))} if photo.faces_blurred_at else {}


def damage_payload(damage: Damage, *, user: User, step: Step | None) -> dict[str, Any]:
    """One damage, with what this person may do to it in this step. `damage` comes from `damages_shown`."""
    last = decision_standing(damage.decisions.all())
    is_drawn = damage.source != Source.MODEL
    return {
        "id": damage.pk,
        "photo": damage.image_id,
        "category": damage.category,
        "polygon": damage.polygon,
        "confidence": damage.confidence,
        "state": damage.state,
        "isPotential": damage.is_potential,
        "isDrawn": is_drawn,
        "fromWeaker": damage.detection_id if is_drawn else None,
        "author": str(damage.created_by) if damage.created_by else "",
        "model": str(damage.model_version) if damage.model_version else "",
        "family": damage.representative_id or damage.pk,
        "decidedBy": str(damage.decided_by) if damage.decided_by else "",
        "decidedAt": damage.decided_at,
        "canDelete": is_drawn and (step == Step.REVIEW or (step is not None and damage.created_by_id == user.pk)),
        "canUndo": step is not None and last is not None and last.by_id == user.pk,
    }


def weaker_payload(row: Detection) -> dict[str, Any]:
    """A weaker proposal of the model; `score` is its confidence."""
    return {
        "id": row.pk,
        "photo": row.image_id,
        "category": weaker_category(row),
        "polygon": row.polygon,
        "score": row.score,
    }


def lock_payload(job: ManualProcessing, *, now: datetime | None = None) -> dict[str, Any]:
    """How many seconds of the lock are left (0 when it is over)."""
    left = (job.locked_until - (now or timezone.now())).total_seconds() if job.locked_until else 0
    return {"seconds": max(0, int(left))}
