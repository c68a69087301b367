"""Received files: into storage under the name of their set, and the rows that tell of them.

A file is named after its set and its content (`received/<set>/<sha256>.<ext>`). So the same photo twice in a set is
kept once, a second run of a job finds what the first one left, and a set's files can be removed together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Q

from assets.kinds import PHOTO_KINDS, kind_extension
from assets.models import Image, Upload, UploadState

NAME_LENGTH = 255


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A judged file that came with a request; `kind` is a word of `assets.kinds`, sizes are in bytes and pixels.

    `camera` is one of the rig's, or "".
    """

    name: str
    file: File[bytes]
    size: int
    sha256: str
    kind: str
    width: int = 0
    height: int = 0
    camera: str = ""


@dataclass(frozen=True, slots=True)
class IncomingUrl:
    """An address that a worker will fetch; `pair` counts the pairs from 1."""

    url: str
    original_id: str = ""
    pair: int | None = None


def received_folder(image_set_id: UUID) -> str:
    """Where the received files of a set lie in storage."""
    return f"received/{image_set_id}"


def received_key(image_set_id: UUID, *, sha256: str, kind: str) -> str:
    """The storage key of a received file."""
    return f"{received_folder(image_set_id)}/{sha256}{kind_extension(kind)}"


def received_put(*, image_set_id: UUID, file: File[bytes], kind: str, sha256: str, size: int) -> str:
    """Put a file into storage, once however often it is called, and return its key.

    A temporary file on the storage's own disk is renamed, not copied. What a process left half-written when it died is
    recognised by its size and replaced.
    """
    key = received_key(image_set_id, sha256=sha256, kind=kind)
    if default_storage.exists(key):
        if default_storage.size(key) == size:
            return key
        default_storage.delete(key)
    return default_storage.save(key, file)


@contextmanager
def files_kept(files: Sequence[IncomingFile], *, image_set_id: UUID) -> Iterator[dict[str, str]]:
    """Put the files of a new set into storage and yield their keys by SHA-256; remove them again if the block fails."""
    keys: dict[str, str] = {}
    try:
        for item in files:
            if item.sha256 not in keys:
                key = received_key(image_set_id, sha256=item.sha256, kind=item.kind)
                keys[item.sha256] = default_storage.save(key, item.file)
        yield keys
    except BaseException:
        _discard(image_set_id, list(keys.values()))
        raise


def _discard(image_set_id: UUID, keys: Sequence[str]) -> None:
    """Remove files whose rows did not come to be, and the folder made for them."""
    for key in keys:
        default_storage.delete(key)
    if keys:
        default_storage.delete(received_folder(image_set_id))


def upload_store(
    *, upload: Upload, file: File[bytes], kind: str, sha256: str, size: int, width: int = 0, height: int = 0
) -> Upload:
    """Keep a fetched file: in storage, on its Upload row and, for a photo, as an Image; a second call changes nothing.

    `kind` is a word of `assets.kinds`, `size` is in bytes, `width` and `height` in pixels as rotated for people.
    """
    if upload.state == UploadState.STORED:
        return upload
    upload.file.name = received_put(image_set_id=upload.image_set_id, file=file, kind=kind, sha256=sha256, size=size)
    upload.state, upload.reason = UploadState.STORED, ""
    upload.kind, upload.sha256, upload.size = kind, sha256, size
    with transaction.atomic():
        upload.save()
        if kind in PHOTO_KINDS:
            image_add(upload=upload, received=upload.file.name, sha256=sha256, size=size, width=width, height=height)
    return upload


def upload_refuse(*, upload: Upload, reason: str) -> Upload:
    """Record why there is no file behind an upload."""
    upload.state, upload.reason = UploadState.REFUSED, reason
    upload.save(update_fields=["state", "reason", "file", "modified_at"])
    return upload


def image_add(
    *,
    upload: Upload,
    received: str,
    sha256: str,
    size: int,
    frame: int = 0,
    width: int = 0,
    height: int = 0,
) -> Image:
    """The Image of a photo or video frame whose file is in storage already (`received` is its key).

    One photo is in a set once: the image that has the same content is returned instead. One that a person removed stays
    removed when the job that made it runs again.
    """
    same = Q(deleted_at__isnull=True) | Q(upload=upload)
    rows = Image.objects.all_tenants("an image joins the set of an upload that was reached already")
    found = (
        rows.filter(same, image_set_id=upload.image_set_id, sha256=sha256)
        .order_by(F("deleted_at").asc(nulls_first=True))
        .first()
    )
    if found is not None:
        return found
    image, _ = rows.get_or_create(
        image_set_id=upload.image_set_id, sha256=sha256, deleted_at=None,
        defaults={
            "upload": upload, "position": upload.position, "frame": frame, "camera": upload.camera,
            "name": upload.name, "size": size, "received": received, "width": width, "height": height,
        },
    )  # fmt: skip
    return image


def frame_add(*, upload: Upload, frame: int, data: bytes, width: int, height: int) -> Image:
    """Keep one frame of a video (`data` is a JPEG, `frame` its number in the video, from 1) as an Image of the set."""
    sha256 = hashlib.sha256(data).hexdigest()
    key = received_put(
        image_set_id=upload.image_set_id, file=ContentFile(data), kind="jpeg", sha256=sha256, size=len(data)
    )
    return image_add(
        upload=upload,
        received=key,
        sha256=sha256,
        size=len(data),
        frame=frame,
        width=width,
        height=height,
    )
