"""The reads of image sets and images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from assets.models import Image, ImageSet


class ImageSetQuerySet(models.QuerySet["ImageSet"]):
    """Reads of image sets."""

    def visible(self) -> ImageSetQuerySet:
        """Without soft-deleted sets."""
        return self.filter(deleted_at__isnull=True)

    def by_external_key(self, key: str) -> ImageSetQuerySet:
        """Sets that a vendor knows under this session key."""
        return self.filter(submission__external_key=key)

    def with_origin(self) -> ImageSetQuerySet:
        """With everything that presenting a set needs, in one query."""
        return self.select_related("tenant", "submission", "capture_set", "passage", "car")


class ImageQuerySet(models.QuerySet["Image"]):
    """Reads of images."""

    def visible(self) -> ImageQuerySet:
        """Without soft-deleted images."""
        return self.filter(deleted_at__isnull=True)
