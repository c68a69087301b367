"""The picture of a photo that people get to see: put in its place, or taken away."""

from __future__ import annotations

from datetime import datetime

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from assets.models import Image
from assets.pictures import THUMBNAILS, thumbnail_key, thumbnail_keys
from imaging.ops.thumbnails import thumbnails


def published_key(image: Image) -> str:
    """Where the published picture of an image is kept; the same at each run, so that a second one overwrites it.

    Addresses that were given out lead to what is published now, not to an earlier picture.
    """
    return f"published/{image.image_set_id}/{image.pk}.jpg"


def picture_publish(*, image: Image, data: bytes, faces_blurred_at: datetime | None) -> None:
    """Put a JPEG in the place of the image's picture, with its thumbnails. The row is left to the caller to save.

    The small ones go first: as long as the new picture is not there, none of them shows more than it will.
    """
    key = published_key(image)
    for name, small in zip(THUMBNAILS, thumbnails(data, sides=list(THUMBNAILS.values())), strict=True):
        default_storage.save(thumbnail_key(key, name), ContentFile(small))
    image.published.name = default_storage.save(key, ContentFile(data))
    image.faces_blurred_at, image.has_thumbnails = faces_blurred_at, True


def picture_withdraw(*, image: Image) -> None:
    """Take the image's picture away, and its thumbnails. Files go before the row (left to the caller to save) says so.

    Should the process die in between, the address leads nowhere, rather than to what must not be seen.
    """
    if image.published.name:
        for key in (*thumbnail_keys(image.published.name), image.published.name):
            default_storage.delete(key)
    image.published.name, image.faces_blurred_at, image.has_thumbnails = "", None, False
