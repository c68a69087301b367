"""JSON of damages (contract 4.3). `confidence`, `modelVersion`, `polygon`, `source` and `modifiedAt` are ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from assets.models import ImageSetState
from damages.models import Damage, DamagedPart
from damages.models.damage import no_false_positives, no_true_positives
from damages.selectors import NEW_FOR, RECENT_FOR
from damages.services.records import version_of
from inspection_platform.api.core.presenters.common import seconds, text_id
from inspection_platform.api.core.presenters.images import file_name

#: Keys of nearness and the columns of a list that was asked for it; 0 in others.
_NEARNESS: Final = {"proxPosCamera": "near_camera", "proxPosFrame": "near_frame", "proxPosSide": "near_side"}

#: The contract's flags, in its order.
_TRUE_POSITIVES: Final = tuple(no_true_positives())
_FALSE_POSITIVES: Final = tuple(no_false_positives())


def damage(row: Damage, *, family_sizes: Mapping[UUID, int], parts: Sequence[DamagedPart]) -> dict[str, Any]:
    """A damage on these parts as lists print it; `family_sizes` is by representative's id."""
    return {
        **_common(row, family_sizes=family_sizes, parts=parts),
        "damageFamilyReviewed": row.family_reviewed,
        "limitedTenantFields": [{"isAvailable": True}],
        "partnerState": row.partner_state or None,
    }


def detail(
    row: Damage,
    *,
    family_sizes: Mapping[UUID, int],
    parts: Sequence[DamagedPart],
    age: timedelta,
    is_matched: bool,
) -> dict[str, Any]:
    """A damage alone; `age` counts from its first occurrence, `is_matched`: people said what it is one with."""
    return {
        **_common(row, family_sizes=family_sizes, parts=parts),
        "isManualMatchingExecuted": is_matched,
        "isNew": age <= NEW_FOR,
        "isRecent": age <= RECENT_FOR,
        "limitedTenantFields": {"isAvailable": True},
    }


def etag(row: Damage) -> str:
    """The version of a damage as an entity tag."""
    return f'"{version_of(row)}"'


def patched(row: Damage) -> dict[str, Any]:
    """A damage after a change; `points` in an object here."""
    return {
        "falsePositives": _flags(_FALSE_POSITIVES, row.false_positives),
        "id": str(row.pk),
        "partnerState": row.partner_state or None,
        "points": {"items": corners(row.polygon, width=row.image_width, height=row.image_height)},
        "potentialDamage": row.is_potential,
        "state": row.state,
        "truePositives": _flags(_TRUE_POSITIVES, row.true_positives),
        "modifiedAt": version_of(row),
    }


def _common(row: Damage, *, family_sizes: Mapping[UUID, int], parts: Sequence[DamagedPart]) -> dict[str, Any]:
    """What the list and the detail share."""
    representative = row.representative_id or row.pk
    return {
        "id": str(row.pk),
        "appraisalId": row.image_set.appraisal_id or None,
        "carId": text_id(row.car_id),
        "category": row.category,
        "convertedImgSize": f"{row.image_width}x{row.image_height}",
        "createdAt": seconds(row.created_at),
        "damagedParts": [damaged_part(part, row) for part in parts],
        "falsePositives": _flags(_FALSE_POSITIVES, row.false_positives),
        "familySize": family_sizes[representative],
        "fileName": file_name(row.image),
        "firstDamageId": text_id(row.first_damage_id),
        "imageId": str(row.image_id),
        "imageSetId": str(row.image_set_id),
        "points": corners(row.polygon, width=row.image_width, height=row.image_height),
        "potentialDamage": row.is_potential,
        "processing": row.is_processing or row.image_set.state == ImageSetState.PROCESSING,
        **{name: getattr(row, column, 0) for name, column in _NEARNESS.items()},
        "representativeId": str(representative),
        "size": {"height": row.height_mm or 0, "width": row.width_mm or 0},
        "state": row.state,
        "timestamp": seconds(row.image_set.recorded_at),
        "truePositives": _flags(_TRUE_POSITIVES, row.true_positives),
        "confidence": row.confidence,
        "modelVersion": str(row.model_version) if row.model_version else None,
        "polygon": row.polygon,
        "source": row.source,
        "modifiedAt": version_of(row),
    }


def damaged_part(part: DamagedPart, row: Damage) -> dict[str, Any]:
    """The part of the car that a damage is on."""
    return {
        "cameraLocation": part.camera_location,
        "cameraSide": part.camera_side,
        "carEnd": part.car_end,
        "certainty": part.certainty,
        "id": str(part.pk),
        "imageId": str(part.image_id),
        "name": part.name,
        "pictogram": part.pictogram,
        "points": corners(part.polygon, width=row.image_width, height=row.image_height) if part.polygon else [],
    }


def corners(polygon: Sequence[Sequence[float]], *, width: int, height: int) -> list[dict[str, int]]:
    """The corners of the polygon's bounding box in pixels: left top, right top, left bottom, right bottom.

    `polygon` is [[x, y], ...] in 0..1 of an image of `width` x `height` pixels.
    """
    columns = [round(x * width) for x, _ in polygon]
    rows = [round(y * height) for _, y in polygon]
    left, right, top, bottom = min(columns), max(columns), min(rows), max(rows)
    return [{"x": x, "y": y} for y in (top, bottom) for x in (left, right)]


def _flags(known: Sequence[str], stored: Mapping[str, bool]) -> dict[str, bool]:
    """Every flag of the contract, whatever a row of an older version holds."""
    return {name: bool(stored.get(name)) for name in known}
