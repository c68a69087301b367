"""Announced images in an object store: its policies, the look at submission, the job that takes the files.

With TEST_S3_URL (as STORAGE_URL, a bucket of its own) the tests talk to that store instead of the small one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from assets.models import ImageSet, ImageSetState, UploadState
from assets.services.inspections import image_set_open
from assets.services.staging import announced_orphans_remove
from assets.storage import stored_files
from inspection_platform.api import presigned
from inspection_platform.env import storage_config
from tenants.models import User
from tests import factories, media
from tests.api.conftest import Headers
from tests.object_store import SECRET, object_store

pytestmark = pytest.mark.django_db
Post = Callable[..., Any]
PHOTO = media.jpeg(640, 480, seed=1)


@pytest.fixture(params=["", "some/folder/"], autouse=True)
def folder(request: pytest.FixtureRequest, settings: Settings) -> Iterator[str]:
    """A store, once with the platform's files in a folder of the bucket."""
    settings.FILE_UPLOAD_TEMP_DIR = None
    real = os.environ.get("TEST_S3_URL", "")
    if real:
        place, _, query = real.partition("?")
        settings.STORAGES = settings.STORAGES | {
            "default": storage_config(f"{place.rstrip('/')}/{uuid4()}/{request.param}?{query}")
        }
        storage: Any = storages["default"]
        storage.connection.create_bucket(Bucket=storage.bucket_name)
        yield request.param
        return
    with object_store() as made:
        url = f"s3://access:{SECRET}@bucket/{request.param}?endpoint={made.address}&region=eu-north-1"
        settings.STORAGES = settings.STORAGES | {"default": storage_config(url)}
        yield request.param


@pytest.fixture
def image_set(ours: factories.House) -> ImageSet:
    return image_set_open(tenant=ours.tenant)


@pytest.fixture
def post(client: Client, ours: factories.House, image_set: ImageSet, bearer: Callable[[User], Headers]) -> Post:
    def posted(name: str, body: Any) -> Any:
        path = f"/core/v1/imageSets/{image_set.pk}/{name}"
        return client.post(path, body, "application/json", headers=bearer(ours.staff))

    return posted


def forms(post: Post, *names: str, **extra: Any) -> list[dict[str, Any]]:
    files = [{"fileName": name, "contentType": "image/jpeg", **extra} for name in names]
    return [item["upload"] for item in post("images", {"files": files}).json()["data"]["items"]]


def put(form: dict[str, Any], data: bytes, **changes: str) -> int:
    fields = {**form["fields"], **changes}
    return httpx.post(form["url"], data=fields, files={"file": ("x", data)}, timeout=10).status_code


def test_an_announced_photo_goes_through_the_store(post: Post, image_set: ImageSet, drain: Callable[[], int]) -> None:
    (form,) = forms(post, "1.jpg", size=len(PHOTO), camera="topLeft")
    assert put(form, PHOTO) == 204
    assert [file.size for file in stored_files("announced/")] == [len(PHOTO)]
    assert post("submit", {}).status_code == 200
    drain()
    image = image_set.images.get()
    assert (image.camera, image.name, image.size) == ("topLeft", "1.jpg", len(PHOTO))
    with image.received.open("rb") as file:
        assert file.read() == PHOTO
    assert [file.key for file in stored_files("received/")] == [image.received.name]
    assert list(stored_files("announced/")) == []
    image_set.refresh_from_db()
    assert image_set.state in {ImageSetState.READY, ImageSetState.REJECTED}
    assert {file.key.rpartition(".")[2] for file in stored_files("published/")} == {"jpg", "webp"}


def test_the_policy_names_key_type_and_size(post: Post) -> None:
    (form,) = forms(post, "1.jpg", size=1000)
    assert put(form, b"x" * 1001) == 400
    assert put(form, b"") == 400
    assert put(form, b"x" * 1000, key="received/other.jpg") == 403
    assert put(form, b"x" * 1000, **{"Content-Type": "text/html"}) == 403
    assert put(form, b"x" * 1000, **{"x-amz-signature": "0" * 64}) == 403
    assert list(stored_files()) == []


