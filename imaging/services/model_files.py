"""Files of uploaded models: sealed in storage, and a copy of those that are used on each machine.

Copies that no version needs go with the daily clean-up of their machine. It leaves those alone that somebody asked for
lately; a worker that is handed a copy at the very moment it goes asks for it again (`model_versions.version_load`).
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import Q

from assets.services.cleanup import files_remove
from assets.storage import stored_files
from imaging.ml.card import Card, CardError, ModelFile, card_parse
from imaging.models import CandidateFile, ModelVersion, VersionState

_PIECE: Final = 1 << 20
#: How copies are named, and while they arrive.
_COPY: Final = re.compile(r"[0-9a-f]{64}\.tflite|tmp[a-z0-9_]{8}\.part")


def files_store(version_id: UUID, contents: Mapping[str, bytes]) -> list[CandidateFile]:
    """Put files (name -> bytes) into storage; returns their rows, which the caller saves."""
    return [_stored(version_id, name, content) for name, content in contents.items()]


def _stored(version_id: UUID, name: str, content: bytes) -> CandidateFile:
    digest = hashlib.sha256(content).hexdigest()
    key = default_storage.save(f"models/{version_id}/{digest}.tflite", ContentFile(content))
    return CandidateFile(model_version_id=version_id, name=name, sha256=digest, size=len(content), file=key)


def model_orphans_remove(*, before: datetime, dry_run: bool = False) -> int:
    """Remove files of models, written before this moment, that no version has; how many there were.

    They are left by a process that died between storing files and their rows, or the other way about.
    """
    old = [file.key for file in stored_files("models/") if file.modified < before]
    named = set(CandidateFile.objects.filter(file__in=old).values_list("file", flat=True))
    orphans = [key for key in old if key not in named]
    return len(orphans) if dry_run else files_remove(orphans)


def model_copies_remove(*, asked_before: datetime, needed_since: datetime, dry_run: bool = False) -> int:
    """Remove this machine's copies that no version needs and nobody asked for since `asked_before`; returns how many.

    Needed are those of versions that speak or look in shadow, and of candidates and former ones that something was done
    with since `needed_since`: they may be wanted soon. Whatever goes can be fetched again while its version has files.
    """
    old = [path for path in _copies() if _asked(path) < asked_before]
    needed = _needed(since=needed_since) if old else set()
    gone = [path for path in old if path.stem not in needed]
    if not dry_run:
        for path in gone:
            _remove(path, asked_before)
    return len(gone)


def _needed(*, since: datetime) -> set[str]:
    """Digests of the files of versions that are in use, or may be soon."""
    is_used = Q(model_version__state__in=[VersionState.CURRENT, VersionState.SHADOW])
    may_be = Q(model_version__state__in=[VersionState.CANDIDATE, VersionState.FORMER])
    rows = CandidateFile.objects.filter(is_used | may_be & Q(model_version__modified_at__gte=since))
    return set(rows.values_list("sha256", flat=True))


def _copies() -> list[Path]:
    """The copies on this machine, and what downloads left that were cut off; other files there are not ours."""
    folder = Path(settings.MODEL_CACHE_DIR)
    return [path for path in folder.iterdir() if _COPY.fullmatch(path.name)] if folder.is_dir() else []


def _asked(path: Path) -> datetime:
    """When a copy was asked for last, or written; now if it is gone."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return datetime.now(UTC)


def _remove(path: Path, asked_before: datetime) -> None:
    """Remove a copy, unless somebody asked for it since we looked. A process that has read it needs it no more."""
    if _asked(path) < asked_before:
        path.unlink(missing_ok=True)


def card_local(version: ModelVersion) -> Card:
    """The card of an uploaded version with its files on this machine; CardError when one cannot be had."""
    stored = {row.name: row for row in version.files.all()}
    card = card_parse(version.card, settings.MODEL_CACHE_DIR)
    return replace(card, files=tuple(_local(file, stored) for file in card.files))


def _local(file: ModelFile, stored: Mapping[str, CandidateFile]) -> ModelFile:
    """The file as it lies on this machine; one of a locked package is there already."""
    if file.package is not None:
        return file
    row = stored.get(file.path.name)
    if row is None or row.sha256 != file.sha256:
        raise CardError(f"{file.path.name} was not uploaded with its card")
    return replace(file, path=_fetched(row))


def _fetched(row: CandidateFile) -> Path:
    """Path of the copy, whole and verified. It is named by its digest, so that any number of processes may share it.

    Its time tells the clean-up that it was asked for.
    """
    place = Path(settings.MODEL_CACHE_DIR) / f"{row.sha256}.tflite"
    if _is_here(place, row.sha256):
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=place.parent, suffix=".part", delete=False) as draft:
        path = Path(draft.name)
    try:
        _download(row, path)
        path.replace(place)
    finally:
        path.unlink(missing_ok=True)
    return place


def _is_here(place: Path, digest: str) -> bool:
    """Whether the copy is here and whole; it counts as asked for now, before it is looked at."""
    with suppress(OSError):  # it is not here, or belongs to another installation on this machine
        os.utime(place)
    return _digest_of(place) == digest


def _download(row: CandidateFile, path: Path) -> None:
    try:
        with default_storage.open(str(row.file.name)) as source, path.open("wb") as target:
            while piece := source.read(_PIECE):
                target.write(piece)
    except FileNotFoundError as error:
        raise CardError(f"{row.name} of {row.model_version} is not in storage") from error
    if _digest_of(path) != row.sha256:
        raise CardError(f"{row.name} of {row.model_version} is not what was uploaded: the sha256 differs")


def _digest_of(path: Path) -> str:
    """The digest of a file; "" if there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""
