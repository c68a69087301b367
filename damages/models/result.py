"""Published results: frozen facts, one version after the other."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from assets.models import ImageSet
from imaging.models import PipelineRun
from tenants.models import TenantOwned
from tenants.scope import TenantGate


class ResultCause(models.TextChoices):
    """Why a version was made."""

    MODELS = "models", "the models finished"
    REVIEW = "review", "people finished"
    CORRECTION = "correction", "a person changed something later"
    REJECTION = "rejection", "the set was rejected"


class ResultVersion(TenantOwned):
    """What was told about a set at a moment; later changes make a new version and leave this one as it was."""

    image_set = models.ForeignKey(ImageSet, on_delete=models.CASCADE, related_name="results")
    version = models.PositiveSmallIntegerField()
    cause = models.CharField(max_length=12, choices=ResultCause)
    run = models.ForeignKey(PipelineRun, null=True, on_delete=models.SET_NULL, related_name="results")
    facts = models.JSONField()

    objects = TenantGate(models.QuerySet["ResultVersion"], path="image_set__tenant")

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["image_set", "-version"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["image_set", "version"], name="result_version_once"),
            models.CheckConstraint(condition=models.Q(cause__in=ResultCause.values), name="result_cause_known"),
        ]

    def __str__(self) -> str:
        return f"Result {self.version} of {self.image_set_id}"
