"""Backups that are not restored: damaged, changed, of another version, or into a database in use."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db.utils import OperationalError
from pytest_django import Settings

from inspection_platform.backup import BackupDamaged, BackupRefused, backup_restore, backup_write
from inspection_platform.backup import rows as backup_rows
from tenants.models import User
from tests.backup.content import (
    changes,
    empty,
    files_now,
    first,
    nothing_happened,
    parts_of,
    rewritten,
    rows_now,
    with_manifest,
)
from tests.factories import House

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_storage")]


def test_a_damaged_file_is_refused_before_anything_is_touched(few: House, tmp_path: Path) -> None:
    file = tmp_path / "all.backup"
    backup_write(file)
    good = file.read_bytes()
    empty()
    middle = len(good) // 2
    broken = {
        **{f"cut at {share} %": good[: len(good) * share // 100] for share in range(10, 100, 10)},
        "cut at the end": good[:-9],
        "empty": b"",
        "not an archive": b"x" * 1000,
        "a flipped bit": good[:middle] + bytes([good[middle] ^ 16]) + good[middle + 1 :],
        "a flipped checksum": good[:-8] + bytes([good[-8] ^ 1]) + good[-7:],
    }
    for what, content in broken.items():
        file.write_bytes(content)
        with pytest.raises(BackupDamaged):
            backup_restore(file)
        assert nothing_happened(), what
    file.write_bytes(good)
    backup_restore(file)
    assert User.objects.exists()


def test_a_file_that_somebody_changed_is_refused(few: House, tmp_path: Path) -> None:
    file = tmp_path / "all.backup"
    backup_write(file)
    parts = parts_of(file)
    empty()
    row, stored = first(parts, "rows/"), first(parts, "files/")
    changed: dict[str, dict[str, bytes]] = {
        "a row": parts | {row: parts[row].replace(b"GLOBAL_ADMIN", b"GLOBAL_ADMIX")},
        "a stored file": parts | {stored: parts[stored] + b"x"},
        "a row part gone": {name: content for name, content in parts.items() if name != row},
        "a stored file gone": {name: content for name, content in parts.items() if name != stored},
        "a stored file too many": {"files/extra": b"x"} | parts,
        "a part too many": {"rows/9999-tenants.user.jsonl": b""} | parts,
        "the list": parts | {"files.jsonl": b""},
        "no manifest": {name: content for name, content in parts.items() if name != "manifest.json"},
        "half a manifest": parts | {"manifest.json": b'{"format": 1}'},
        "no JSON": parts | {"manifest.json": b"{"},
    }
    for what, content in changed.items():
        with pytest.raises(BackupDamaged):
            backup_restore(rewritten(file, content))
        assert nothing_happened(), what


@pytest.mark.parametrize("evil", ["files/../outside", "files//etc/outside", "files/a/../../outside"])
def test_a_file_cannot_leave_the_storage(few: House, own_storage: Path, tmp_path: Path, evil: str) -> None:
    file = tmp_path / "all.backup"
    backup_write(file)
    parts = parts_of(file)
    manifest = json.loads(parts["manifest.json"])
    inside = {name: content for name, content in parts.items() if not name.startswith("files/")}
    line = json.dumps({"name": evil[6:], "size": 1, "sha256": hashlib.sha256(b"x").hexdigest()}).encode() + b"\n"
    listed = [part for part in manifest["parts"] if part["name"] != "files.jsonl"]
    listed.append({"name": "files.jsonl", "size": len(line), "sha256": hashlib.sha256(line).hexdigest()})
    content = {evil: b"x"} | inside | {"files.jsonl": line}
    empty()
    with pytest.raises(BackupDamaged, match="not the name of a stored file"):
        backup_restore(rewritten(file, with_manifest(content, parts=listed, files=1)))
    assert not list(tmp_path.rglob("outside"))
    assert nothing_happened()


def test_other_versions_are_refused(few: House, tmp_path: Path) -> None:
    file = tmp_path / "all.backup"
    made = backup_write(file)
    parts = parts_of(file)
    empty()
    later = [*made.migrations, "tenants.0999_later"]
    for values, words in (
        ({"migrations": later}, "later version: tenants.0999_later"),
        ({"migrations": list(made.migrations)[:-1]}, "earlier version"),
        ({"format": 2}, "format 2"),
    ):
        with pytest.raises(BackupRefused, match=words):
            backup_restore(rewritten(file, with_manifest(parts, **values)))
        assert nothing_happened()


def test_a_database_in_use_is_refused(few: House, tmp_path: Path) -> None:
    file = tmp_path / "all.backup"
    backup_write(file)
    before = rows_now(), files_now()
    with pytest.raises(BackupRefused, match="not empty"):
        backup_restore(file)
    assert (rows_now(), files_now()) == before


def test_rows_come_all_together_or_not_at_all(few: House, tmp_path: Path) -> None:
    file = tmp_path / "all.backup"
    backup_write(file)
    rows, files = rows_now(), files_now()
    empty()
    real = backup_rows.rows_loaded
    loaded = 0

    def dies(lines: Any) -> Iterator[str]:
        nonlocal loaded
        for name in real(lines):
            loaded += 1
            if loaded == 20:
                raise KeyboardInterrupt
            yield name

    with (
        mock.patch("inspection_platform.backup.restoring.rows_loaded", dies),
        pytest.raises(KeyboardInterrupt),
    ):
        backup_restore(file)
    assert loaded == 20
    assert not User.objects.exists()
    assert Group.objects.count() == 3
    backup_restore(file)
    assert changes(rows) == []
    assert files_now() == files


def test_a_row_this_database_does_not_take_is_told(few: House, tmp_path: Path) -> None:
    file = tmp_path / "all.backup"
    backup_write(file)
    empty()
    with (
        mock.patch("inspection_platform.backup.restoring.rows_loaded", side_effect=OperationalError("no room")),
        pytest.raises(BackupRefused, match="no room"),
    ):
        backup_restore(file)
    assert not User.objects.exists()


def test_other_keys_cannot_open_it_and_are_told_so(few: House, tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "all.backup"
    call_command("backup", str(file), stdout=(out := io.StringIO()))
    assert "rows and 2 files" in out.getvalue()
    sealed = few.tenant.signing_secrets.get().sealed_value
    assert sealed.encode() in b"".join(parts_of(file).values())
    empty()
    settings.SEALING_KEYS = [Fernet.generate_key().decode()]
    call_command("restore", str(file), stdout=io.StringIO(), stderr=(told := io.StringIO()))
    assert "SEALING_KEYS" in told.getvalue()


def test_the_commands_refuse_in_words(few: House, tmp_path: Path) -> None:
    file = tmp_path / "all.backup"
    with pytest.raises(CommandError, match="No such file"):
        call_command("restore", str(file))
    with pytest.raises(CommandError, match="No such file"):
        call_command("backup", str(tmp_path / "no" / "folder"))
    call_command("backup", str(file), stdout=io.StringIO())
    call_command("restore", str(file), "--check", stdout=(out := io.StringIO()))
    assert "intact" in out.getvalue()
    with pytest.raises(CommandError, match="not empty"):
        call_command("restore", str(file))
    file.write_bytes(gzip.compress(b"x"))
    with pytest.raises(CommandError, match=r"damaged|incomplete"):
        call_command("restore", str(file), "--check")
