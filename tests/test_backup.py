"""Backup and restore: nothing is lost, nothing is changed, nothing half-done is left, on either database."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import weakref
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Field, Model
from django.db.utils import OperationalError
from pytest_django import Settings

from assets.models import ImageSet
from assets.storage import stored_files
from inspection_platform.backup import BackupDamaged, BackupRefused, backup_check, backup_restore, backup_write
from inspection_platform.backup import rows as backup_rows
from inspection_platform.backup.rows import label, models_saved, rows_of
from inspection_platform.backup.snapshot import snapshot
from tenants.models import Event, Tenant, User
from tenants.services.keys import api_key_find
from tenants.services.settings import tenant_create
from tests import factories
from tests.admin_rows import MAKERS, make
from tests.factories import House

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_storage")]

ROOT = Path(__file__).resolve().parents[1]
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


@pytest.fixture(autouse=True)
def as_migrated() -> None:
    """Tests with transactions begin without permissions; an installation has them."""
    call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def everything(ours: House, outsider: House) -> tuple[dict[str, list[Content]], dict[str, str]]:
    """Rows of every model there is, and files; what they are."""
    for house in (ours, outsider):
        factories.image_set(house.tenant, photos=2)
    for model in MAKERS:
        make(model, ours)
    ours.staff.user_permissions.add(Permission.objects.get(codename="view_car"))
    ours.staff.first_name = "Ærlend 'quoted' \\ \u2028 line"
    ours.staff.save()
    kind = ContentType.objects.get_for_model(Tenant)
    LogEntry.objects.create(
        user=ours.staff, content_type=kind, object_id=str(ours.tenant.pk), object_repr="x", action_flag=CHANGE
    )
    default_storage.save("logos/a b/ünï.png", ContentFile(b"logo"))
    default_storage.save("empty", ContentFile(b""))
    return rows_now(), files_now()


@pytest.fixture
def few(ours: House) -> House:
    """A small installation: one photo, one house."""
    factories.image_set(ours.tenant)
    return ours


def test_every_model_is_saved(everything: Any) -> None:
    rows, _ = everything
    saved = {label(model) for model in models_saved()}
    assert {label(model) for model in MAKERS} <= saved
    assert {name for name, found in rows.items() if not found and not name.startswith(("assets.historical",))} <= {
        name for name in saved if "historical" in name
    }


@pytest.mark.parametrize("per_part", [backup_rows.PER_PART, 3])
def test_a_round_trip_changes_nothing(
    everything: Any, ours: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, per_part: int
) -> None:
    monkeypatch.setattr(backup_rows, "PER_PART", per_part)
    monkeypatch.setattr(backup_rows, "_FETCHED", min(per_part, backup_rows._FETCHED))
    rows, files = everything
    file = tmp_path / "all.backup"
    made = backup_write(file)
    assert (rows_now(), files_now()) == (rows, files)
    assert made.rows == {name: len(found) for name, found in rows.items()}
    assert (made.files, made.opens_here) == (len(files), True)
    sizes = [content.count(b"\n") for name, content in parts_of(file).items() if name.startswith("rows/")]
    assert max(sizes) == (per_part if per_part == 3 else max(made.rows.values()))
    empty()
    assert rows_now() != rows
    backup_restore(file)
    assert files_now() == files
    assert changes(rows) == []
    key = api_key_find(family="inspektlabs", value=ours.keys["inspektlabs"])
    assert key is not None
    assert User.objects.get(pk=ours.staff.pk).check_password(factories.PASSWORD)


def test_life_goes_on_after_a_restore(few: House, tmp_path: Path) -> None:
    Group.objects.create(name="zzz")
    file = tmp_path / "all.backup"
    backup_write(file)
    empty()
    backup_restore(file)
    Group.objects.create(name="later")
    few.staff.groups.add(Group.objects.get(name="later"))
    assert tenant_create(name="Later").pk
    assert call_command("migrate", verbosity=0) is None


def parts_of(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]  # all are files


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


def _first(parts: dict[str, bytes], prefix: str) -> str:
    return next(name for name in parts if name.startswith(prefix))


def test_a_file_that_somebody_changed_is_refused(few: House, tmp_path: Path) -> None:
    file = tmp_path / "all.backup"
    backup_write(file)
    parts = parts_of(file)
    empty()
    row, stored = _first(parts, "rows/"), _first(parts, "files/")
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


def with_manifest(content: dict[str, bytes], **values: Any) -> dict[str, bytes]:
    manifest = json.loads(content["manifest.json"]) | values
    return content | {"manifest.json": json.dumps(manifest).encode()}


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
    for changes, words in (
        ({"migrations": later}, "later version: tenants.0999_later"),
        ({"migrations": list(made.migrations)[:-1]}, "earlier version"),
        ({"format": 2}, "format 2"),
    ):
        with pytest.raises(BackupRefused, match=words):
            backup_restore(rewritten(file, with_manifest(parts, **changes)))
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


@pytest.mark.parametrize("death", [KeyboardInterrupt, OSError])
def test_a_backup_that_dies_leaves_no_backup(few: House, tmp_path: Path, death: type[BaseException]) -> None:
    file = tmp_path / "all.backup"
    with mock.patch.object(FileSystemStorage, "open", side_effect=death), pytest.raises(death):
        backup_write(file)
    assert not file.exists()
    backup_write(file)
    assert backup_check(file).files == len(files_now())
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [file.name]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_backup_overwrites_nothing_and_does_not_hold_itself(few: House, tmp_path: Path, own_storage: Path) -> None:
    file = tmp_path / "all.backup"
    file.write_text("precious")
    with pytest.raises(BackupRefused, match="exists"):
        backup_write(file)
    assert file.read_text() == "precious"
    with pytest.raises(BackupRefused, match="among the stored files"):
        backup_write(own_storage / "all.backup")


def test_files_removed_meanwhile_are_left_out(few: House, tmp_path: Path) -> None:
    listed = [*stored_files()]
    default_storage.delete(listed[0].key)
    file = tmp_path / "all.backup"
    with mock.patch("inspection_platform.backup.saving.stored_files", return_value=listed):
        assert backup_write(file).files == len(listed) - 1
    assert backup_check(file).files == len(listed) - 1


def test_a_backup_is_of_one_moment_and_blocks_nobody(few: House, tmp_path: Path) -> None:
    """Somebody writes, through a connection of their own, while the backup reads."""
    moment = rows_now()["tenants.tenant"]
    other = connection.copy()
    try:
        with snapshot():
            assert Tenant.objects.count() == len(moment)
            with other.cursor() as cursor:
                cursor.execute("UPDATE tenants_tenant SET name = 'renamed'")
            other.commit() if not other.get_autocommit() else None
            assert [row["name"] for row in rows_now()["tenants.tenant"]] == [row["name"] for row in moment]
        assert [row["name"] for row in rows_now()["tenants.tenant"]] == ["renamed"]
    finally:
        other.close()


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


def elsewhere(place: Path, *arguments: str) -> str:
    """Run a command in an installation with an SQLite database and a storage of its own."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "inspection_platform.settings",
        "DATABASE_URL": f"sqlite:///{place / 'db.sqlite3'}",
        "STORAGE_URL": f"file://{place / 'media'}",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_from_this_database_to_sqlite_and_back(everything: Any, tmp_path: Path) -> None:
    """With TEST_DATABASE_URL it goes from PostgreSQL to SQLite and back to PostgreSQL."""
    rows, files = everything
    there, first, second = tmp_path / "there", tmp_path / "first.backup", tmp_path / "second.backup"
    there.mkdir()
    backup_write(first)
    elsewhere(there, "migrate", "-v0")
    elsewhere(there, "restore", str(first))
    elsewhere(there, "backup", str(second))
    empty()
    assert backup_restore(second).database == "sqlite"
    assert files_now() == files
    assert changes(rows) == []


