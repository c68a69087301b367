"""Writing a backup: of one moment, whole or not at all, in little memory."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection
from django.db.models import Model

from assets.storage import stored_files
from inspection_platform.backup import BackupRefused, backup_check, backup_write
from inspection_platform.backup import rows as backup_rows
from inspection_platform.backup.snapshot import snapshot
from tenants.models import Event, Tenant
from tests.backup.content import files_now, rows_now
from tests.factories import House

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_storage")]


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
