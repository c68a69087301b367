"""Clean-up of sessions and files: what goes, and above all what stays."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from assets.models import Image, ImageSet, ImageSetState, Submission, SubmissionState
from assets.services import cleanup
from assets.services.cleanup import incoming_leftovers_remove, received_orphans_remove, submissions_prune
from assets.services.submissions import submission_issue
from assets.storage import stored_files
from tests import factories
from tests.factories import House

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage")]

DAY = timedelta(days=1)


def yesterday() -> datetime:
    return timezone.now() - DAY


def put(key: str, *, age: timedelta = 2 * DAY) -> str:
    """A stored file written some time ago."""
    default_storage.save(key, ContentFile(b"x"))
    aged(Path(default_storage.path(key)), age)
    return key


def aged(path: Path, age: timedelta) -> Path:
    then = (timezone.now() - age).timestamp()
    os.utime(path, (then, then))
    return path


def issued(house: House, *, days: int, state: str = SubmissionState.ISSUED) -> Submission:
    made = submission_issue(tenant=house.tenant, family="inspektlabs")
    rows = Submission.objects.of(house.tenant.pk).filter(pk=made.pk)
    rows.update(state=state, created_at=timezone.now() - timedelta(days=days))
    return rows.get()


def test_sessions_nobody_used_go(ours: House, outsider: House) -> None:
    gone = [issued(ours, days=31), issued(outsider, days=400)]
    kept = [issued(ours, days=29), issued(ours, days=31, state=SubmissionState.RECEIVED)]
    with_set = issued(ours, days=31)
    ImageSet(tenant=ours.tenant, submission=with_set, recorded_at=timezone.now()).save()
    before = timezone.now() - timedelta(days=30)
    assert submissions_prune(before=before, dry_run=True) == len(gone)
    assert submissions_prune(before=before) == len(gone)
    left = Submission.objects.all_tenants("test").values_list("pk", flat=True)
    assert set(left) == {row.pk for row in [*kept, with_set]}


def test_sessions_go_in_batches(ours: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenants.services.batches.batch_lock.__kwdefaults__", {"size": 3})
    for _ in range(8):
        issued(ours, days=31)
    assert submissions_prune(before=timezone.now()) == 8
    assert submissions_prune(before=timezone.now()) == 0


def test_received_files_without_a_row_go(ours: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "_FILES_AT_A_TIME", 2)
    row = factories.image_set(ours.tenant, photos=2)
    named = [str(image.received.name) for image in row.images.all()]
    for key in named:
        aged(Path(default_storage.path(key)), 2 * DAY)
    orphans = [put(f"received/{row.pk}/left.jpg"), *(put(f"received/{uuid4()}/a.jpg") for _ in range(5))]
    kept = [
        put(f"received/{uuid4()}/young.jpg", age=timedelta(hours=23)),
        put("received/strange/a.jpg"),
        put(f"received/{uuid4()}/deep/a.jpg"),
        put(f"published/{uuid4()}/a.jpg"),
    ]
    assert received_orphans_remove(before=yesterday(), dry_run=True) == len(orphans)
    assert all(default_storage.exists(key) for key in orphans)
    assert received_orphans_remove(before=yesterday()) == len(orphans)
    assert not any(default_storage.exists(key) for key in orphans)
    assert all(default_storage.exists(key) for key in [*named, *kept])
    assert not default_storage.exists(orphans[1].rpartition("/")[0])


@pytest.mark.parametrize("state", [ImageSetState.OPEN, ImageSetState.PROCESSING])
def test_files_of_a_set_on_the_move_stay(ours: House, state: str) -> None:
    row = factories.image_set(ours.tenant, photos=0, state=state)
    key = put(f"received/{row.pk}/soon.jpg")
    assert received_orphans_remove(before=yesterday()) == 0
    assert default_storage.exists(key)


def test_a_removed_photos_file_is_not_an_orphan(ours: House) -> None:
    row = factories.image_set(ours.tenant)
    image = row.images.get()
    Image.objects.of(ours.tenant.pk).update(deleted_at=timezone.now(), upload=None)
    aged(Path(default_storage.path(str(image.received.name))), 2 * DAY)
    assert received_orphans_remove(before=yesterday()) == 0


@pytest.fixture
def incoming(own_storage: Path) -> Path:
    return own_storage / ".incoming"


def test_half_received_files_go_and_nothing_else(incoming: Path) -> None:
    gone, kept = ["tmpabcd123_", "tmp0123abcd.upload", "tmpabcdefgh.uploadpart"], ["notes.txt", "tmpdir", "tmpABCDEFGH"]
    for name in [*gone, *kept]:
        (incoming / name).write_bytes(b"x")
        aged(incoming / name, 2 * DAY)
    (incoming / "tmpyoung123").write_bytes(b"x")
    (incoming / "tmpabcdefg1").mkdir()
    aged(incoming / "tmpabcdefg1", 2 * DAY)
    assert incoming_leftovers_remove(before=yesterday(), dry_run=True) == len(gone)
    assert incoming_leftovers_remove(before=yesterday()) == len(gone)
    assert {path.name for path in incoming.iterdir()} == {*kept, "tmpyoung123", "tmpabcdefg1"}


def test_what_is_stored_is_listed_without_uploads_under_way(incoming: Path) -> None:
    key = put(f"received/{uuid4()}/a.jpg", age=3 * DAY)
    (incoming / "tmpabcdefgh").write_bytes(b"half")
    listed = {file.key: file for file in stored_files()}
    assert listed[key].size == 1
    assert abs(listed[key].modified - (datetime.now(UTC) - 3 * DAY)) < timedelta(minutes=1)
    assert not any("incoming" in name for name in listed)
    assert [file.key for file in stored_files(key.rpartition("/")[0] + "/")] == [key]
    assert list(stored_files("no/such/folder/")) == []
