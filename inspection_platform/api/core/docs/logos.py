"""Reference of logos."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.logos import LogoForm, LogoList, LogoNew, LogosQuery

TAG: Final = "core: logos"
_TENANT: Final = "af91c000-af7e-4adb-a10c-204bfffcd400"

#: The vendor's samples; its `items` are empty, and what is in them here is ours, as is `url`.
LOGOS: Final[dict[str, Any]] = {
    "success": True,
    "data": {
        "items": {_TENANT: {"54x54": "https://inspections.example.com/files/signed", "100x100": None}},
        "tenantNames": {_TENANT: "tenant_name"},
    },
    "message": "Images list",
}
FORM: Final[dict[str, Any]] = {
    "success": True,
    "data": {
        "fields": {
            "AWSAccessKeyId": "CSDASDASDASDASD",
            "Content-Type": "image/jpeg",
            "acl": "bucket-owner-full-control",
            "key": "cb5c706b-5006adff653eb-image.jpeg",
            "policy": "CVCVCVCVCVCV",
            "signature": "CVCVCVCVC",
            "x-amz-security-token": "XCXCXCXCXC",
        },
        "url": "https://inspections.example.com/uploads/signed",
    },
    "message": "Pre-signed URL successfully created",
}

logos = extend_schema(
    operation_id="core_logos_list",
    tags=[TAG],
    summary="List the logos of tenants",
    description=(
        "By tenant and size the signed address of a PNG, good for an hour; null where there is none. A tenant that the "
        f"asker may not know is 404 (ours). {callers_text('W68')}"
    ),
    parameters=[LogosQuery],
    responses={200: answer(LogoList, "The logos.", LOGOS), **refusals(400, 401, 403, 404)},
)

logo_create = extend_schema(
    operation_id="core_logos_create",
    tags=[TAG],
    summary="Prepare the upload of a logo",
    description=(
        "Post the form as `multipart/form-data` to `url` within 15 minutes: all `fields` unchanged, then the picture "
        "as `file`, at most 500,000 bytes. 204 is success: the logo of that size is replaced. A picture of other sizes "
        "than 54x54 and 100x100, or whose content is no PNG, JPEG or WebP, is refused with 400, a form that was "
        "changed or is over with 403 (all ours). The tenant may be named `tenantId` or `tenant`; without it, it is the "
        f"one worked in. {callers_text('W69')}"
    ),
    request=LogoNew,
    examples=[OpenApiExample("Logo", {"fileName": "image.jpg", "tenantId": _TENANT}, request_only=True)],
    responses={200: answer(LogoForm, "The form.", FORM), **refusals(400, 401, 403, 404)},
)
