"""Reference of image sets."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.auth import Switched
from inspection_platform.api.core.serializers.image_set_edits import (
    ImageSetChange,
    ImageSetClaims,
    ImageSetCreate,
    ImageSetRedirect,
)
from inspection_platform.api.core.serializers.image_sets import (
    ImageSetAdded,
    ImageSetChanged,
    ImageSetFound,
    ImageSetIds,
    ImageSetList,
    ImageSetQuery,
    ImageSetRemoved,
    ImageSetsClaimed,
    NewDamagesFound,
)

TAG: Final = "core: image sets"
_ID: Final = "12345678-abcd-abcd-abcd-123456789012"
_ADDED: Final = "Successfully added new image set"
_REMOVED: Final = "The image set is removed"

#: The vendor's sample; the last three keys are ours.
IMAGE_SET: Final[dict[str, Any]] = {
    "appraisalId": _ID,
    "carId": _ID,
    "carInfo": {
        "color": "blue",
        "displacement": 827.755772596854,
        "fuel": "diesel",
        "gear": "manual",
        "kW": 351,
        "mileage": 93502697.9995856,
        "model": "Subaru Outback",
        "registrationNo": "NO#ABC123",
        "vin": "6EXVZHHV7LN1UEH3Z",
        "year": 2018,
    },
    "createdAt": 755350172,
    "hasImages": False,
    "id": _ID,
    "limitedTenantFields": {"isAvailable": False, "isTriggered": False},
    "manualProcessing": {
        "annotationEnabled": False,
        "annotationTime": 192822572,
        "annotatorDamagesDeletedByReviewer": [_ID],
        "createdAt": 722794885,
        "damagesAddedByAnnotator": [_ID],
        "damagesAddedByReviewer": [_ID],
        "isSkipped": True,
        "lastAnnotationLockTime": 1617373655,
        "lastAnnotatorId": _ID,
        "lastReviewLockTime": 1382423257,
        "lastReviewerId": _ID,
        "reviewEnabled": True,
        "reviewTime": 614231073,
        "status": 2,
    },
    "mlProcessing": {
        "damageIdentificationFinished": True,
        "dmgDetectProcessing": True,
        "dmgDetectTimestamp": 172049855,
    },
    "origin": {"id": _ID, "label": "pickup", "location": "Norway", "name": "random-name", "type": "device"},
    "passageId": _ID,
    "pipeline": "{('damage_identification', 1): [('start', 0)], ('start', 0): None}",
    "recDate": 121270608,
    "relatedImageSetId": _ID,
    "tenantId": _ID,
    "externalKey": "in123420250909153012",
    "status": "ready",
    "reason": "",
}
_DETAIL: Final = {
    **IMAGE_SET,
    "manualProcessing": {
        **IMAGE_SET["manualProcessing"],
        "manualAnnotationAvailable": False,
        "manualReviewAvailable": False,
    },
}
META: Final = {"currentItemsPerPage": 10, "currentPage": 1, "lastPage": 1, "maxPerPage": 100, "totalItems": 1}

_PATH: Final = [OpenApiParameter("image_set_id", OpenApiTypes.UUID, OpenApiParameter.PATH)]
_NEW: Final[dict[str, Any]] = {
    "countryCode": "DK",
    "deviceSetId": "00000000-af9c-4f98-b2dc-c3cfed110000",
    "recDate": "1669982152",
    "registrationNo": "KL9802",
    "tenantId": "f71e2466-af9c-4f98-b2dc-c3cfed1165f5",
    "vin": "JH4KA8162MC010197",
}
_PAIRS: Final = [{"id": _ID, "registrationNo": "NO#ABC123"}]
_OTHER: Final = "12345678-wxyz-wxyz-wxyz-123456789012"

image_sets = extend_schema(
    operation_id="core_image_sets_list",
    tags=[TAG],
    summary="List image sets, or get the next job",
    description=(
        "The latest recorded first (ours). All filters given must hold. Sets that wait for their tenant are listed "
        "with `unassignedItems=true`, for the tenant that is the default of the units that recorded them. With "
        "`groupByRegistrationNo` each plate is there once, with its latest set among those that the filters leave; "
        "`damagesInLatestPassage` is a number, and sets without a plate are in no group (ours). `haveImages=false` and "
        "`haveNewDamagesDetected=false` narrow nothing (ours).\n\n"
        "`forManualAnnotation` (annotators) and `forManualReview` (reviewers) return exactly one job of the tenant "
        "worked in, locked for the asker: their own open one, else the next by the capture set's priority and by age, "
        "with `isManualProcessingSkipped=true` one that was skipped; no item if there is none. It is the one GET that "
        "writes: it is never cached, and a HEAD gets nothing. Both together, or other filters beside them, are refused "
        "(ours).\n\n"
        "`externalKey` is ours: it finds an inspection by the key under which another family's client knows it. "
        f"Unknown parameters are refused (ours), so that no filter is ignored in silence. {callers_text('W54')}"
    ),
    parameters=[ImageSetQuery],
    responses={
        200: answer(
            ImageSetList, "A page of image sets.", {"success": True, "data": {"items": [IMAGE_SET]}, "meta": META}
        ),
        **refusals(400, 401, 403, 404),
    },
)

image_set_create = extend_schema(
    operation_id="core_image_sets_create",
    tags=[TAG],
    summary="Add an image set for images that come later",
    description=(
        "The set is the tenant's, whatever its photos will show. The tenant's car with this plate is linked; a plate "
        "that nobody has registered is noted; one of another tenant's car is refused with 409 (ours). `deviceSetId` "
        "names a capture set that the tenant sees, virtual or not. `recDate` is text with Unix seconds; ISO 8601 with "
        "an offset is taken too, without it the recording is now, and the future is refused, five minutes for the "
        f"clocks aside (ours). Return and pickup of a car find each other: see "
        f"`relatedImageSetId`. {callers_text('W55')}"
    ),
    request=ImageSetCreate,
    responses={
        200: answer(ImageSetAdded, "Its id.", {"success": True, "data": {"items": [{"id": _ID}]}, "message": _ADDED}),
        **refusals(400, 401, 404, 409),
    },
    examples=[OpenApiExample("Add", _NEW, request_only=True)],
)

image_sets_claim = extend_schema(
    operation_id="core_image_sets_claim",
    tags=[TAG],
    summary="Take image sets that wait for their tenant",
    description=(
        "For the tenant worked in: each set with the plate of the car that it shows, which replaces what was read. All "
        "of them or none, at most 100 (ours). 404 for a set that does not wait or that nobody of the tenant sees; 409 "
        "for "
        "a plate that is not one of the tenant's cars (register the car first), and for a recording of units that do "
        f"not record for the tenant (ours). {callers_text('W56')}"
    ),
    request=ImageSetClaims,
    responses={
        200: answer(ImageSetsClaimed, "The same pairs.", {"success": True, "data": _PAIRS}),
        **refusals(400, 401, 404, 409),
    },
    examples=[OpenApiExample("Take", {"imageSets": _PAIRS}, request_only=True)],
)

image_sets_new_damages = extend_schema(
    operation_id="core_image_sets_new_damages",
    tags=[TAG],
    summary="Tell how new the damages of image sets are",
    description=(
        "New: seen for the first time within 24 hours; recent: within 120. It counts from the recording of the first "
        f"occurrence, be it in an earlier set. At most 100 sets (ours). {callers_text('W58')}"
    ),
    parameters=[ImageSetIds],
    responses={
        200: answer(
            NewDamagesFound,
            "By the ids of the sets.",
            {
                "success": True,
                "data": {
                    _ID: {"hasNewDamages": True, "hasRecentDamages": True},
                    _OTHER: {"hasNewDamages": False, "hasRecentDamages": True},
                },
                "message": "Successfully checked if imageSets have new / recent damages",
            },
        ),
        **refusals(400, 401, 404),
    },
)

image_sets_redirect = extend_schema(
    operation_id="core_image_sets_redirect",
    tags=[TAG],
    summary="Work in a tenant that sees these image sets",
    description=(
        "One of the user's tenants that sees all of the sets, the one worked in if it does: the answer is that of a "
        "change of tenant. 404 if none sees them all; 401 for a refresh token that is not the caller's own (both "
        f"ours). {callers_text('W59')}"
    ),
    request=ImageSetRedirect,
    responses={
        200: answer(
            Switched,
            "A fresh idToken.",
            {
                "success": True,
                "data": {
                    "accessToken": "(deprecated)",
                    "currentTenant": "3bfd3a56-c2ea-41e5-92c3-aa295b24637b",
                    "expiresIn": 3600,
                    "idToken": "eyJhbGciOiCJ9.eyJzdWIIiwiaTE2MjM5MDIyfQ.SflKSMeKKF2Qssw5ce",
                    "tokenType": "Bearer",
                },
            },
        ),
        **refusals(400, 401, 404),
    },
    examples=[
        OpenApiExample("Redirect", {"imageSetIds": [_ID], "refreshToken": "eysdaJhbGciOiCJ9.eyJ"}, request_only=True)
    ],
)

image_set = extend_schema(
    operation_id="core_image_sets_retrieve",
    tags=[TAG],
    summary="Show an image set",
    description=(
        "Also says which manual step the asker could begin now. `externalKey`, `status`, `reason` are ours. "
        f"{callers_text('W60')}"
    ),
    parameters=_PATH,
    responses={
        200: answer(ImageSetFound, "The image set.", {"success": True, "data": _DETAIL}),
        **refusals(401, 404),
    },
)

image_set_update = extend_schema(
    operation_id="core_image_sets_update",
    tags=[TAG],
    summary="Change what is said of an image set",
    description=(
        "What is not named stays; null takes back what was said, and then what the register knows shows again (ours). "
        "`registrationNo` can be said of a set that has no car yet, and links the tenant's car of that plate; another "
        "plate than its car's, or another tenant's, is refused with 409. Keys that are not known are refused (ours). "
        f"{callers_text('W61')}"
    ),
    parameters=_PATH,
    request=ImageSetChange,
    responses={
        200: answer(ImageSetChanged, "Its id.", {"success": True, "data": {"id": _ID}}),
        **refusals(400, 401, 404, 409),
    },
    examples=[
        OpenApiExample("Change", {"carInfo": IMAGE_SET["carInfo"], "partnerState": "reviewed"}, request_only=True)
    ],
)

image_set_delete = extend_schema(
    operation_id="core_image_sets_delete",
    tags=[TAG],
    summary="Remove an image set with its damages",
    description=(
        "Softly: admins can restore both. What the models are doing with it is stopped. 409 while somebody else works "
        "on it, and while it is under dispute (ours). A damage that was first seen here is first seen in the next "
        "earliest set from then on, and what was published of the sets concerned goes out anew (ours). "
        f"{callers_text('W33')}"
    ),
    parameters=_PATH,
    responses={
        200: answer(ImageSetRemoved, "Its id.", {"success": True, "data": {"id": _ID}, "message": _REMOVED}),
        **refusals(401, 403, 404, 409),
    },
)
