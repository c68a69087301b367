"""The reads of cars, image sets and images."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db import models

from assets.plates import Plate

if TYPE_CHECKING:
    from assets.models import Car, Image, ImageSet


class CarQuerySet(models.QuerySet["Car"]):
    """Reads of cars."""

    def assigned(self) -> CarQuerySet:
        """Cars that are their tenant's now: of each plate one at most."""
        return self.filter(released_at__isnull=True)

    def with_plate(self, plate: Plate) -> CarQuerySet:
        """Cars that bear the plate, or bore it when they were released."""
        return self.filter(country_code=plate.country, plate=plate.number)

    def with_plates(self, plates: Collection[Plate]) -> CarQuerySet:
        """Cars with one of the plates, and perhaps with one of their numbers in another of their countries."""
        countries = {plate.country for plate in plates}
        return self.filter(country_code__in=countries, plate__in={plate.number for plate in plates})


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
