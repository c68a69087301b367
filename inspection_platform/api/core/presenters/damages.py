"""JSON of damages (contract 4.3). `confidence`, `modelVersion`, `polygon`, `source` and `modifiedAt` are ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

import orjson

from assets.models import ImageSetState
from damages.models import Damage, DamagedPart
from damages.models.damage import no_false_positives, no_true_positives
from damages.selectors import NEW_FOR, RECENT_FOR
from damages.services.records import version_at, version_of
from damages.shown import DamageShown, representative_of
from inspection_platform.api.core.presenters.common import seconds
from inspection_platform.api.core.presenters.images import file_called
from tenants.rows import id_text, in_utc, json_value, maybe_id_text

#: The contract's flags, in its order.
_TRUE_POSITIVES: Final = tuple(no_true_positives())
_FALSE_POSITIVES: Final = tuple(no_false_positives())


def damage(row: DamageShown, *, family_size: int, parts: Sequence[DamagedPart]) -> dict[str, Any]:
    """A damage on these parts as lists print it."""
    return {
        **_common(row, family_size=family_size, parts=parts),
        "damageFamilyReviewed": row.family_reviewed,
        "limitedTenantFields": [{"isAvailable": True}],
        "partnerState": row.partner_state or None,
    }


def detail(
    row: DamageShown, *, family_size: int, parts: Sequence[DamagedPart], age: timedelta, is_matched: bool
) -> dict[str, Any]:
    """A damage alone; `age` counts from its first occurrence, `is_matched`: people said what it is one with."""
    return {
        **_common(row, family_size=family_size, parts=parts),
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


def _common(row: DamageShown, *, family_size: int, parts: Sequence[DamagedPart]) -> dict[str, Any]:
    """What the list and the detail share."""
    image_id, polygon = id_text(row.image_id), json_value(row.polygon)
    number = row.frame or row.position
    return {
        "id": id_text(row.id),
        "appraisalId": row.appraisal_id or None,
        "carId": maybe_id_text(row.car_id),
        "category": row.category,
        "convertedImgSize": f"{row.image_width}x{row.image_height}",
        "createdAt": seconds(row.created_at),
        "damagedParts": [damaged_part(part, row) for part in parts],
        "falsePositives": _flags(_FALSE_POSITIVES, row.false_positives),
        "familySize": family_size,
        "fileName": file_called(camera=row.camera, number=number, name=row.image_name, image_id=image_id),
        "firstDamageId": maybe_id_text(row.first_damage_id),
        "imageId": image_id,
        "imageSetId": id_text(row.image_set_id),
        "points": corners(polygon, width=row.image_width, height=row.image_height),
        "potentialDamage": row.is_potential,
        "processing": row.is_processing or row.image_set_state == ImageSetState.PROCESSING,
        "proxPosCamera": row.near_camera,
        "proxPosFrame": row.near_frame,
        "proxPosSide": row.near_side,
        "representativeId": representative_of(row),
        "size": {"height": row.height_mm or 0, "width": row.width_mm or 0},
        "state": row.state,
        "timestamp": seconds(row.recorded_at),
        "truePositives": _flags(_TRUE_POSITIVES, row.true_positives),
        "confidence": row.confidence,
        "modelVersion": f"{row.model_name} {row.model_version}" if row.model_name else None,
        "polygon": polygon,
        "source": row.source,
        "modifiedAt": version_at(in_utc(row.modified_at)),
    }


def damaged_part(part: DamagedPart, row: DamageShown) -> dict[str, Any]:
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
    columns, rows = [x for x, _ in polygon], [y for _, y in polygon]
    left, right = round(min(columns) * width), round(max(columns) * width)
    top, bottom = round(min(rows) * height), round(max(rows) * height)
    return [{"x": x, "y": y} for y in (top, bottom) for x in (left, right)]


def _flags(known: tuple[str, ...], stored: Mapping[str, bool] | str) -> Mapping[str, bool]:
    """Every flag of the contract, whatever a row of an older version holds; as JSON's text or read already."""
    return _flags_in(known, stored) if isinstance(stored, str) else _every(known, stored)


@lru_cache(maxsize=1024)
def _flags_in(known: tuple[str, ...], stored: str) -> Mapping[str, bool]:
    # Most damages of a page have the same few flags; nobody changes what is returned.
    return _every(known, orjson.loads(stored))


def _every(known: tuple[str, ...], stored: Mapping[str, bool]) -> dict[str, bool]:
    return {name: bool(stored.get(name)) for name in known}
