"""Listing, clean-up, backup and restore with files in an object store, through the real S3 client."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from assets.models import ImageSet, ImageSetState
from assets.services.cleanup import files_remove, received_orphans_remove
from assets.storage import stored_files
from damages.services.cleanup import image_sets_prune
from inspection_platform.backup import backup_restore, backup_write
from inspection_platform.env import storage_config
from tests import factories
from tests.factories import House
from tests.object_store import ObjectStore, object_store

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture(params=["", "/some/folder"], autouse=True)
def store(request: pytest.FixtureRequest, settings: Settings) -> Iterator[ObjectStore]:
    """A store that gives three objects a page; once with the platform's files in a folder of the bucket."""
    with object_store(page=3) as made:
        url = f"s3://access:secret@bucket{request.param}?endpoint={made.address}&region=eu-north-1"
        settings.STORAGES = settings.STORAGES | {"default": storage_config(url)}
        settings.FILE_UPLOAD_TEMP_DIR = None
        made.objects["bucket/some/other.jpg"] = made.objects["other-bucket/x"] = b"not ours"
        made.written |= dict.fromkeys(made.objects, timezone.now() - 9 * DAY)
        yield made


def ours_in(store: ObjectStore) -> set[str]:
    """Keys of stored objects, strangers left out."""
    return {key for key, body in store.objects.items() if body != b"not ours"}


def put(store: ObjectStore, key: str, *, age: timedelta = 2 * DAY) -> str:
    """A stored file written some time ago."""
    before = set(store.objects)
    assert default_storage.save(key, ContentFile(b"x")) == key
    (path,) = set(store.objects) - before
    store.written[path] = timezone.now() - age
    return key


def test_files_are_listed_page_by_page(store: ObjectStore) -> None:
    keys = {put(store, f"published/{number}/ö &.jpg") for number in range(7)} | {put(store, "received/x/a.jpg")}
    listing = stored_files("published/")
    first = next(listing)
    assert store.listings == 1
    assert first.size == 1
    assert abs(timezone.now() - 2 * DAY - first.modified) < timedelta(minutes=1)
    assert {first.key, *(file.key for file in listing)} == {key for key in keys if key.startswith("published/")}
    assert store.listings > 2
    everything = {file.key for file in stored_files()} - {"some/other.jpg"}
    assert everything == keys


def test_orphans_go_from_the_store(ours: House, store: ObjectStore) -> None:
    row = factories.image_set(ours.tenant)
    for key in store.objects:
        store.written[key] = timezone.now() - 2 * DAY
    orphans = [put(store, f"received/{uuid4()}/a.jpg") for _ in range(4)] + [put(store, f"received/{row.pk}/b.jpg")]
    young = put(store, f"received/{uuid4()}/a.jpg", age=timedelta(hours=1))
    before = timezone.now() - DAY
    assert received_orphans_remove(before=before, dry_run=True) == 5
    assert received_orphans_remove(before=before) == 5
    assert not any(default_storage.exists(key) for key in orphans)
    assert default_storage.exists(young)
    assert default_storage.exists(str(row.images.get().received.name))


def test_abandoned_sets_take_their_objects_along(ours: House, store: ObjectStore) -> None:
    factories.image_set(ours.tenant, photos=2, state=ImageSetState.OPEN)
    then = timezone.now() - 40 * DAY
    ImageSet.objects.of(ours.tenant.pk).update(submitted_at=None, created_at=then)
    assert len(ours_in(store)) == 4
    assert image_sets_prune(before=timezone.now() - 30 * DAY) == 1
    assert ours_in(store) == set()


@pytest.mark.django_db(transaction=True)
def test_a_backup_brings_the_objects_back(ours: House, store: ObjectStore, tmp_path: Path) -> None:
    factories.image_set(ours.tenant, photos=2)
    del store.objects["bucket/some/other.jpg"]
    before = {key: store.objects[key] for key in ours_in(store)}
    made = backup_write(tmp_path / "all.backup")
    assert made.files == len(before) == 4
    call_command("flush", interactive=False, verbosity=0)
    files_remove([file.key for file in stored_files()])
    assert ours_in(store) == set()
    backup_restore(tmp_path / "all.backup")
    assert {key: store.objects[key] for key in ours_in(store)} == before
    assert ImageSet.objects.of(ours.tenant.pk).count() == 1