def test_a_form_is_good_for_its_tenants_file_alone(
    post: Post, client: Client, outsider: factories.House, bearer: Callable[[User], Headers]
) -> None:
    (mine,) = forms(post, "1.jpg")
    path = f"/core/v1/imageSets/{image_set_open(tenant=outsider.tenant).pk}/images"
    body = {"files": [{"fileName": "1.jpg", "contentType": "image/jpeg"}]}
    answer = client.post(path, body, "application/json", headers=bearer(outsider.staff))
    theirs = answer.json()["data"]["items"][0]["upload"]
    assert mine["fields"]["key"] != theirs["fields"]["key"]
    assert put(theirs, PHOTO, key=mine["fields"]["key"]) == 403
    assert put(theirs, PHOTO, policy=mine["fields"]["policy"]) == 403
    assert list(stored_files()) == []
    assert put(theirs, PHOTO) == 204
    assert [file.key.endswith(theirs["fields"]["key"].rpartition("/")[2]) for file in stored_files()] == [True]


def test_a_form_ends(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presigned, "UPLOAD_SECONDS", 1)
    (form,) = forms(post, "1.jpg")
    time.sleep(2.1)
    assert put(form, PHOTO) == 403


def test_what_cannot_be_taken_is_named_at_submission(post: Post, image_set: ImageSet) -> None:
    good, _, other, disguised = forms(post, "good.jpg", "missing.jpg", "other.jpg", "disguised.jpg")
    assert [put(good, PHOTO), put(other, b"x" * 10), put(disguised, media.disguised())] == [204, 204, 204]
    refused = post("submit", {})
    assert refused.status_code == 409
    words = "Its content is neither a photo nor a video that is accepted."
    assert refused.json()["errors"] == {
        "missing.jpg": ["It was not uploaded."], "other.jpg": [words], "disguised.jpg": [words],
    }  # fmt: skip
    assert post("submit", {"leaveOut": True}).status_code == 200
    states = list(image_set.uploads.order_by("position").values_list("state", flat=True))
    assert states == [UploadState.WAITING, UploadState.REFUSED, UploadState.REFUSED, UploadState.REFUSED]


@pytest.mark.parametrize(
    ("data", "extra", "words"),
    [
        (media.truncated(PHOTO), {}, "its end is missing"),
        (PHOTO, {"sha256": "0" * 64}, "SHA-256"),
    ],
)
def test_the_job_judges_the_whole_file(
    post: Post, image_set: ImageSet, drain: Callable[[], int], data: bytes, extra: dict[str, Any], words: str
) -> None:
    good, bad = (*forms(post, "good.jpg"), *forms(post, "bad.jpg", **extra))
    assert [put(good, media.jpeg(seed=2)), put(bad, data)] == [204, 204]
    assert post("submit", {}).status_code == 200
    drain()
    refused = image_set.uploads.get(name="bad.jpg")
    assert (refused.state, words in refused.reason, refused.file.name) == (UploadState.REFUSED, True, "")
    assert image_set.images.count() == 1
    assert list(stored_files("announced/")) == []


def test_a_file_that_vanished_is_refused(post: Post, image_set: ImageSet, drain: Callable[[], int]) -> None:
    (form,) = forms(post, "1.jpg")
    assert put(form, PHOTO) == 204
    assert post("submit", {}).status_code == 200
    default_storage.delete(str(image_set.uploads.get().file.name))
    drain()
    assert image_set.uploads.get().reason == "It is not in the object store any more."


def test_what_no_set_waits_for_is_cleaned_up(post: Post, image_set: ImageSet) -> None:
    awaited, left = forms(post, "1.jpg", "2.jpg")
    assert [put(awaited, PHOTO), put(left, PHOTO)] == [204, 204]
    image_set.uploads.filter(name="2.jpg").delete()
    default_storage.save(f"announced/{uuid4()}/{uuid4()}", ContentFile(b"x"))
    later = timezone.now() + timedelta(hours=1)
    assert announced_orphans_remove(before=timezone.now() - timedelta(hours=1)) == 0
    assert announced_orphans_remove(before=later, dry_run=True) == 2
    assert announced_orphans_remove(before=later) == 2
    assert [file.key for file in stored_files("announced/")] == [str(image_set.uploads.get().file.name)]
