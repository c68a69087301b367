"""Files of capture units as they arrive: judged by their content, whole or in parts."""

from __future__ import annotations

import hashlib
import shutil
from typing import BinaryIO, Final, cast

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile

from assets.models import Recording
from assets.services.recordings import (
    passage_check,
    recording_keep,
    recording_offset,
    recording_part_put,
    recording_parts_drop,
    recording_parts_join,
)
from imaging.jobs.fetch import MAX_VIDEO_BYTES
from imaging.ops.media import Fault, Limits, UnusableMedia, judge
from imaging.ops.sniffing import SNIFF_BYTES, MediaKind, sniff
from tenants.errors import Conflict, Invalid

#: What the cameras of a rig make.
KINDS: Final = frozenset({MediaKind.JPEG, MediaKind.MP4})
#: The largest file of a camera.
MAX_BYTES: Final = MAX_VIDEO_BYTES - 1


def recording_expect(*, recording: Recording, start: int, total: int) -> bool:
    """Whether bytes from `start` of a camera's file of `total` bytes are still wanted: False if the whole file is here.

    Raises Invalid for a file that is too large, Conflict unless `start` is the next byte, for a file that is here with
    another size, and for a pass whose images have gone on already.
    """
    passage_check(recording)
    if total > MAX_BYTES:
        raise Invalid(f"The file is too large: at most {MAX_BYTES:,} bytes are accepted.")
    here = recording_offset(recording)
    if recording.file and here != total:
        raise Conflict(f"The file of {recording.camera} is here already.")
    if not recording.file and here != start:
        raise Conflict(f"The next byte is {here}, not {start}.")
    return not recording.file


def recording_take(
    *, recording: Recording, start: int, total: int, file: TemporaryUploadedFile, sha256: str = ""
) -> None:
    """Keep what `file` holds: the bytes from `start` of a camera's file of `total` bytes.

    The last part makes the file whole: it is judged, and compared with `sha256` if that is said. Raises Invalid for
    what is neither a JPEG nor an MP4 or too large, after which nothing of the file is left; Conflict if the part is not
    the next one, and as `recording_keep`.
    """
    try:
        if start == 0:
            _sniff(file)
        if start + (file.size or 0) < total:
            recording_part_put(recording=recording, start=start, file=file)
        elif start == 0:
            _whole(recording, file, sha256)
        else:
            _join(recording, start, file, sha256)
    except UnusableMedia as refused:
        recording_parts_drop(recording=recording)
        raise Invalid(refused.reason, {"file": [refused.reason]}) from refused


def _sniff(file: TemporaryUploadedFile) -> None:
    """Refuse what is nothing a camera makes before the rest of it comes."""
    file.seek(0)
    kind = sniff(file.read(SNIFF_BYTES))
    file.seek(0)
    if kind not in KINDS:
        raise UnusableMedia(Fault.UNSUPPORTED, "The file cannot be accepted: its content is neither a JPEG nor an MP4.")


def _join(recording: Recording, start: int, last: TemporaryUploadedFile, sha256: str) -> None:
    with TemporaryUploadedFile("whole", "application/octet-stream", 0, None) as whole:
        recording_parts_join(recording=recording, upto=start, into=whole)
        shutil.copyfileobj(last, whole, SNIFF_BYTES * 256)
        whole.size = start + (last.size or 0)
        _whole(recording, whole, sha256)


def _whole(recording: Recording, file: TemporaryUploadedFile, sha256: str) -> None:
    limits = Limits(
        max_photo_bytes=settings.MAX_PHOTO_BYTES,
        max_photo_pixels=settings.MAX_PHOTO_PIXELS,
        max_video_bytes=MAX_BYTES,
        kinds=KINDS,
    )
    file.flush()
    facts = judge(cast("BinaryIO", file), limits=limits)
    found = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    if sha256 and sha256 != found:
        raise UnusableMedia(Fault.MALFORMED, "The file did not arrive as it was sent; send it again.")
    recording_keep(recording=recording, file=file, kind=str(facts.kind), sha256=found, size=facts.size_bytes)
