"""Pipeline and job runs (the truth about work), and what models saw."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from assets.models import Image, ImageSet
from imaging.models.versions import ModelVersion
from tenants.models import TenantOwned
from tenants.scope import TenantGate


class RunState(models.TextChoices):
    """Where a pipeline run stands."""

    RUNNING = "running", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"


class PipelineRun(TenantOwned):
    """One pass of an image set through the pipeline; at most one is unfinished."""

    image_set = models.ForeignKey(ImageSet, on_delete=models.CASCADE, related_name="runs")
    number = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=10, choices=RunState, default=RunState.RUNNING)
    reason = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TenantGate(models.QuerySet["PipelineRun"], path="image_set__tenant")

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["image_set", "number"], name="run_number_once"),
            models.UniqueConstraint(
                fields=["image_set"], condition=models.Q(state=RunState.RUNNING), name="run_one_unfinished"
            ),
            models.CheckConstraint(condition=models.Q(state__in=RunState.values), name="run_state_known"),
        ]

    def __str__(self) -> str:
        return f"Run {self.number} of {self.image_set_id}"


class JobState(models.TextChoices):
    """Where a job stands."""

    WAITING = "waiting", "waiting for other jobs"
    QUEUED = "queued", "queued"
    RUNNING = "running", "running"
    DONE = "done", "done"
    SKIPPED = "skipped", "switched off"
    FAILED = "failed", "failed"


class JobRun(TenantOwned):
    """One job of a run. The row is the queue: workers claim it by a conditional UPDATE and hold it by a lease."""

    run = models.ForeignKey(PipelineRun, on_delete=models.CASCADE, related_name="jobs")
    name = models.CharField(max_length=40)
    cluster = models.CharField(max_length=10)
    order = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=JobState, default=JobState.WAITING)
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="Counted before the work, so that a killed try counts."
    )
    max_attempts = models.PositiveSmallIntegerField(default=3)
    lease_until = models.DateTimeField(
        null=True, blank=True, help_text="A running job whose lease is over lost its worker."
    )
    worker = models.CharField(max_length=100, blank=True)
    queued_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    checkpoint = models.JSONField(
        default=list, blank=True, help_text="Ids already dealt with, so that a second try goes on."
    )
    reason = models.TextField(blank=True)
    model_version = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="jobs",
        help_text="The model it ran, also when that saw nothing.",
    )  # fmt: skip
    helpers = models.ManyToManyField(
        ModelVersion, blank=True, related_name="helped",
        help_text="Other models that it ran, such as the one that finds the vehicle.",
    )  # fmt: skip

    objects = TenantGate(models.QuerySet["JobRun"], path="run__image_set__tenant")

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["run", "order"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "name"], name="job_once_per_run"),
            models.CheckConstraint(condition=models.Q(state__in=JobState.values), name="job_state_known"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["state", "lease_until"],
                condition=models.Q(state__in=["queued", "running"]),
                name="job_unfinished",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.get_state_display()})"


class Detection(TenantOwned):
    """What a model said about a photo; never edited."""

    run = models.ForeignKey(PipelineRun, on_delete=models.CASCADE, related_name="detections")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="detections")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="detections")
    ordinal = models.PositiveSmallIntegerField(help_text="Place in the model's answer; makes a second run harmless.")
    label = models.CharField(max_length=40)
    score = models.FloatField()
    polygon = models.JSONField(help_text="[[x, y], ...], 0..1 of the photo.")
    image_width = models.PositiveIntegerField()
    image_height = models.PositiveIntegerField()

    objects = TenantGate(models.QuerySet["Detection"], path="image__image_set__tenant")

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["image", "ordinal"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "image", "model_version", "ordinal"], name="detection_once"),
            models.CheckConstraint(condition=models.Q(score__gte=0, score__lte=1), name="detection_score_range"),
        ]

    def __str__(self) -> str:
        return f"{self.label} {self.score:.2f}"
