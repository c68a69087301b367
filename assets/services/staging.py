"""What clients put into the object store themselves: looked at before it is taken, and cleaned up when it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, Final
from uuid import UUID

from botocore.exceptions import ClientError
from django.core.files.storage import FileSystemStorage, storages

from assets.models import ImageSetState, Upload
from assets.services.additions import ANNOUNCED_FOLDER
from assets.services.cleanup import files_remove
from assets.storage import stored_files

#: Bytes at the beginning of a file that tell its kind.
_HEAD: Final = 4096
_AT_ONCE: Final = 8
_BATCH: Final = 500
_MISSING: Final = frozenset({"404", "NoSuchKey", "NotFound"})
#: Sets whose files may be on their way into the store, or from it to their place.
_MOVING: Final = (ImageSetState.OPEN, ImageSetState.PROCESSING)

#: What is wrong with an upload, of which (first bytes, size in bytes) are in the store; "" if nothing is.
Look = Callable[[Upload, bytes, int], str]


def is_object_store() -> bool:
    """Whether clients can put files into the storage themselves."""
    return not isinstance(storages["default"], FileSystemStorage)


def staged_faults(uploads: Sequence[Upload], *, look: Look) -> dict[UUID, str]:
    """Why files announced cannot be taken, by upload: they are not there, or `look` says what is wrong with them.

    One small request for each, a few at a time. On local storage a file that is still only announced is not there.
    """
    if not uploads:
        return {}
    if not is_object_store():
        return dict.fromkeys([upload.pk for upload in uploads], "It was not uploaded.")
    bucket: Any = storages["default"]
    place = f"{bucket.location}/" if bucket.location else ""
    bucket = bucket.bucket
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        heads = list(pool.map(lambda upload: _head(bucket, f"{place}{upload.file.name}"), uploads))
    faults = {}
    for upload, head in zip(uploads, heads, strict=True):
        fault = look(upload, *head) if head else "It was not uploaded."
        if fault:
            faults[upload.pk] = fault
    return faults


def announced_orphans_remove(*, before: datetime, dry_run: bool = False) -> int:
    """Remove files, put into the store before this moment, that no set waits for any more; how many there were."""
    candidates = (file.key for file in stored_files(ANNOUNCED_FOLDER) if file.modified < before)
    count = 0
    while batch := list(islice(candidates, _BATCH)):
        keys = list(_orphans(batch))
        count += len(keys) if dry_run else files_remove(keys)
    return count


def _orphans(keys: Sequence[str]) -> Iterator[str]:
    by_upload = {pk: key for key in keys if (pk := _upload_of(key)) is not None}
    rows = Upload.objects.all_tenants("the clean-up looks after every tenant's files")
    awaited = set(
        rows.filter(pk__in=by_upload, image_set__state__in=_MOVING, file__startswith=ANNOUNCED_FOLDER).values_list(
            "pk", flat=True
        )
    )
    yield from (key for pk, key in by_upload.items() if pk not in awaited)


def _upload_of(key: str) -> UUID | None:
    try:
        return UUID(PurePosixPath(key).name)
    except ValueError:
        return None


def _head(bucket: Any, key: str) -> tuple[bytes, int] | None:
    """The first bytes of an object and its size; None if it is not there."""
    try:
        answer = bucket.Object(key).get(Range=f"bytes=0-{_HEAD - 1}")
    except ClientError as error:
        code = str(error.response["Error"]["Code"])
        if code in _MISSING:
            return None
        if code in {"InvalidRange", "416"}:
            return b"", 0
        raise
    with answer["Body"] as body:
        head = body.read(_HEAD)
    span = str(answer.get("ContentRange", ""))
    return head, int(span.rpartition("/")[2]) if span else int(answer["ContentLength"])
