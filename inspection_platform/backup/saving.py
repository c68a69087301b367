"""Making a backup."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from django.core.files.storage import FileSystemStorage, storages
from django.db import connection
from django.utils import timezone

from assets.storage import stored_files
from inspection_platform.backup import manifest as book
from inspection_platform.backup.archive import Part, Writer, archive_written, spool
from inspection_platform.backup.manifest import BackupRefused, Manifest, migrations_here, seal_sample
from inspection_platform.backup.meter import Meter
from inspection_platform.backup.rows import label, models_saved, rows_dumped, rows_of
from inspection_platform.backup.snapshot import snapshot

_PIECE = 1 << 20


def backup_write(path: Path, *, meter: Meter | None = None) -> Manifest:
    """Write every row, as of one moment, and every stored file into `path`; the file appears when it is complete.

    Rows are read before files are listed: a file that a row names was there before the row, so it is in the backup.
    Raises BackupRefused if the file exists, or lies in the storage that it would have to hold.
    """
    _check_place(path)
    meter = meter or Meter()
    with archive_written(path) as writer:
        saving = _Saving(writer, meter)
        with snapshot():
            saving.rows()
        saving.files()
        return saving.finish()


def _check_place(path: Path) -> None:
    if path.exists():
        raise BackupRefused(f"{path} exists already.")
    storage: Any = storages["default"]
    if isinstance(storage, FileSystemStorage) and path.resolve().is_relative_to(Path(storage.location).resolve()):
        raise BackupRefused(f"{path} lies among the stored files, which are to be saved.")


class _Saving:
    """A backup under way."""

    def __init__(self, writer: Writer, meter: Meter) -> None:
        self._writer = writer
        self._meter = meter
        self._parts: list[Part] = []
        self._counts: dict[str, int] = {}
        self._migrations: list[str] = []
        self._files = self._file_bytes = 0

    def rows(self) -> None:
        """All rows, in parts."""
        self._migrations = migrations_here()
        models = models_saved()
        self._meter.begin("rows", total=sum(rows_of(model).count() for model in models), unit="rows")
        for model in models:
            self._counts[label(model)] = 0
            for part, count in rows_dumped(model, spool):
                name = f"{book.ROWS}{len(self._parts) + 1:04}-{label(model)}.jsonl"
                with part:
                    self._parts.append(self._writer.add(name, part))
                self._counts[label(model)] += count
                self._meter.step(count)

    def files(self) -> None:
        """All stored files, and the list of them."""
        self._meter.begin("files", total=None, unit="B")
        with spool() as listed:
            for part in self._each_file():
                entry = asdict(part) | {"name": part.name.removeprefix(book.STORED)}
                listed.write(json.dumps(entry).encode() + b"\n")
                self._files += 1
                self._file_bytes += part.size
            self._parts.append(self._writer.add(book.FILES, listed))

    def finish(self) -> Manifest:
        """The manifest, which is the last part."""
        made = Manifest(
            format=book.FORMAT, made_at=timezone.now().isoformat(), database=connection.vendor,
            migrations=self._migrations, rows=self._counts, files=self._files, file_bytes=self._file_bytes,
            parts=self._parts, sealed=seal_sample(),
        )  # fmt: skip
        self._writer.add(book.NAME, BytesIO(made.dumped()))
        return made

    def _each_file(self) -> Iterator[Part]:
        for stored in stored_files():
            with spool() as content:
                if _fetch(stored.key, content):
                    yield self._writer.add(f"{book.STORED}{stored.key}", content)
                    self._meter.step(content.tell())


def _fetch(key: str, into: IO[bytes]) -> bool:
    """Copy a stored file; false for one that was removed since it was listed."""
    try:
        with storages["default"].open(key) as file:
            shutil.copyfileobj(file, into, _PIECE)
    except FileNotFoundError:
        return False
    return True
