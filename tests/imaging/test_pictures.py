"""Published pictures and their thumbnails come and go together."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image as Picture

from assets.models import Image
from assets.pictures import thumbnail_keys
from assets.services.cleanup import files_of_sets, files_remove
from imaging.services.pictures import picture_publish, picture_withdraw
from tests import factories, media

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(ours: factories.House, own_storage: Path) -> Image:
    return factories.image_set(ours.tenant, photos=1, published=False).images.get()


def files(root: Path, image: Image) -> set[str]:
    return {path.name.removeprefix(str(image.pk)) for path in (root / "published").rglob("*") if path.is_file()}


def small_pictures(image: Image) -> list[bytes]:
    found = []
    for key in thumbnail_keys(str(image.published.name)):
        with default_storage.open(key) as file:
            found.append(file.read())
    return found


def test_publishing_makes_both_thumbnails(image: Image, own_storage: Path) -> None:
    picture_publish(image=image, data=media.jpeg(1600, 1200), faces_blurred_at=None)
    assert image.has_thumbnails
    assert files(own_storage, image) == {".jpg", ".small.webp", ".large.webp"}


def test_publishing_anew_replaces_the_thumbnails(image: Image) -> None:
    picture_publish(image=image, data=media.jpeg(640, 480, seed=1), faces_blurred_at=None)
    before = small_pictures(image)
    picture_publish(image=image, data=media.jpeg(640, 480, seed=2), faces_blurred_at=timezone.now())
    after = small_pictures(image)
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert Picture.open(io.BytesIO(after[0])).size == (320, 240)


def test_withdrawing_leaves_nothing_to_be_seen(image: Image, own_storage: Path) -> None:
    picture_publish(image=image, data=media.jpeg(), faces_blurred_at=None)
    picture_withdraw(image=image)
    assert (image.published.name, image.has_thumbnails) == ("", False)
    assert files(own_storage, image) == set()


def test_thumbnails_are_files_of_their_set(image: Image, own_storage: Path) -> None:
    picture_publish(image=image, data=media.jpeg(), faces_blurred_at=None)
    image.save()
    files_remove(files_of_sets([image.image_set_id]))
    assert files(own_storage, image) == set()
