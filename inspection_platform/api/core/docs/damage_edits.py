"""Reference of the calls that change damages."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.docs.damages import DAMAGE, ETAG, TAG
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.common import Done
from inspection_platform.api.core.serializers.damage_edits import (
    MOST,
    DamagesDelete,
    DamagesMerge,
    DamagesNew,
    DamagesPatch,
    Deleted,
    Patched,
)

_ONE: Final = "12345678-a1b2-a1b2-a1b2-123456789012"
_OTHER: Final = "12345678-c3d4-c3d4-c3d4-123456789012"
_GUARD: Final = (
    "All or nothing: an id that is not there answers 404 and is named, and nothing is changed. 409 while somebody else "
    "holds an image set whose damages would change, and after its review until it is reopened; `errors` then holds the "
    "current version of each damage concerned. Every change is recorded with who made it. Where a result was published "
    "already and no manual step is left, a new version of it follows (all ours). "
)

#: The vendor's sample of a body.
PATCH: Final[dict[str, Any]] = {
    "damages": [
        {"falsePositives": {"notOnVehicle": True}, "id": _ONE},
        {"firstDamageId": "12345678-abcd-abcd-abcd-123456789012", "id": _OTHER},
        {"id": "12345678-e5f6-e5f6-e5f6-123456789012", "partnerState": "rejected"},
        {"id": "12345678-0718-0718-0718-123456789012", "points": DAMAGE["points"]},
        {"id": "12345678-190a-190a-190a-123456789012", "potentialDamage": True},
        {"id": "12345678-2b3c-2b3c-2b3c-123456789012", "processing": True},
        {"id": "12345678-4d5e-4d5e-4d5e-123456789012", "state": "accepted"},
        {"id": "12345678-6f70-6f70-6f70-123456789012", "truePositives": {"areaScratches": True}},
        {"damageFamilyReviewed": True, "id": "12345678-190a-190a-190a-123456789012"},
        {"id": "12345678-190a-190a-190a-123456789012", "representativeId": "12345678-abcd-abcd-abcd-123456789012"},
    ]
}
#: The vendor's sample of a changed damage; `modifiedAt` is ours.
PATCHED: Final[dict[str, Any]] = {
    "falsePositives": DAMAGE["falsePositives"],
    "id": "12345678-abcd-abcd-abcd-123456789012",
    "partnerState": "rejected",
    "points": {"items": DAMAGE["points"]},
    "potentialDamage": False,
    "state": "rejected",
    "truePositives": DAMAGE["truePositives"],
    "modifiedAt": "1652366073000000",
}
#: The vendor's sample of a body.
CREATE: Final[dict[str, Any]] = {
    "damages": [
        {
            "carId": "12345678-abcd-abcd-abcd-123456789012",
            "falsePositives": DAMAGE["falsePositives"],
            "firstDamageId": "12345678-0e1f-0e1f-0e1f-123456789012",
            "imageId": "12345678-2031-2031-2031-123456789012",
            "imageSetId": "12345678-4253-4253-4253-123456789012",
            "points": DAMAGE["points"],
            "state": "accepted",
            "truePositives": DAMAGE["truePositives"],
        }
    ],
    "pictogramDamages": [
        {
            "imageSetId": "12345678-6475-6475-6475-123456789012",
            "new": True,
            "pictogramName": "car_front_180.png",
            "x": 0.12,
            "y": 0.34,
        }
    ],
}


def _body(value: dict[str, Any]) -> list[OpenApiExample]:
    return [OpenApiExample("Sample", value, request_only=True)]


damages_delete = extend_schema(
    operation_id="core_damages_delete",
    tags=[TAG],
    summary="Delete damages",
    description=(
        "Soft: `isDeleted=true` lists them. Of a family whose representative goes, the best other sighting represents "
        "it from then on; with `deleteRepresentatives=true` the families of the representatives among the ids go "
        "whole. Later sightings of a deleted first occurrence get the next earliest as `firstDamageId`. Annotators "
        "delete what they drew themselves. `ids` of the answer are all that were deleted (ours). "
        f"{_GUARD}{callers_text('W48')}"
    ),
    parameters=[DamagesDelete],
    responses={
        200: answer(
            Deleted,
            "They are deleted.",
            {"success": True, "data": {"ids": [_ONE, _OTHER]}, "message": "Successfully deleted damages"},
        ),
        **refusals(400, 401, 403, 404, 409),
    },
)

damages_patch = extend_schema(
    operation_id="core_damages_update",
    tags=[TAG],
    summary="Change damages",
    description=(
        f"Up to {MOST} changes in one transaction, each an id and at least one more property; several of one damage "
        "follow one another and are answered once. "
        "`state` is a decision: accepting confirms the category (its flag in `truePositives`) unless flags are given, "
        "rejecting takes confirmations back. `truePositives` and `falsePositives` hold the flags to change; the "
        "category follows the flags that are true. An accepted damage is no false positive and no potential one: "
        "what contradicts itself is refused. "
        "`representativeId` puts a damage into the family of another sighting of its image set; its own id, or that of "
        "a sighting of its family, chooses the representative; null makes it a damage of its own. `firstDamageId` is "
        "the first occurrence, a damage of the same car in an earlier image set; null: it is the first. One that is "
        "rejected, or made potential, makes way for the next earliest that stands, and takes its place again when that "
        "is taken back; until then it cannot be named (409). "
        "`damageFamilyReviewed` is said of the whole family. `partnerState` is accepted, rejected or null; "
        "`processing` is shown as it was set.\n\n"
        "Send the `modifiedAt` that you have read with a change, or `If-Match` with a single one, and a damage that "
        "somebody else changed meanwhile is refused: 409, with the current version in `errors`. Without it the "
        f"properties that you send are written over. {_GUARD}{callers_text('W50')}"
    ),
    parameters=[
        ETAG,
        OpenApiParameter(
            "If-Match", str, OpenApiParameter.HEADER, description="*Ours.* The version meant, for a single damage."
        ),
    ],
    request=DamagesPatch,
    responses={
        200: answer(
            Patched,
            "The damages as they are now.",
            {"success": True, "data": {"items": [PATCHED]}, "message": "Successfully updated damages"},
        ),
        **refusals(400, 401, 403, 404, 409),
    },
    examples=_body(PATCH),
)

damages_create = extend_schema(
    operation_id="core_damages_create",
    tags=[TAG],
    summary="Create damages",
    description=(
        "Damages that a person drew: on photos, accepted unless `state` says otherwise, and on the drawing of a car. "
        "The category is the first true flag of `truePositives`; without one the shape of the box tells lines from "
        f"areas (ours). At most {MOST} of either. {_GUARD}{callers_text('W51')}"
    ),
    request=DamagesNew,
    responses={
        200: answer(Done, "They are there.", {"success": True, "message": "Successfully created damages"}),
        **refusals(400, 401, 403, 404, 409),
    },
    examples=_body(CREATE),
)

damages_merge = extend_schema(
    operation_id="core_damages_merge",
    tags=[TAG],
    summary="Merge damages",
    description=(
        "They are one damage: a family within an image set, and across sets of one car the earliest that stands (is "
        "neither rejected nor potential) is the first occurrence of the others. What they were merged with before "
        "comes along. Damages of two cars are refused with 409. A merge can be taken back in the administration. "
        f"{_GUARD}{callers_text('W52')}"
    ),
    request=DamagesMerge,
    responses={
        200: answer(Done, "They are one.", {"success": True, "message": "Successfully merged unique damages"}),
        **refusals(400, 401, 403, 404, 409),
    },
    examples=_body({"damages": [_ONE, _OTHER]}),
)
