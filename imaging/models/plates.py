"""What was read on plates: the evidence that routes a recording."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from assets.models import Image
from imaging.models.runs import PipelineRun
from imaging.models.versions import ModelVersion
from imaging.plate_choice import WhyNot
from tenants.models import TenantOwned
from tenants.scope import TenantGate


class PlateReading(TenantOwned):
    """A plate that was found on a photo and what was read on it; never edited."""

    run = models.ForeignKey(PipelineRun, on_delete=models.CASCADE, related_name="plate_readings")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="plate_readings")
    detector = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="plates_found")
    reader = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="plates_read")
    ordinal = models.PositiveSmallIntegerField(help_text="From 0, the plate that stands out most first.")
    polygon = models.JSONField(help_text="Four corners [[x, y], ...], 0..1 of the photo, from the plate's top left.")
    area_pixels = models.PositiveIntegerField("area (px)", help_text="Of the plate, in pixels of the photo.")
    detection_score = models.FloatField()
    text = models.CharField(max_length=32, blank=True, help_text="`_` for a character that could not be read.")
    score = models.FloatField(help_text="The reader's own confidence.")
    characters = models.JSONField(default=list, help_text="[[character, confidence], ...] from left to right.")
    counted = models.BooleanField(help_text="Whether it is a vote for the plate of the set's car.")
    why_not = models.CharField(max_length=10, choices=[(reason.value, reason.words) for reason in WhyNot], blank=True)

    objects = TenantGate(models.QuerySet["PlateReading"], path="image__image_set__tenant")

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["image", "ordinal"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "image", "ordinal"], name="plate_reading_once"),
            models.UniqueConstraint(
                fields=["run", "image"], condition=models.Q(counted=True), name="plate_reading_one_vote"
            ),
            models.CheckConstraint(
                condition=models.Q(counted=True, why_not="")
                | models.Q(counted=False, why_not__in=[reason.value for reason in WhyNot]),
                name="plate_reading_counts_or_says_why",
            ),
            models.CheckConstraint(
                condition=models.Q(score__gte=0, score__lte=1, detection_score__gte=0, detection_score__lte=1),
                name="plate_reading_score_range",
            ),
        ]

    def __str__(self) -> str:
        return self.text or "unread plate"
