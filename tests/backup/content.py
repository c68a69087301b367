"""What the tests of backups compare: all rows, all files, and the parts of a backup."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db.models import Field, Model

from assets.storage import stored_files
from inspection_platform.backup.rows import label, models_saved, rows_of
from tenants.models import User

Content = dict[str, Any]


def plain(field: Field[Any, Any], row: Model) -> Any:
    """A value that compares alike on both databases; content types have other keys in each."""
    value = field.value_from_object(row)
    if field.related_model is ContentType:
        return ContentType.objects.get(pk=value).natural_key()
    return value.isoformat() if isinstance(value, datetime) else value


def joined(row: Model, name: str) -> list[str]:
    """What a row is joined to; permissions have other keys in each database."""
    return sorted(
        str(other.natural_key() if isinstance(other, Permission) else other.pk) for other in getattr(row, name).all()
    )


def rows_now() -> dict[str, list[Content]]:
    """Every row of every model, with its columns and the keys it is joined to."""
    found: dict[str, list[Content]] = {}
    for model in models_saved():
        joins = [field.name for field in model._meta.local_many_to_many]
        found[label(model)] = [
            {field.attname: plain(field, row) for field in model._meta.concrete_fields}
            | {name: joined(row, name) for name in joins}
            for row in rows_of(model)
        ]
    return found


def changes(before: dict[str, list[Content]]) -> list[str]:
    """What is different now, in words."""
    now = rows_now()
    found = [
        f"{name}: {len(now[name])} rows, not {len(before[name])}" for name in now if len(now[name]) != len(before[name])
    ]
    for name, rows in now.items():
        for row, old in zip(rows, before[name], strict=False):
            found += [f"{name}.{key}: {row[key]!r}, not {old[key]!r}" for key in row if row[key] != old[key]]
    return found


def files_now() -> dict[str, str]:
    """Every stored file with the hash of its content."""
    found = {}
    for file in stored_files():
        with default_storage.open(file.key) as content:
            found[file.key] = hashlib.sha256(content.read()).hexdigest()
    return found


def empty() -> None:
    """The installation as it is after `migrate`."""
    call_command("flush", interactive=False, verbosity=0)
    for key in list(files_now()):
        default_storage.delete(key)


def parts_of(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {entry.name: _content(tar, entry) for entry in tar}


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(entry)
    assert file is not None, f"{entry.name} is no file"
    return file.read()


def rewritten(file: Path, parts: dict[str, bytes]) -> Path:
    """The same kind of file with other parts."""
    with tarfile.open(file, "w:gz") as tar:
        for name, content in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return file


def nothing_happened() -> bool:
    return not User.objects.exists() and not files_now() and set(Group.objects.values_list("name", flat=True)) != set()


def first(parts: dict[str, bytes], prefix: str) -> str:
    return next(name for name in parts if name.startswith(prefix))


def with_manifest(content: dict[str, bytes], **values: Any) -> dict[str, bytes]:
    manifest = json.loads(content["manifest.json"]) | values
    return content | {"manifest.json": json.dumps(manifest).encode()}
