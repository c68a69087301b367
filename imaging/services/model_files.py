"""Files of uploaded models: sealed in storage, and a copy of those that are used on each machine."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from assets.services.cleanup import files_remove
from assets.storage import stored_files
from imaging.ml.card import Card, CardError, ModelFile, card_parse
from imaging.models import CandidateFile, ModelVersion

_PIECE: Final = 1 << 20


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
    """Path of the copy, whole and verified. It is named by its digest, so that any number of processes may share it."""
    place = Path(settings.MODEL_CACHE_DIR) / f"{row.sha256}.tflite"
    if _digest_of(place) == row.sha256:
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
