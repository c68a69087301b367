"""The `fetch` job: files that a client named by address, or put into the object store itself."""

from __future__ import annotations

import hashlib
import tempfile
from http import HTTPStatus
from io import BytesIO
from typing import BinaryIO, Final, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from assets.models import Upload, UploadState
from assets.services.additions import promise_check
from assets.services.uploads import upload_refuse, upload_store
from imaging.jobs.files import opened
from imaging.models import JobRun
from imaging.ops.media import Limits, MediaFacts, MediaKind, UnusableMedia, judge
from tenants.errors import Invalid
from tenants.outbound import OutboundFailed, OutboundRefused, fetch_to_file
from tenants.services.sealing import unseal

PHOTOS: Final = frozenset({MediaKind.JPEG, MediaKind.PNG, MediaKind.HEIC})
VIDEOS: Final = frozenset({MediaKind.MP4, MediaKind.WEBM, MediaKind.MOV, MediaKind.MKV, MediaKind.AVI})
#: Smallest and largest video, both exclusive (the Inspektlabs contract).
MIN_VIDEO_BYTES: Final = 1_000_000
MAX_VIDEO_BYTES: Final = 100_000_000


_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class FetchIncomplete(Exception):
    """Some files could not be fetched this time; a further attempt may."""


def run(job: JobRun) -> None:
    """Fetch each file that is not here yet. What fails for now is left for the next attempt, then refused.

    A file without an address lies in the object store, as its client put it there.
    """
    submission = job.run.image_set.submission
    bearer = unseal(submission.sealed_fetch_auth) if submission and submission.sealed_fetch_auth else None
    waiting = list(job.run.image_set.uploads.filter(state=UploadState.WAITING))
    named = [upload for upload in waiting if upload.url]
    for upload in waiting:
        if not upload.url:
            _take(upload)
    failed = [reason for upload in named if (reason := _fetch(upload, bearer, last=_is_last(job)))]
    if failed:
        raise FetchIncomplete(f"{len(failed)} of {len(named)} files could not be fetched: {failed[0]}")


def _take(upload: Upload) -> None:
    """Judge a file of the object store as a whole and take it to its place, or refuse it; the first copy goes."""
    place = str(upload.file.name)
    try:
        with opened(upload.file) as content:
            facts = judge(content, limits=media_limits())
            sha256 = hashlib.file_digest(cast("BytesIO", content), "sha256").hexdigest()
            content.seek(0)
            promise_check(upload, size=facts.size_bytes, sha256=sha256)
            upload_store(upload=upload, file=File(content), kind=str(facts.kind), sha256=sha256, size=facts.size_bytes)
    except (UnusableMedia, Invalid, FileNotFoundError) as refused:
        upload.file.name = ""
        upload_refuse(upload=upload, reason=_words(refused))
    default_storage.delete(place)


def _words(refused: Exception) -> str:
    if isinstance(refused, FileNotFoundError):
        return "It is not in the object store any more."
    return refused.message if isinstance(refused, Invalid) else str(refused)


def media_limits() -> Limits:
    """What a client may send or name: the platform's own limits."""
    return Limits(
        max_photo_bytes=settings.MAX_PHOTO_BYTES,
        max_photo_pixels=settings.MAX_PHOTO_PIXELS,
        max_video_bytes=MAX_VIDEO_BYTES - 1,
        kinds=PHOTOS | VIDEOS,
    )


def _may_pass(failure: OutboundFailed) -> bool:
    """Whether another try may succeed: a client error stays what it is, but for those that say "later"."""
    return failure.status is None or failure.status >= HTTPStatus.INTERNAL_SERVER_ERROR or failure.status in _LATER


def _is_last(job: JobRun) -> bool:
    return job.attempts >= job.max_attempts


def _fetch(upload: Upload, bearer: str | None, *, last: bool) -> str:
    """Fetch one file; the reason if it should be tried again, else nothing."""
    with tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as file:
        content = cast("BinaryIO", file)
        try:
            got = fetch_to_file(
                upload.url, content, max_bytes=MAX_VIDEO_BYTES - 1, deadline_s=settings.FETCH_SECONDS, bearer=bearer
            )
            facts = _judged(content)
        except (OutboundRefused, UnusableMedia) as refused:
            upload_refuse(upload=upload, reason=refused.reason)
            return ""
        except OutboundFailed as failure:
            if not last and _may_pass(failure):
                return failure.reason
            upload_refuse(upload=upload, reason=failure.reason)
            return ""
        upload_store(upload=upload, file=File(file), kind=str(facts.kind), sha256=got.sha256, size=got.size)
        return ""


def _judged(content: BinaryIO) -> MediaFacts:
    facts = judge(content, limits=media_limits())
    if facts.kind in VIDEOS and facts.size_bytes <= MIN_VIDEO_BYTES:
        raise UnusableMedia("too_small", "Please upload video greater than 1 MB.")
    return facts
