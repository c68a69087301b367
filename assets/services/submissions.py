"""Submissions: sessions that are issued, and the one upload each of them takes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.db import IntegrityError, transaction
from django.utils import timezone

from assets.kinds import PHOTO_KINDS
from assets.models import Image, ImageSet, Submission, SubmissionState, Upload, UploadState
from assets.services.uploads import NAME_LENGTH, IncomingFile, IncomingUrl, files_kept
from tenants.errors import Conflict, Unavailable
from tenants.models import Tenant
from tenants.services.sealing import seal

__all__ = [
    "IncomingFile", "IncomingUrl", "SubmissionDetails", "image_set_receive", "submission_is_used", "submission_issue",
]  # fmt: skip

#: As seen on the wire: `in` + four random digits + the time.
_RANDOM_DIGITS: Final = 4
_ISSUE_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class SubmissionDetails:
    """What a client says about an inspection; everything is optional here, a family decides what it asks for."""

    case_id: str = ""
    callback_url: str = ""
    email: str = ""
    agent_id: str = ""
    agent_name: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    fetch_auth: str = ""

    def columns(self) -> dict[str, Any]:
        """The values as columns of Submission; the fetching credential is sealed."""
        return {
            "case_id": self.case_id,
            "callback_url": self.callback_url,
            "email": self.email,
            "agent_id": self.agent_id,
            "agent_name": self.agent_name,
            "metadata": dict(self.metadata),
            "sealed_fetch_auth": seal(self.fetch_auth) if self.fetch_auth else "",
        }


def session_key(now: datetime) -> str:
    """A new key: `in` + random digits + YYYYMMDDHHMMSS (UTC)."""
    return f"in{secrets.randbelow(10**_RANDOM_DIGITS):0{_RANDOM_DIGITS}d}{now:%Y%m%d%H%M%S}"


def submission_issue(*, tenant: Tenant, family: str) -> Submission:
    """Open a session for one upload. Raises Unavailable if no free key is found."""
    for _ in range(_ISSUE_TRIES):
        submission = Submission(tenant=tenant, family=family, external_key=session_key(timezone.now()))
        try:
            with transaction.atomic():
                submission.save(force_insert=True)
        except IntegrityError:
            continue  # four digits meet again within a busy second
        return submission
    raise Unavailable("No free session key was found.")


def submission_is_used(*, tenant: Tenant, family: str, external_key: str) -> bool:
    """Whether this session has taken its upload; `image_set_receive` decides for good, this only spares the work."""
    rows = Submission.objects.of(tenant.pk).filter(family=family, external_key=external_key)
    return rows.exclude(state=SubmissionState.ISSUED).exists()


def image_set_receive(
    *,
    tenant: Tenant,
    family: str,
    external_key: str,
    details: SubmissionDetails,
    files: Sequence[IncomingFile] = (),
    urls: Sequence[IncomingUrl] = (),
    then: Callable[[ImageSet], object] | None = None,
) -> ImageSet:
    """Take the upload of a session: an open ImageSet with its Upload rows, and an Image for each different photo.

    `then` runs in the same transaction (start the run there): whatever fails, neither row nor file is left behind and
    the session stays unused. Files go into storage before the transaction, so call this outside any other one. A
    session we did not issue is accepted as the client's own, once. Raises Conflict if the session was used.
    """
    now = timezone.now()
    image_set = ImageSet(tenant=tenant, recorded_at=now, submitted_at=now)
    with files_kept(files, image_set_id=image_set.pk) as keys, transaction.atomic():
        image_set.submission = _submission_claim(tenant, family, external_key, details, now)
        image_set.save(force_insert=True)
        _rows_add(image_set, tenant, files, urls, keys)
        if then is not None:
            then(image_set)
    return image_set


def _submission_claim(
    tenant: Tenant, family: str, external_key: str, details: SubmissionDetails, now: datetime
) -> Submission:
    """Use up the session with one conditional UPDATE: of two uploads at a time, one finds nothing to update."""
    rows = Submission.objects.of(tenant.pk)
    submission, _ = rows.get_or_create(tenant=tenant, family=family, external_key=external_key)
    unused = rows.filter(pk=submission.pk, state=SubmissionState.ISSUED)
    if not unused.update(state=SubmissionState.RECEIVED, received_at=now, modified_at=now, **details.columns()):
        raise Conflict("The session has taken an upload already.")
    submission.refresh_from_db()
    return submission


def _rows_add(
    image_set: ImageSet,
    tenant: Tenant,
    files: Sequence[IncomingFile],
    urls: Sequence[IncomingUrl],
    keys: Mapping[str, str],
) -> None:
    """Upload rows in the client's order, then an Image for each different photo."""
    stored = [_stored(image_set, position, item, keys[item.sha256]) for position, item in enumerate(files, 1)]
    waiting = [_waiting(image_set, position, item) for position, item in enumerate(urls, len(files) + 1)]
    Upload.objects.of(tenant.pk).bulk_create([*stored, *waiting])
    Image.objects.of(tenant.pk).bulk_create(_images(stored, files))


def _stored(image_set: ImageSet, position: int, item: IncomingFile, key: str) -> Upload:
    return Upload(
        image_set=image_set, position=position, name=item.name[-NAME_LENGTH:], state=UploadState.STORED, kind=item.kind,
        sha256=item.sha256, size=item.size, file=key,
    )  # fmt: skip


def _waiting(image_set: ImageSet, position: int, item: IncomingUrl) -> Upload:
    name = unquote(PurePosixPath(urlsplit(item.url).path).name)
    return Upload(
        image_set=image_set, position=position, name=name[-NAME_LENGTH:], original_id=item.original_id, pair=item.pair,
        url=item.url,
    )  # fmt: skip


def _images(uploads: Sequence[Upload], files: Sequence[IncomingFile]) -> Iterator[Image]:
    """An Image for each different photo, at the place of its first upload."""
    seen: set[str] = set()
    for upload, item in zip(uploads, files, strict=True):
        if item.kind in PHOTO_KINDS and item.sha256 not in seen:
            seen.add(item.sha256)
            yield Image(
                image_set_id=upload.image_set_id, upload=upload, position=upload.position, name=upload.name,
                sha256=item.sha256, size=item.size, received=upload.file.name, width=item.width, height=item.height,
            )  # fmt: skip
