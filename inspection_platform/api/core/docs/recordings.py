"""Reference of recordings."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.recordings import RecordingCameraFound, RecordingFound, RecordingStart
from tenants.catalogue import CAMERAS

TAG: Final = "core: recordings"
_PASSAGE: Final = "aeb1ee46-8f04-4a53-8ff0-8f57a4a2f41d"
_URL: Final = f"https://inspections.example/core/v1/recordings/{_PASSAGE}/cameras/"
_PATH: Final = [OpenApiParameter("passage_id", OpenApiTypes.UUID, OpenApiParameter.PATH)]
_CAMERA_PATH: Final = [*_PATH, OpenApiParameter("camera", str, OpenApiParameter.PATH, enum=list(CAMERAS))]
_TOLD: Final = [
    OpenApiParameter("Upload-Offset", int, OpenApiParameter.HEADER, response=[200], description="Bytes that are here."),
    OpenApiParameter(
        "Upload-Complete",
        str,
        OpenApiParameter.HEADER,
        response=[200],
        enum=["?0", "?1"],
        description="`?1` if the whole file is here.",
    ),
]


def _camera(name: str, offset: int, *, is_stored: bool) -> dict[str, Any]:
    return {"camera": name, "isStored": is_stored, "offset": offset, "url": f"{_URL}{name}"}


def _recording(*cameras: dict[str, Any], is_complete: bool = False) -> dict[str, Any]:
    data = {"passageId": _PASSAGE, "recDate": 1763793814, "isComplete": is_complete, "cameras": list(cameras)}
    return {"success": True, "data": data}


_SIZE: Final = 20_971_520
_WHOLE: Final = (_camera("bottomLeft", _SIZE, is_stored=True), _camera("topLeft", _SIZE, is_stored=True))

recording_begin = extend_schema(
    operation_id="core_recordings_create",
    tags=[TAG],
    summary="Begin to record a passage",
    description=(
        "*Ours, as all of this resource.* Each unit of a rig says which of its cameras a file will come of, sends "
        "each file to its address, and completes. The same `passageId` again is the same recording, and tells where "
        "to go on; so whoever was cut off begins here. Without `passageId` an Idempotency-Key makes that safe, and "
        "the other unit has to be told the one in the answer. When every enrolled unit of the rig is done, the image "
        "set is opened and goes to the models; a unit that sends nothing for ten minutes (as installed) is not waited"
        " for, and what it sends later is refused with 409. The set belongs to nobody until the plate on it says "
        "whose it is. 404 for a passage of another rig; 409 for a camera that the other unit records, and for a "
        "further camera of a "
        f"recording that is complete. {callers_text('D1')}"
    ),
    request=RecordingStart,
    responses={
        200: answer(
            RecordingFound,
            "The recording, with an address for each camera.",
            _recording(_camera("bottomLeft", 0, is_stored=False), _camera("topLeft", 0, is_stored=False)),
        ),
        **refusals(400, 401, 404, 409, 429),
    },
    examples=[
        OpenApiExample(
            "Begin",
            {"passageId": _PASSAGE, "recDate": "1763793814", "cameras": ["topLeft", "bottomLeft"]},
            request_only=True,
        )
    ],
)

recording = extend_schema(
    operation_id="core_recordings_retrieve",
    tags=[TAG],
    summary="Show how far a recording has come",
    description=f"The unit's own part of the passage: of the other unit it sees nothing. {callers_text('D2')}",
    parameters=_PATH,
    responses={
        200: answer(
            RecordingFound, "The recording.", _recording(_WHOLE[0], _camera("topLeft", 1_048_576, is_stored=False))
        ),
        **refusals(401, 404, 429),
    },
)

recording_camera = extend_schema(
    operation_id="core_recordings_camera_retrieve",
    tags=[TAG],
    summary="Tell how many bytes of a file are here",
    description=f"HEAD tells the same in its headers. {callers_text('D3')}",
    parameters=[*_CAMERA_PATH, *_TOLD],
    responses={
        200: answer(
            RecordingCameraFound,
            "The file's state.",
            {"success": True, "data": _camera("topLeft", 1_048_576, is_stored=False)},
        ),
        **refusals(401, 404, 429),
    },
)

recording_upload = extend_schema(
    operation_id="core_recordings_camera_update",
    tags=[TAG],
    summary="Send a file, or its next bytes",
    description=(
        "One JPEG or MP4, judged by its content, of less than 100 MB (a photo: as the installation limits it). Without "
        "`Content-Range` the body is the whole file. With it, it begins at the next byte that is missing, else 409 "
        "names that byte; at most 1000 parts. What came of a body that was cut off is kept. A file that is found "
        "unusable is refused with 400 and forgotten: it begins again at 0. Sent again after it is whole, it is not "
        f"read: the answer is the same. {callers_text('D4')}"
    ),
    parameters=[
        *_CAMERA_PATH,
        OpenApiParameter(
            "Content-Range",
            str,
            OpenApiParameter.HEADER,
            description="First and last byte in the body, and the size of the file: `bytes 0-1048575/20971520`.",
        ),
        OpenApiParameter(
            "Repr-Digest",
            str,
            OpenApiParameter.HEADER,
            description="`sha-256=:<base64>:` of the whole file (RFC 9530), compared when its last byte comes.",
        ),
        *_TOLD,
    ],
    request={"application/octet-stream": OpenApiTypes.BINARY},
    responses={
        200: answer(
            RecordingCameraFound,
            "The file's state now.",
            {"success": True, "data": _camera("topLeft", _SIZE, is_stored=True)},
        ),
        **refusals(400, 401, 404, 409, 429),
    },
    examples=[
        OpenApiExample("File", "(the bytes)", request_only=True, media_type="application/octet-stream"),
    ],
)

recording_complete = extend_schema(
    operation_id="core_recordings_complete",
    tags=[TAG],
    summary="Complete a recording",
    description=(
        "All of the unit's files of the passage are here: 409 if one is missing. Said again, nothing changes. "
        f"{callers_text('D5')}"
    ),
    parameters=_PATH,
    request=None,
    responses={
        200: answer(RecordingFound, "The recording.", _recording(*_WHOLE, is_complete=True)),
        **refusals(401, 404, 409, 429),
    },
)
