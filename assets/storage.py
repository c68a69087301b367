"""What lies in storage, listed without holding the list: local directories and object stores alike."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages

#: Objects asked for at a time where the store lists in pages.
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in storage: its key, its size in bytes and when it was last written (UTC)."""

    key: str
    size: int
    modified: datetime


def stored_files(prefix: str = "") -> Iterator[StoredFile]:
    """Every file whose key begins with `prefix` (a folder with its slash, or "" for all), in no particular order.

    Uploads under way, which local storage keeps in a directory beside the stored files, are not among them.
    """
    storage: Any = storages["default"]
    if isinstance(storage, FileSystemStorage):
        return _local(Path(storage.path(prefix or ".")), Path(storage.path(".")))
    return _in_bucket(storage, prefix)


def _local(folder: Path, root: Path) -> Iterator[StoredFile]:
    """Directory by directory; what vanishes while it is looked at is passed over."""
    try:
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    with entries:
        for entry in entries:
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                if path != _incoming():
                    yield from _local(path, root)
            elif (found := _facts(entry, path.relative_to(root).as_posix())) is not None:
                yield found


def _facts(entry: os.DirEntry[str], key: str) -> StoredFile | None:
    try:
        facts = entry.stat()
    except FileNotFoundError:
        return None
    return StoredFile(key, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))


def _incoming() -> Path | None:
    return Path(settings.FILE_UPLOAD_TEMP_DIR) if settings.FILE_UPLOAD_TEMP_DIR else None


def _in_bucket(storage: Any, prefix: str) -> Iterator[StoredFile]:
    """Page by page; keys are named as the storage names them, without the folder it lives in."""
    location = f"{storage.location}/" if storage.location else ""
    for item in storage.bucket.objects.filter(Prefix=f"{location}{prefix}").page_size(_PAGE):
        if not item.key.endswith("/"):
            yield StoredFile(item.key[len(location) :], item.size, item.last_modified)
