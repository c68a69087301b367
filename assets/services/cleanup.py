"""Clean-up of what nobody came back for: sessions never used, and files that no row knows."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages

from assets.models import Image, ImageSet, ImageSetState, Recording, Submission, SubmissionState, Upload
from assets.pictures import thumbnail_keys
from assets.storage import StoredFile, stored_files
from tenants.services.batches import rows_delete

_WHY: Final = "the clean-up looks after every tenant's rows and files"
_FILES_AT_A_TIME: Final = 500
#: received/<image set>/<file>
_PARTS: Final = 3
#: How `tempfile` names what Django's upload handler and the fetch job write; other files there are not ours.
_INCOMING_NAME: Final = re.compile(r"tmp[a-z0-9_]{8}(\.upload.*)?")
#: Sets whose files may be on their way to their rows.
_MOVING: Final = (ImageSetState.OPEN, ImageSetState.PROCESSING)


def submissions_prune(*, before: datetime, dry_run: bool = False) -> int:
    """Delete sessions that were issued before this moment and never used."""
    rows = Submission.objects.all_tenants(_WHY)
    unused = rows.filter(state=SubmissionState.ISSUED, created_at__lt=before, image_set__isnull=True)
    return rows_delete(unused, dry_run=dry_run)


def files_of_sets(image_set_ids: Collection[UUID]) -> list[str]:
    """The storage keys of everything received for these sets, and published of it."""
    uploads = Upload.objects.all_tenants(_WHY).filter(image_set__in=image_set_ids).values_list("file", flat=True)
    images = Image.objects.all_tenants(_WHY).filter(image_set__in=image_set_ids)
    pictures = images.values_list("received", "published", "has_thumbnails")
    found = {key for key in uploads if key} | {key for row in pictures for key in row[:2] if key}
    return sorted(found | {key for _, published, has in pictures if has for key in thumbnail_keys(published)})


def files_remove(keys: Iterable[str]) -> int:
    """Remove files from storage, and local folders that are empty then; how many files there were."""
    storage = storages["default"]
    count = 0
    for key in keys:
        storage.delete(key)
        count += 1
        if isinstance(storage, FileSystemStorage):
            _remove_if_empty(Path(storage.path(key)).parent)
    return count


def received_orphans_remove(*, before: datetime, dry_run: bool = False) -> int:
    """Remove received files written before this moment that no row names; how many there were.

    They are left by a process that died between storing a file and its row. Files of sets that are still moving stay.
    """
    candidates = (file for file in stored_files("received/") if file.modified < before and _set_of(file) is not None)
    count = 0
    while batch := list(islice(candidates, _FILES_AT_A_TIME)):
        keys = list(_orphans(batch))
        count += len(keys) if dry_run else files_remove(keys)
    return count


def published_orphans_remove(*, before: datetime, dry_run: bool = False) -> int:
    """Remove published files, written before this moment, of sets that are erased; how many there were.

    They are left by a process that died between deleting rows and files.
    """
    candidates = (file for file in stored_files("published/") if file.modified < before)
    count = 0
    while batch := list(islice(candidates, _FILES_AT_A_TIME)):
        by_key = {file.key: set_id for file in batch if (set_id := _folder_of(file)) is not None}
        rows = ImageSet.objects.all_tenants(_WHY).filter(pk__in=set(by_key.values()))
        known = set(rows.values_list("pk", flat=True))
        keys = [key for key, set_id in by_key.items() if set_id not in known]
        count += len(keys) if dry_run else files_remove(keys)
    return count


def incoming_leftovers_remove(*, before: datetime, dry_run: bool = False) -> int:
    """Remove half-received files of processes that died before this moment; how many there were."""
    if not settings.FILE_UPLOAD_TEMP_DIR:
        return 0
    count = 0
    with os.scandir(settings.FILE_UPLOAD_TEMP_DIR) as entries:
        for entry in entries:
            if _is_leftover(entry, before):
                count += 1
                if not dry_run:
                    Path(entry.path).unlink(missing_ok=True)
    return count


def _set_of(file: StoredFile) -> UUID | None:
    """The set a received file was stored for; None for a file that is named in another way."""
    return _folder_of(file) if len(PurePosixPath(file.key).parts) == _PARTS else None


def _folder_of(file: StoredFile) -> UUID | None:
    """The set whose folder a file lies in; None for a folder that is no set's."""
    parts = PurePosixPath(file.key).parts
    try:
        return UUID(parts[1]) if len(parts) >= _PARTS else None
    except ValueError:
        return None


def _orphans(files: Iterable[StoredFile]) -> Iterator[str]:
    """The keys among these that nothing names (three queries, and one more if there are any)."""
    by_set: Mapping[UUID, list[str]] = defaultdict(list)
    for file in files:
        if (set_id := _set_of(file)) is not None:
            by_set[set_id].append(file.key)
    moving = ImageSet.objects.all_tenants(_WHY).filter(pk__in=by_set, state__in=_MOVING)
    spared = set(moving.values_list("pk", flat=True))
    named = set(files_of_sets(by_set.keys()))
    found = [key for set_id, keys in by_set.items() for key in keys if set_id not in spared and key not in named]
    if found:
        # A capture unit's file is here before the set of its passage is.
        recorded = Recording.objects.all_tenants(_WHY).filter(file__in=found, passage__image_sets__isnull=True)
        kept = set(recorded.values_list("file", flat=True))
        yield from (key for key in found if key not in kept)


def _is_leftover(entry: os.DirEntry[str], before: datetime) -> bool:
    if not _INCOMING_NAME.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
        return False
    try:
        written = entry.stat(follow_symlinks=False).st_mtime
    except FileNotFoundError:
        return False
    return datetime.fromtimestamp(written, UTC) < before


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # there is something left in it
