"""The manifest: what a backup says of itself, and whether this installation can take it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import IO, Any, Final

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from inspection_platform.backup.archive import BackupDamaged, Part
from tenants.services.sealing import SealBroken, seal, unseal

FORMAT: Final = 1
NAME: Final = "manifest.json"
FILES: Final = "files.jsonl"
ROWS: Final = "rows/"
STORED: Final = "files/"
#: Apps whose tables a backup holds rows of, or whose rows these name.
APPS: Final = ("admin", "assets", "auth", "contenttypes", "damages", "imaging", "tenants")
_SEALED: Final = "this backup"


class BackupRefused(Exception):
    """The backup is fine, but cannot be made or restored here and now."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`rows` counts them by model; `parts` are those of rows and the list of files, each with its SHA-256.

    `sealed` is a text sealed with the keys of the installation: it shows whether another one could open the secrets.
    """

    format: int
    made_at: str
    database: str
    migrations: Sequence[str]
    rows: Mapping[str, int]
    files: int
    file_bytes: int
    parts: Sequence[Part]
    sealed: str

    def dumped(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self), indent=1).encode()

    @property
    def opens_here(self) -> bool:
        """Whether the keys of this installation open what is sealed in the backup."""
        try:
            return unseal(self.sealed) == _SEALED
        except SealBroken:
            return False


def manifest_read(content: IO[bytes]) -> Manifest:
    """The manifest in a part. Raises BackupDamaged if it is none, BackupRefused for a format of a later version."""
    try:
        values: dict[str, Any] = json.loads(content.read())
        if values["format"] != FORMAT:
            raise BackupRefused(f"The backup has format {values['format']}; this version reads format {FORMAT}.")
        return Manifest(**(values | {"parts": [Part(**part) for part in values["parts"]]}))
    except (ValueError, TypeError, KeyError) as error:
        raise BackupDamaged("The manifest cannot be read.") from error


def migrations_here() -> list[str]:
    """The migrations that this database has, of the apps that matter."""
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in applied if app in APPS)


def migrations_compare(manifest: Manifest) -> None:
    """BackupRefused unless the tables here are those that the backup was made from."""
    there, here = set(manifest.migrations), set(migrations_here())
    if missing := sorted(there - here):
        raise BackupRefused(f"The backup is of a later version: {missing[0]} is not applied here.")
    if newer := sorted(here - there):
        raise BackupRefused(f"The backup is of an earlier version: it was made before {newer[0]}.")


def seal_sample() -> str:
    """A sealed text, for `opens_here`."""
    return seal(_SEALED)
