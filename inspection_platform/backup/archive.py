"""The archive: parts in, parts out, each with its SHA-256, never more than a piece of one in memory."""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

#: Most of a backup is JPEG, which does not get smaller; rows do so at any level.
_LEVEL: Final = 1
_PIECE: Final = 1 << 20
#: What is larger waits on disk while its size and hash are found.
_IN_MEMORY: Final = 8 << 20
_MODE: Final = 0o600


class BackupDamaged(Exception):
    """The file is not what was written."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an archive: its name, its size in bytes and the SHA-256 of its content in hexadecimal."""

    name: str
    size: int
    sha256: str


def spool() -> IO[bytes]:
    """A place to collect a part: memory while it is small, a temporary file when it grows."""
    return tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)


class Writer:
    """Writes parts one after the other."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def add(self, name: str, content: IO[bytes]) -> Part:
        """Add everything in `content` (seekable) as a part."""
        content.seek(0)
        part = part_measured(name, content)
        content.seek(0)
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode, entry.mtime = part.size, _MODE, int(time.time())
        self._tar.addfile(entry, content)
        return part


@contextmanager
def archive_written(path: Path) -> Iterator[Writer]:
    """Write an archive that appears under its name only when it is complete and on disk.

    Until then it is `<name>.part`, readable by its owner alone; what an earlier try left there is overwritten.
    """
    draft = path.with_name(f"{path.name}.part")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as raw:
        with (
            gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=_LEVEL) as zipped,
            tarfile.open(fileobj=zipped, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            yield Writer(tar)
        raw.flush()
        os.fsync(raw.fileno())
    draft.replace(path)


@contextmanager
def damage_told() -> Iterator[None]:
    """Turn what reading a damaged archive, or the content of one of its parts, raises into BackupDamaged."""
    try:
        yield
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise BackupDamaged(f"The file is damaged or incomplete: {error}") from error


def archive_parts(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and content of each part in order; the content can be read until the next one is asked for.

    Raises BackupDamaged for a file that is no archive, ends early or fails the checksum at its end.
    """
    with damage_told(), gzip.open(path) as zipped, tarfile.open(fileobj=zipped, mode="r|") as tar:
        for entry in tar:
            content = tar.extractfile(entry)
            if content is None:
                raise BackupDamaged(f"{entry.name} is not a part of a backup.")
            yield entry.name, content
        while zipped.read(_PIECE):
            pass  # to the end, where the checksum of the whole is compared


def part_measured(name: str, content: IO[bytes]) -> Part:
    """What a part turns out to be when it is read to its end."""
    digest = hashlib.sha256()
    size = 0
    while piece := content.read(_PIECE):
        digest.update(piece)
        size += len(piece)
    return Part(name, size, digest.hexdigest())
