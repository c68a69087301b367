"""The picture of a photo that people get to see: put in its place, or taken away."""

from __future__ import annotations

from datetime import datetime

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from assets.models import Image


def published_key(image: Image) -> str:
    """Where the published picture of an image is kept; the same at each run, so that a second one overwrites it.

    Addresses that were given out lead to what is published now, not to an earlier picture.
    """
    return f"published/{image.image_set_id}/{image.pk}.jpg"


def picture_publish(*, image: Image, data: bytes, faces_blurred_at: datetime | None) -> None:
    """Put a JPEG in the place of the image's picture. The row is left to the caller to save."""
    image.published.name = default_storage.save(published_key(image), ContentFile(data))
    image.faces_blurred_at = faces_blurred_at


def picture_withdraw(*, image: Image) -> None:
    """Take the image's picture away. The file goes before the row (left to the caller to save) says so.

    Should the process die in between, the address leads nowhere, rather than to what must not be seen.
    """
    if image.published.name:
        default_storage.delete(image.published.name)
    image.published.name, image.faces_blurred_at = "", None
