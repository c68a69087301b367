"""What the public API reference says about this family. *Ours* marks what the vendor's own pages leave open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiCallback,
    OpenApiExample,
    OpenApiRequest,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers

from inspection_platform.api.inspektlabs import errors
from inspection_platform.api.inspektlabs.errors import Answer
from inspection_platform.api.inspektlabs.presenters import result_json
from inspection_platform.api.inspektlabs.serializers import (
    FilesSerializer,
    KeySerializer,
    RefreshSerializer,
    UrlsSerializer,
)
from tenants.services.idempotency import AT_WORK, OTHER_REQUEST

TAG: Final = "Inspektlabs-shaped"
_SESSION: Final = "in123420250909153012"
_JWT: Final = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9..."


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The bearer token of this family."""

    target_class = "inspection_platform.api.inspektlabs.authentication.TokenAuthentication"
    name = "inspektlabsToken"

    def get_security_definition(self, _auto_schema: object) -> dict[str, str]:
        """The entry among the security schemes."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access_token` or the `refresh_token` (either is accepted; *ours*). The first lives "
            "an hour, the other a day (*ours*); both die with the API key.",
        }


_ERROR = inline_serializer(
    "InspektlabsError",
    {
        "status": serializers.CharField(default="error"),
        "message": serializers.CharField(),
        "id": serializers.CharField(required=False, help_text="The session of the request."),
        "case_id": serializers.CharField(required=False),
        "files": serializers.ListField(
            child=inline_serializer(
                "InspektlabsFileFault", {"name": serializers.CharField(), "reason": serializers.CharField()}
            ),
            required=False,
            help_text="Ours: the files at fault, each with a sentence that says why.",
        ),
        "fields": serializers.ListField(
            child=serializers.CharField(), required=False, help_text="Ours: the required fields that are missing."
        ),
    },
)


def _refusals(answers: Sequence[tuple[Answer, str]]) -> dict[int, OpenApiResponse]:
    """One response a status, with an example for each text that is sent with it."""
    statuses = sorted({answer.status for answer, _ in answers})
    return {status: _refusal([pair for pair in answers if pair[0].status == status]) for status in statuses}


def _refusal(answers: Sequence[tuple[Answer, str]]) -> OpenApiResponse:
    examples = [
        OpenApiExample(
            answer.message, value={"status": "error", "message": answer.message}, summary=when, response_only=True
        )
        for answer, when in answers
    ]
    return OpenApiResponse(_ERROR, description="; ".join(when for _, when in answers), examples=examples)


def _answer(
    name: str, fields: dict[str, serializers.Field[Any, Any, Any, Any]], example: dict[str, str]
) -> OpenApiResponse:
    return OpenApiResponse(
        inline_serializer(name, fields), examples=[OpenApiExample(name, value=example, response_only=True)]
    )


_KEY_EXAMPLE = OpenApiExample("key", value={"key": "your-api-key"}, request_only=True)

authenticate = extend_schema(
    tags=[TAG],
    operation_id="inspektlabs_authenticate",
    summary="Exchange an API key for a session and tokens",
    description="The session takes one upload. `client_id` is accepted and changes nothing (*ours*).",
    auth=[],
    request=KeySerializer,
    examples=[_KEY_EXAMPLE],
    responses={
        200: _answer(
            "InspektlabsSession",
            {
                "session": serializers.CharField(),
                "access_token": serializers.CharField(),
                "refresh_token": serializers.CharField(),
            },
            {"session": _SESSION, "access_token": _JWT, "refresh_token": _JWT},
        ),
        **_refusals(
            [
                (errors.KEY_MALFORMED, "The key is missing or malformed"),
                (errors.KEY_REFUSED, "The key is not known, has expired or was revoked"),
                (errors.UNEXPECTED, "Anything unexpected"),
                (errors.METHOD_NOT_ALLOWED, "Another method than POST"),
            ]
        ),
    },
)

get_token = extend_schema(
    tags=[TAG],
    operation_id="inspektlabs_get_token",
    summary="Exchange an API key for an access token",
    description="Clients of this call bring sessions of their own: any name of up to 100 letters, digits, `.`, `_` and "
    "`-` is accepted once (*ours*).",
    auth=[],
    request=KeySerializer,
    examples=[_KEY_EXAMPLE],
    responses={
        200: _answer("InspektlabsToken", {"access_token": serializers.CharField()}, {"access_token": _JWT}),
        **_refusals(
            [
                (errors.TOKEN_KEY_MISSING, "The key is missing"),
                (Answer(400, "Invalid data: <reason>"), "The body is malformed"),
                (errors.TOKEN_UNEXPECTED, "Anything unexpected"),
                (errors.TOKEN_KEY_REFUSED, "The key is not known"),
                (errors.TOKEN_KEY_BLOCKED, "The key was revoked or has expired"),
                (errors.METHOD_NOT_ALLOWED, "Another method than POST"),
            ]
        ),
    },
)

refresh = extend_schema(
    tags=[TAG],
    operation_id="inspektlabs_token_refresh",
    summary="Renew the tokens (ours)",
    description="*Ours*, since the vendor names no path. Takes either kind of token under any of the three names. "
    "Nothing is renewed beyond a day after authentication.",
    auth=[],
    request=RefreshSerializer,
    examples=[OpenApiExample("refresh", value={"refresh_token": _JWT}, request_only=True)],
    responses={
        200: _answer(
            "InspektlabsTokens",
            {"access_token": serializers.CharField(), "refresh_token": serializers.CharField()},
            {"access_token": _JWT, "refresh_token": _JWT},
        ),
        **_refusals(
            [
                (errors.FIELD_MISSING, "No token was sent"),
                (errors.TOKEN_INVALID, "The token is not valid (any more)"),
                (errors.UNEXPECTED, "Anything unexpected"),
                (errors.METHOD_NOT_ALLOWED, "Another method than POST"),
            ]
        ),
    },
)

_FACTS: Final = {
    "status": "available",
    "reason": "",
    "inspection_id": _SESSION,
    "case_id": "case_001",
    "metadata": {"customerName": "John Doe"},
    "agent_id": "a-7",
    "agent_name": "Ada",
    "upload_status": "complete upload",
    "damage_detection": "done",
    "models": [{"name": "damage_detector", "version": "1.0.0", "sha256": ""}],
    "images": [
        {
            "id": "1",
            "position": 1,
            "frame": 0,
            "name": "image1.jpg",
            "extension": ".jpg",
            "original_id": "",
            "source_url": "",
            "width": 1280,
            "height": 853,
            "published": "example.jpg",
        }
    ],
    "refused": [],
    "damages": [
        {
            "representative_id": "7b0d1d84-55a5-44c8-92b0-5a9a8e2b1a01",
            "image_id": "1",
            "category": "lineScratches",
            "polygon": [[0.1, 0.2], [0.3, 0.2], [0.3, 0.5], [0.1, 0.5]],
            "confidence": 0.81,
        }
    ],
}
_REJECTION: Final = {**_FACTS, "status": "rejected", "reason": "Corrupt media: none of the photos could be decoded."}


def _example_url(key: str) -> str:
    return f"https://inspections.example.com/files/{key}"


_RESULT: Final = OpenApiCallback(
    "result",
    "{$request.body#/callback_url}",
    decorator=extend_schema(
        summary="The result",
        description="""Sent once the inspection is processed, and again (as a whole) after a person corrected it. What
