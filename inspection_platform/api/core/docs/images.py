"""Reference of images: list, address, removal; adding and submitting, which are ours."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.docs.image_sets import TAG as SETS
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.common import Done
from inspection_platform.api.core.serializers.images import (
    MOST_FILES,
    ImageFiles,
    ImageList,
    ImageRemoved,
    ImagesAdded,
    ImagesAnnounced,
    ImageSetSubmitted,
    ImagesQuery,
    ImagesSubmit,
)

TAG: Final = "core: images"
_ID: Final = "12345678-abcd-abcd-abcd-123456789012"
_IMAGE_PATH: Final = [OpenApiParameter("image_id", OpenApiTypes.UUID, OpenApiParameter.PATH)]
_SET_PATH: Final = [OpenApiParameter("image_set_id", OpenApiTypes.UUID, OpenApiParameter.PATH)]
_FOLDERS: Final = "12345678-a1b2-a1b2-a1b2-123456789012/12345678-c3d4-c3d4-c3d4-123456789012"

#: The vendor's sample of a removed image, as one that stands; `thumbnails` and `quality` are ours.
IMAGE: Final[dict[str, Any]] = {
    "camera": "topRight",
    "convertedSize": "1920x1200",
    "createdAt": 755350172,
    "deletedAt": None,
    "fileName": "topRight_23.webp",
    "generatedBy": "frameSelection",
    "hasDamages": True,
    "id": "12345678-abcd-abcd-abcd-123456789012",
    "imageSetId": _ID,
    "key": f"video_frames/{_FOLDERS}/1920x1200/topRight_23.webp",
    "limitedTenantFields": {"isAvailable": True},
    "parentType": "imagesets",
    "size": {"height": 1200, "width": 1920},
    "softDeleted": {"timestamp": None, "userId": None},
    "tenantId": "12345678-abcd-abcd-abcd-123456789012",
    "thumbnails": {
        "small": "https://inspections.example.com/files/signed",
        "large": "https://inspections.example.com/files/signed",
    },
    "quality": {
        "flags": ["too_dark"],
        "reasons": ["It is too dark: more light, or the flash, would help."],
        "scores": {"sharpness": 0.9, "light": 0.4, "contrast": 1, "resolution": 1, "vehicle": 0.99, "view": 0.97},
        "view": "front_left",
    },
}
_HERE: Final[dict[str, Any]] = {
    "camera": "topRight",
    "fileName": "right.jpg",
    "id": _ID,
    "isNew": True,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "state": "stored",
    "upload": None,
    "uploadId": "12345678-abcd-abcd-abcd-123456789013",
}
_TO_COME: Final[dict[str, Any]] = {
    **_HERE,
    "id": None,
    "sha256": None,
    "state": "announced",
    "upload": {
        "url": "https://inspections.example.com/uploads/signed",
        "fields": {
            "Content-Type": "image/jpeg",
            "key": "announced/12345678-abcd-abcd-abcd-123456789012/12345678-abcd-abcd-abcd-123456789013",
            "policy": "eyJleHBpcmF0aW9uIjog...",
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "x-amz-credential": "inspection-platform/20260301/local/s3/aws4_request",
            "x-amz-date": "20260301T080000Z",
            "x-amz-signature": "7d9f...",
        },
    },
}


def _added(item: dict[str, Any]) -> dict[str, Any]:
    data = {"items": [item]}
    return {"success": True, "data": data, "message": "Successfully added images", "expiresIn": 900}


images = extend_schema(
    operation_id="core_images_list",
    tags=[TAG],
    summary="List the images of an image set",
    description=(
        "All images that stand, in the order of the set, without pages. `fileName` is `<camera>_<frame>.webp` for what "
        "a rig's camera saw (the place in the set for photos), else the name as sent; `key` is only told for clients "
        "that expect one. `hasDamages` means a damage that lists show by default. The addresses in `thumbnails` are "
        f"signed and end after five minutes (ours). {callers_text('W65')}"
    ),
    parameters=[ImagesQuery],
    responses={
        200: answer(ImageList, "The images.", {"success": True, "data": {"items": [IMAGE]}}),
        **refusals(400, 401, 403, 404),
    },
)

image = extend_schema(
    operation_id="core_images_read",
    tags=[TAG],
    summary="Get to the picture of an image",
    description=(
        "302 to a signed address of the published picture (JPEG, upright, without metadata, faces blurred where that "
        "is wanted), which ends after five minutes; never to the file as received. 409 while nothing is published "
        f"(ours). {callers_text('W67')}"
    ),
    parameters=_IMAGE_PATH,
    responses={
        302: OpenApiResponse(
            Done,
            "`Location` has the address.",
            [
                OpenApiExample(
                    "Success",
                    {"success": True, "message": "URL to the content in the Location header"},
                    response_only=True,
                )
            ],
        ),
        **refusals(401, 403, 404, 409),
    },
)

image_delete = extend_schema(
    operation_id="core_images_delete",
    tags=[TAG],
    summary="Remove an image",
    description=(
        "With the damages on it; an admin can bring both back. Damages seen again later begin with the next earliest "
        "sighting, and a published result is published anew. 409 while somebody else works on the set, after its "
        f"review until it is reopened, in the pipeline and under dispute (all ours). {callers_text('W66')}"
    ),
    parameters=_IMAGE_PATH,
    responses={
        200: answer(
            ImageRemoved,
            "It is removed.",
            {"success": True, "data": {"id": _ID}, "message": "Image deleted successfully"},
        ),
        **refusals(401, 403, 404, 409),
    },
)

images_add = extend_schema(
    operation_id="core_image_sets_images_add",
    tags=[SETS],
    summary="Add images to an image set",
    description=(
        "*Ours: the contract leaves open how images come to a set.* Until the set is submitted, by either of two ways, "
        f"at most {MOST_FILES} files in one call and 500 in a set:\n\n"
        "* `multipart/form-data` with the photos and videos themselves as `files`, and perhaps the `camera` of each in "
        "the same order. Each is judged by extension, declared type and content at once: what is truncated, disguised "
        "or too large is refused with all others of the call, and named in `errors.files`.\n"
        "* JSON that announces them. Each gets a form: post it as `multipart/form-data` to `upload.url` within "
        "`expiresIn` seconds, all `fields` unchanged, then the content as `file`; 204 is success. With an object store "
        "the file goes there (SigV4 policy with type and size), is looked at when the set is submitted and judged in "
        "the pipeline; otherwise it is judged when it arrives (400). A form that was changed or is over is 403.\n\n"
        "The same content is in a set once: sent again, in either way with its SHA-256, it is told with `isNew: "
        f"false`, so a call that got lost can be repeated. 409 once the set is submitted. {callers_text('W55-images')}"
    ),
    parameters=_SET_PATH,
    request={"application/json": ImagesAnnounced, "multipart/form-data": ImageFiles},
    examples=[
        OpenApiExample(
            "Announced",
            {"files": [{"fileName": "right.jpg", "contentType": "image/jpeg", "size": 2500000, "camera": "topRight"}]},
            request_only=True,
            media_type="application/json",
        ),
        OpenApiExample(
            "Files",
            {"files": ["(binary)"], "camera": ["topRight"]},
            request_only=True,
            media_type="multipart/form-data",
        ),
    ],
    responses={
        200: OpenApiResponse(
            ImagesAdded,
            "The files, in the order of the request.",
            [
                OpenApiExample("Stored", _added(_HERE), response_only=True),
                OpenApiExample("Announced", _added(_TO_COME), response_only=True),
            ],
        ),
        **refusals(400, 401, 403, 404, 409),
    },
)

image_set_submit = extend_schema(
    operation_id="core_image_sets_submit",
    tags=[SETS],
    summary="Submit an image set",
    description=(
        "*Ours.* No more images: the set goes into the pipeline. 409 if it was submitted before, or has no image; and, "
        "named in `errors`, while files that were announced have not arrived or cannot be photos or videos: upload "
        f"them again, or say `leaveOut`. {callers_text('W55-submit')}"
    ),
    parameters=_SET_PATH,
    request=ImagesSubmit,
    examples=[OpenApiExample("Submit", {"leaveOut": False}, request_only=True)],
    responses={
        200: answer(
            ImageSetSubmitted,
            "It is in the pipeline.",
            {
                "success": True,
                "data": {"id": _ID, "status": "processing"},
                "message": "Successfully submitted image set",
            },
        ),
        **refusals(400, 401, 403, 404, 409),
    },
)
