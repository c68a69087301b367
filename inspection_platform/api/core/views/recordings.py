"""Recordings: what the devices of capture units send (ours). A device sees its own and nothing else."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import CaptureUnit, Recording
from assets.services.recordings import passage_rig_check, recording_begin, recording_offset, recordings_find
from imaging.services.recordings import recording_expect, recording_take
from inspection_platform import workflow
from inspection_platform.api.base import as_uuid
from inspection_platform.api.core.authentication import DeviceKeyAuthentication
from inspection_platform.api.core.docs import recordings as docs
from inspection_platform.api.core.presenters import recordings as present
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.common import maybe_uuid
from inspection_platform.api.core.serializers.recordings import RecordingStart
from inspection_platform.api.core.views.common import Concern, CoreView
from inspection_platform.api.idempotency import idempotent
from inspection_platform.api.throttles import DeviceThrottle
from tenants.errors import Invalid, NotFound

_BLOCK_BYTES: Final = 512 * 1024
_RANGE: Final = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", re.ASCII)
_DIGEST: Final = re.compile(r"sha-256=:([A-Za-z0-9+/=]*):", re.ASCII)
_DIGEST_BYTES: Final = 32


class Span(NamedTuple):
    """Bytes of a file that a body holds: the first one, how many, and how many the whole file has."""

    start: int
    length: int
    total: int


class DeviceView(CoreView):
    """A view for a capture unit, known by its device key."""

    authentication_classes = [DeviceKeyAuthentication]
    throttle_classes = [DeviceThrottle]

    @property
    def unit(self) -> CaptureUnit:
        """The unit that asks."""
        unit = self.actor.capture_unit
        if unit is None:
            raise TypeError("An actor with a device key is a capture unit.")
        return unit

    def role_in(self, tenant_id: UUID) -> str:  # noqa: ARG002 - the base's signature
        """A device is nobody's member."""
        return ""


class RecordingsView(DeviceView):
    """D1."""

    operations = {"POST": "D1"}

    def find(self, request: Request, **kwargs: Any) -> Concern:  # noqa: ARG002 - the base's signature
        """The passage, if it is named and known, is one of the unit's own rig."""
        if (passage_id := maybe_uuid(self.body.get("passageId"))) is not None:
            passage_rig_check(unit=self.unit, passage_id=passage_id)
        return Concern()

    @docs.recording_begin
    @idempotent
    def post(self, _request: Request) -> Response:
        """Begin the recording of a passage, or look it up again."""
        values = self.validated(RecordingStart)
        passage = recording_begin(
            unit=self.unit,
            cameras=values["cameras"],
            recorded_at=values.get("recDate") or timezone.now(),
            passage_id=values.get("passageId"),
        )
        return Response(success(present.recording(recordings_find(unit=self.unit, passage_id=passage.pk))))


class OneRecordingView(DeviceView):
    """A view about the unit's recording of the passage in the path."""

    recordings: Sequence[Recording]

    def find(self, request: Request, **kwargs: Any) -> Concern:  # noqa: ARG002 - the base's signature
        """The unit's own rows."""
        self.recordings = recordings_find(unit=self.unit, passage_id=as_uuid(kwargs["passage_id"], "Recording"))
        return Concern()


class RecordingView(OneRecordingView):
    """D2."""

    operations = {"GET": "D2"}

    @docs.recording
    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show how far the unit's files of the passage have come."""
        return Response(success(present.recording(self.recordings)))


class RecordingCompleteView(OneRecordingView):
    """D5."""

    operations = {"POST": "D5"}

    @docs.recording_complete
    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Say that all of the unit's files of the passage are here."""
        rows = workflow.recorded(unit=self.unit, passage_id=self.recordings[0].passage_id)
        return Response(success(present.recording(rows)))


class RecordingCameraView(OneRecordingView):
    """D3, D4."""

    operations = {"GET": "D3", "PUT": "D4"}

    recording: Recording

    def find(self, request: Request, **kwargs: Any) -> Concern:
        """The unit's row of the camera."""
        concern = super().find(request, **kwargs)
        found = next((row for row in self.recordings if row.camera == kwargs["camera"]), None)
        if found is None:
            raise NotFound("Recording not found.")
        self.recording = found
        return concern

    @docs.recording_camera
    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Tell how many bytes of the camera's file are here."""
        return self._told()

    @docs.recording_upload
    def put(self, request: Request, **_kwargs: Any) -> Response:
        """Take the camera's file, or its next bytes."""
        span, sha256 = _span(request), _sha256(request)
        if recording_expect(recording=self.recording, start=span.start, total=span.total):
            self._take(request, span, sha256)
        return self._told()

    def _take(self, request: Request, span: Span, sha256: str) -> None:
        with TemporaryUploadedFile("part", "application/octet-stream", 0, None) as file:
            _receive(request, file, span.length)
            if file.size:
                recording_take(recording=self.recording, start=span.start, total=span.total, file=file, sha256=sha256)
            if file.size != span.length:
                raise Invalid("The body ended early; what came of it is kept.")

    def _told(self) -> Response:
        offset = recording_offset(self.recording)
        data = present.recording_camera(self.recording, offset=offset)
        headers = {"Upload-Offset": str(offset), "Upload-Complete": "?1" if data["isStored"] else "?0"}
        return Response(success(data), headers=headers)


def _span(request: Request) -> Span:
    """What the headers say of the body; without Content-Range it is the whole file."""
    said = request.headers.get("Content-Length", "")
    length = int(said) if said.isascii() and said.isdigit() else 0
    if not length:
        raise _wrong("Content-Length", "The number of bytes in the body is needed.")
    text = request.headers.get("Content-Range")
    if text is None:
        return Span(0, length, length)
    match = _RANGE.fullmatch(text.strip())
    first, last, total = (int(number) for number in match.groups()) if match else (0, -1, 0)
    if not first <= last < total or last - first + 1 != length:
        raise _wrong("Content-Range", "It looks like `bytes 0-1048575/20971520` and fits the length of the body.")
    return Span(first, length, total)


def _sha256(request: Request) -> str:
    """The hexadecimal SHA-256 of the whole file by Repr-Digest (RFC 9530); "" if that is not said."""
    text = request.headers.get("Repr-Digest", "")
    match = _DIGEST.search(text)
    try:
        digest = b64decode(match[1], validate=True) if match else b""
    except NotBase64:
        digest = b""
    if match and len(digest) != _DIGEST_BYTES:
        raise _wrong("Repr-Digest", "It looks like `sha-256=:<base64>:`.")
    return digest.hex()


def _wrong(header: str, reason: str) -> Invalid:
    return Invalid(f"{header}: {reason}", {header: [reason]})


def _receive(request: Request, file: TemporaryUploadedFile, length: int) -> None:
    """Write the body to disk, block by block; if the sender is cut off, as far as it came."""
    left = length
    try:
        while left > 0 and (block := request.stream.read(min(left, _BLOCK_BYTES))):
            file.write(block)
            left -= len(block)
    except OSError:
        pass
    file.size = length - left
    file.seek(0)
