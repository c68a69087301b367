"""Reference of damages."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.damages import DamageDetail, DamageList, DamageQuery

TAG: Final = "core: damages"


def _id(letters: str) -> str:
    return f"12345678-{letters}-{letters}-{letters}-123456789012"


def _box(left: int, right: int) -> list[dict[str, int]]:
    return [{"x": x, "y": y} for x, y in ((left, left), (left, right), (right, left), (right, right))]


#: The vendor's sample; the last five keys are ours.
DAMAGE: Final[dict[str, Any]] = {
    "appraisalId": None,
    "carId": _id("0a1b"),
    "category": "areaScratches",
    "convertedImgSize": "1920x1200",
    "createdAt": 1652366073,
    "damageFamilyReviewed": True,
    "damagedParts": [
        {
            "cameraLocation": "roof",
            "cameraSide": "left",
            "carEnd": "front",
            "certainty": 0.8,
            "id": _id("e5f6"),
            "imageId": _id("c3d4"),
            "name": "wheel",
            "pictogram": {"name": "car_left.png", "x": 0.12, "y": 0.34},
            "points": _box(123, 456),
        }
    ],
    "falsePositives": {
        "fakeDamageLight": False,
        "fakePaintChips": False,
        "fakeScratches": False,
        "fakeWheelDamage": False,
        "notOnVehicle": False,
    },
    "familySize": 1,
    "fileName": "roofLeft_57.webp",
    "firstDamageId": _id("a1b2"),
    "id": _id("2c3d"),
    "imageId": _id("c3d4"),
    "imageSetId": _id("4e5f"),
    "limitedTenantFields": [{"isAvailable": True}],
    "partnerState": "accepted",
    "points": _box(123, 456),
    "potentialDamage": False,
    "processing": False,
    "proxPosCamera": 0,
    "proxPosFrame": 0,
    "proxPosSide": 0,
    "representativeId": _id("2c3d"),
    "size": {"height": 12.34, "width": 56.78},
    "state": "accepted",
    "timestamp": 1652366073,
    "truePositives": {
        "areaScratches": False,
        "cracks": False,
        "dentLight": False,
        "dents": False,
        "frontRearDamage": False,
        "lineScratches": False,
        "missingParts": False,
        "paintChips": False,
        "scratchesLight": False,
        "wheelDamage": False,
    },
    "confidence": 0.91,
    "modelVersion": "damage_detector 1.0.0",
    "polygon": [[0.064, 0.103], [0.238, 0.103], [0.238, 0.38], [0.064, 0.38]],
    "source": "model",
    "modifiedAt": "1652366073000000",
}
_META: Final = {"currentItemsPerPage": 10, "currentPage": 1, "lastPage": 1, "maxPerPage": 100, "totalItems": 1}

damages = extend_schema(
    operation_id="core_damages_list",
    tags=[TAG],
    summary="List damages",
    description=(
        "By image set (`imageSetId`: what stands on it), by car (`tenantId` and `registrationNo`: first occurrences) "
        "or by family (`returnFamilyOf`). Accepted and proposed damages are listed unless `filterByState` says "
        "otherwise; one representative per damage family unless `returnRepresentatives=false`.\n\n"
        "`category` is the damage's own word, `truePositives` what people confirmed. `points` are the corners of the "
        "damage's box in pixels of `convertedImgSize`. `confidence`, `modelVersion`, `polygon`, `source` and "
        "`modifiedAt` are ours, as are the numbers 0 for what is not measured (`size`). Paging is under `metadata` "
        "here.\n\n"
        "With `closestToImageSetId` and `closestToImageId` the potentially closest damages come first, whatever "
        "`sortBy` says: those of the image's camera, then of its side of the rig, then near frames, then by time. "
        "`proxPosCamera`, `proxPosSide` (0: the same, 1: another) and `proxPosFrame` (the distance) tell how near; the "
        "numbers are ours, and 0 in a list that was not asked for nearness.\n\n"
        "With `masterTenantAction=true` somebody who works in the power tenant of a group of tenants also sees the "
        "damages of its members, in the role they have in the power tenant (ours)."
    ),
    parameters=[DamageQuery],
    responses={
        200: answer(
            DamageList,
            "A page of damages.",
            {
                "success": True,
                "data": {"items": [DAMAGE]},
                "message": "Successfully fetched damages with related parts",
                "metadata": _META,
            },
        ),
        **refusals(400, 401, 403, 404),
    },
)

#: The vendor's sample of one damage; the last five keys are ours.
DETAIL: Final[dict[str, Any]] = {
    **{name: value for name, value in DAMAGE.items() if name not in {"damageFamilyReviewed", "partnerState"}},
    "firstDamageId": None,
    "isManualMatchingExecuted": True,
    "isNew": False,
    "isRecent": True,
    "limitedTenantFields": {"isAvailable": True},
}

#: The answer's entity tag, for `If-Match` of a change.
ETAG: Final = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200], description="*Ours.* The damage's version: `modifiedAt`."
)

damage = extend_schema(
    operation_id="core_damage_detail",
    tags=[TAG],
    summary="One damage",
    description=(
        "As in the list, without `damageFamilyReviewed` and `partnerState`. `isNew` (24 hours) and `isRecent` (120 "
        "hours) count from the recording of the damage's first occurrence. `isManualMatchingExecuted` (the meaning is "
        "ours): a person said what the damage is one with, or that its family is right. The vendor's `path` of a "
        f"pictogram is there where one is stored. {callers_text('W53')}"
    ),
    parameters=[ETAG],
    responses={
        200: answer(
            DamageDetail,
            "The damage.",
            {"success": True, "data": DETAIL, "message": "Fetched damage details successfully"},
        ),
        **refusals(401, 404),
    },
)