def test_microseconds_survive(few: House, tmp_path: Path) -> None:
    rows = ImageSet.objects.of(few.tenant.pk)
    moment = rows.get().recorded_at.replace(microsecond=123456)
    rows.update(recorded_at=moment, created_at=moment + timedelta(microseconds=1))
    file = tmp_path / "all.backup"
    backup_write(file)
    empty()
    backup_restore(file)
    assert rows.get().created_at - rows.get().recorded_at == timedelta(microseconds=1)


def test_memory_does_not_grow_with_the_rows(ours: House, tmp_path: Path) -> None:
    """Rows pass through in batches: at no time are many of them alive."""
    Event.objects.of(ours.tenant.pk).bulk_create(
        [
            Event(tenant=ours.tenant, kind="k", subject_id=ours.tenant.pk, ordering_key="o", sequence=number)
            for number in range(1, 9001)
        ]
    )
    alive = most = 0
    made, gone = Model.__init__, []

    def counted(self: Any, *args: Any, **kwargs: Any) -> None:
        nonlocal alive, most
        made(self, *args, **kwargs)
        if isinstance(self, Event):
            alive += 1
            most = max(most, alive)
            gone.append(weakref.finalize(self, died))

    def died() -> None:
        nonlocal alive
        alive -= 1

    with mock.patch.object(Model, "__init__", counted):
        backup_write(tmp_path / "all.backup")
    assert len(gone) == 9000
    assert most <= 3 * backup_rows._FETCHED