nobody measured says `"NA"`, `""`, `0`, `{}` or `[]`. Addresses of photos are valid for seven days.

*Ours*: frames of a video are named `<session>-<position>-<frame>.jpg`; `originalImageId` is your `original_Id`, else
the file's name; `inputMetaData` repeats yours; a damage drawn by a person has the confidence 1; `damageType` uses the
five names that were seen on the wire.""",
        request={
            "application/json": OpenApiRequest(
                OpenApiTypes.OBJECT,
                examples=[
                    OpenApiExample("available", value=result_json(_FACTS, url_for=_example_url)),
                    OpenApiExample("rejected", value=result_json(_REJECTION, url_for=_example_url)),
                ],
            )
        },
        responses={200: OpenApiResponse(description="Any 2xx ends the delivery; 410 ends it for good.")},
    ),
)

upload = extend_schema(
    callbacks=[_RESULT],
    tags=[TAG],
    operation_id="inspektlabs_upload",
    summary="Upload an inspection by files or by addresses",
    description="""Takes the photos or the video of one inspection. The answer is immediate; the result is POSTed to
`callback_url`, or else to the webhook configured for you, and signed (`webhook-id`, `webhook-timestamp`,
`webhook-signature` of Standard Webhooks; *ours*). Other than 2xx is tried again twice, an hour apart.

