"""Bringing a backup back into an empty installation."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from django.contrib.auth.models import Group
from django.core.exceptions import SuspiciousFileOperation
from django.core.files import File
from django.core.files.storage import storages
from django.core.serializers.base import DeserializationError
from django.db import Error as DatabaseTrouble
from django.db import connection, transaction

from inspection_platform.backup import manifest as book
from inspection_platform.backup.archive import BackupDamaged, Part, archive_parts, damage_told, part_measured, spool
from inspection_platform.backup.manifest import BackupRefused, Manifest, manifest_read, migrations_compare
from inspection_platform.backup.meter import Meter
from inspection_platform.backup.rows import counters_reset, label, models_saved, rows_loaded, rows_of

_PIECE: Final = 1 << 20


def backup_check(path: Path, *, meter: Meter | None = None) -> Manifest:
    """Read a backup to its end and compare every part with its SHA-256; BackupDamaged if anything is not as written."""
    meter = meter or Meter()
    meter.begin("checking", total=None, unit="B")
    parts: list[Part] = []
    listed, count = hashlib.sha256(), 0
    manifest: Manifest | None = None
    for name, content in archive_parts(path):
        with damage_told():
            if name == book.NAME:
                manifest = manifest_read(content)
                continue
            part = part_measured(name, content)
        meter.step(part.size)
        if name.startswith(book.STORED):
            entry = asdict(part) | {"name": name.removeprefix(book.STORED)}
            listed.update(json.dumps(entry).encode() + b"\n")
            count += 1
        else:
            parts.append(part)
    if manifest is None:
        raise BackupDamaged("The file is incomplete: it has no manifest.")
    _compare(manifest, parts, listed.hexdigest(), count)
    return manifest


def backup_restore(path: Path, *, meter: Meter | None = None) -> Manifest:
    """Bring back all files, then all rows in one transaction. Whatever fails, the database is as it was before.

    Raises BackupDamaged for a file that is not as it was written, and BackupRefused if the database is not empty or
    has other tables; then nothing at all has been touched.
    """
    meter = meter or Meter()
    manifest = backup_check(path, meter=meter)
    migrations_compare(manifest)
    _check_empty()
    _files_restore(path, manifest, meter)
    try:
        with transaction.atomic():
            _check_empty()
            _rows_restore(path, manifest, meter)
    except (DatabaseTrouble, DeserializationError) as error:
        raise BackupRefused(f"This database does not take the rows: {error}") from error
    return manifest


def _compare(manifest: Manifest, parts: list[Part], files_sha256: str, files: int) -> None:
    found = {part.name: part for part in parts}
    for part in manifest.parts:
        if found.pop(part.name, None) != part:
            raise BackupDamaged(f"{part.name} is missing or not as it was written.")
    if found:
        raise BackupDamaged(f"{next(iter(found))} does not belong to this backup.")
    listed = next((part for part in manifest.parts if part.name == book.FILES), None)
    if listed is None or listed.sha256 != files_sha256 or manifest.files != files:
        raise BackupDamaged("The stored files are not as they were written.")


def _check_empty() -> None:
    """The groups come with the tables; anything else is somebody's."""
    for model in models_saved():
        if model is not Group and (count := rows_of(model).count()):
            raise BackupRefused(f"The database is not empty: it holds {count} of {label(model)}.")


def _parts(path: Path, prefix: str) -> Iterator[tuple[str, IO[bytes]]]:
    return ((name, content) for name, content in archive_parts(path) if name.startswith(prefix))


def _files_restore(path: Path, manifest: Manifest, meter: Meter) -> None:
    meter.begin("files", total=manifest.file_bytes, unit="B")
    for name, content in _parts(path, book.STORED):
        with spool() as copy:
            shutil.copyfileobj(content, copy, _PIECE)
            meter.step(copy.tell())
            copy.seek(0)
            _put(_key(name), copy)


def _key(name: str) -> str:
    """The storage key of a part; BackupDamaged for one that leads out of the storage."""
    key = PurePosixPath(name.removeprefix(book.STORED))
    if key.is_absolute() or ".." in key.parts or not key.parts:
        raise BackupDamaged(f"{name} is not the name of a stored file.")
    return key.as_posix()


def _put(key: str, content: IO[bytes]) -> None:
    storage: Any = storages["default"]
    try:
        kept = storage.save(key, File(content, name=key))
    except SuspiciousFileOperation as error:
        raise BackupDamaged(f"{key} is not the name of a stored file.") from error
    if kept != key:
        raise BackupRefused(f"The storage would keep {key} under another name, {kept}.")


def _rows_restore(path: Path, manifest: Manifest, meter: Meter) -> None:
    meter.begin("rows", total=sum(manifest.rows.values()), unit="rows")
    Group.objects.all().delete()
    loaded: Counter[str] = Counter()
    for _, content in _parts(path, book.ROWS):
        for name in rows_loaded(content):
            loaded[name] += 1
            meter.step(1)
    expected = {name: count for name, count in manifest.rows.items() if count}
    if dict(loaded) != expected:
        raise BackupDamaged("The rows are not those that the manifest counts.")
    counters_reset(models_saved())
    connection.check_constraints()
