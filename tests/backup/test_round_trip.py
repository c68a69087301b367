"""Backup and restore: nothing is lost and nothing is changed, on either database."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command

from assets.models import ImageSet
from inspection_platform.backup import backup_restore, backup_write
from inspection_platform.backup import rows as backup_rows
from inspection_platform.backup.rows import label, models_saved
from tenants.models import User
from tenants.services.keys import api_key_find
from tenants.services.settings import tenant_create
from tests import factories
from tests.admin_rows import MAKERS
from tests.backup.content import changes, empty, files_now, parts_of, rows_now
from tests.factories import House

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_storage")]

ROOT = Path(__file__).resolve().parents[2]


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