* At most 99 files: `.jpg .jpeg .png .jfif .heic` or `.mp4 .webm .mov .mkv .avi`, never both kinds in one request.
* A video is larger than 1 MB and smaller than 100 MB, a photo at most 30 MB and 100 megapixels (photos: *ours*;
  1 MB is 1,000,000 bytes, *ours*).
* A file is judged by extension, declared type and content, in this order (*ours*); `application/octet-stream` declares
  nothing. A broken or disguised file is refused at once and named in `files`.
* The session takes one upload; a refused request does not use it up (*ours*). A name of your own is accepted once.
* Addresses are fetched after the answer. One whose path has an extension must have one of the list. `auth` is sent as a
  bearer token to the given hosts only. Addresses that fail later make the result `incomplete upload`.
* Only accepted requests count against the quota (*ours*).

Rules are asked in the order: form of the fields, session, number of files, extensions, declared types, mixing, video
size, addresses, `callback_url`, content, quota.""",
    request={"multipart/form-data": FilesSerializer, "application/json": UrlsSerializer},
    examples=[
        OpenApiExample(
            "files",
            media_type="multipart/form-data",
            value={
                "type": "file",
                "session": _SESSION,
                "case_id": "case_001",
                "files": ["image1.jpg", "image2.png"],
                "email_id": "test@example.com",
                "callback_url": "https://client.example/callback",
            },
            request_only=True,
        ),
        OpenApiExample(
            "urls",
            media_type="application/json",
            value={
                "type": "urls",
                "session": _SESSION,
                "case_id": "case_001",
                "urls": ["https://example.com/img1.jpg", "https://example.com/img2.jpg"],
                "url_pairs": [["https://example.com/img3.jpg", "https://example.com/img4.jpg"]],
                "original_Id": ["side", "front_back"],
                "original_pair_Id": ["back"],
                "callback_url": "https://client.example/callback",
                "inputMetaData": {"customerName": "John Doe", "model": "Toyota Corolla"},
            },
            request_only=True,
        ),
    ],
    responses={
        200: _answer(
            "InspektlabsAccepted",
            {
                "status": serializers.CharField(),
                "id": serializers.CharField(),
                "message": serializers.CharField(allow_blank=True),
                "case_id": serializers.CharField(),
            },
            {"status": "success", "id": _SESSION, "message": "", "case_id": "case_001"},
        ),
        **_refusals(
            [
                (errors.TOO_MANY_IMAGES, "More than 99 files"),
                (
                    errors.INVALID_FILE_TYPE,
                    "An extension is not on the list, or a file's content is broken or disguised",
                ),
                (errors.VIDEO_TOO_SMALL, "A video of 1 MB or less"),
                (errors.VIDEO_TOO_LARGE, "A video of 100 MB or more (ours)"),
                (errors.MIXED_MEDIA, "Photos and videos in one request (ours)"),
                (errors.PAIR_SIZE, "A pair that is not of two photos (ours)"),
                (errors.CALLBACK_MISSING, "Neither callback_url nor a configured webhook"),
                (errors.SESSION_USED, "The session has taken an upload already"),
                (errors.FIELD_MISSING, "A required field is missing"),
                (Answer(400, "Invalid data: <reason>"), "A field has an impossible value (ours)"),
                (errors.TOKEN_INVALID, "The token is missing or not valid"),
                (errors.UNEXPECTED, "Anything unexpected"),
                (errors.METHOD_NOT_ALLOWED, "Another method than POST"),
                (errors.UNSUPPORTED_TYPE, "The declared type of a file, or of the body, is another one"),
                (Answer(409, OTHER_REQUEST), "The Idempotency-Key stands for another request (ours)"),
                (Answer(409, AT_WORK), "The first request under the Idempotency-Key is at work (ours)"),
                (errors.QUOTA_EXCEEDED, "The month's quota is used up"),
                (errors.WINDOW_CLOSED, "Outside the service window"),
            ]
        ),
    },
)
