"""Reference of image sets."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.serializers.image_sets import ImageSetFound, ImageSetList, ImageSetQuery

TAG: Final = "core: image sets"
_ID: Final = "12345678-abcd-abcd-abcd-123456789012"

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

image_sets = extend_schema(
    operation_id="core_image_sets_list",
    tags=[TAG],
    summary="List image sets",
    description=(
        "The latest recorded first. `externalKey` is ours: it finds an inspection by the key under which another "
        "family's client knows it. Unknown parameters are refused (ours), so that no filter is ignored in silence."
    ),
    parameters=[ImageSetQuery],
    responses={
        200: answer(
            ImageSetList, "A page of image sets.", {"success": True, "data": {"items": [IMAGE_SET]}, "meta": META}
        ),
        **refusals(400, 401, 404),
    },
)

image_set = extend_schema(
    operation_id="core_image_sets_retrieve",
    tags=[TAG],
    summary="Show an image set",
    description="Also says which manual step the asker could begin now. `externalKey`, `status`, `reason` are ours.",
    parameters=[OpenApiParameter("image_set_id", OpenApiTypes.UUID, OpenApiParameter.PATH)],
    responses={
        200: answer(ImageSetFound, "The image set.", {"success": True, "data": _DETAIL}),
        **refusals(401, 404),
    },
)
