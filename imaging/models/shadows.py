"""What candidates said in shadow, beside the version that was current: compared, never shown to clients."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from assets.models import Image
from imaging.models.runs import PipelineRun
from imaging.models.versions import ModelVersion
from tenants.models import TenantOwned
from tenants.scope import TenantGate


class ShadowState(models.TextChoices):
    """Where a look in shadow stands."""

    WAITING = "waiting", "waiting for an idle worker"
    RUNNING = "running", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"


class ShadowRun(TenantOwned):
    """One photo seen by a candidate, after the current version had seen it. The row is the queue, as for jobs.

    Nothing of it becomes a detection, a damage or an answer to a client.
    """

    run = models.ForeignKey(PipelineRun, on_delete=models.CASCADE, related_name="shadow_runs")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="shadow_runs")
    candidate = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="shadow_runs")
    against = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="+", help_text="The version that was current."
    )
    state = models.CharField(max_length=10, choices=ShadowState, default=ShadowState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    findings = models.JSONField(default=list, blank=True, help_text="What the candidate saw.")
    current_findings = models.JSONField(default=list, blank=True, help_text="What the current version saw.")
    pairs = models.JSONField(
        default=list, blank=True, help_text="[[kind, place among the current's, place among the candidate's], ...]"
    )
    agreed = models.PositiveSmallIntegerField(
        default=0, help_text="Seen by both, with the same word or nearly the same mask."
    )
    near = models.PositiveSmallIntegerField(default=0, help_text="Views of the car that are 45 degrees apart.")
    kind_differs = models.PositiveSmallIntegerField(
        default=0, help_text="Seen by both, with different words or another mask."
    )
    only_current = models.PositiveSmallIntegerField(default=0)
    only_candidate = models.PositiveSmallIntegerField(default=0)
    wheels_agreed = models.PositiveSmallIntegerField(default=0, help_text="Wheels among those that both saw.")
    wheels_alone = models.PositiveSmallIntegerField(default=0, help_text="Wheels among those that one of them saw.")
    overlap = models.FloatField(null=True, blank=True, help_text="IoU of the two masks, where both saw a vehicle.")
    seconds = models.FloatField(null=True, blank=True, help_text="The candidate's look, decoding left out.")
    error = models.CharField(max_length=500, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TenantGate(models.QuerySet["ShadowRun"], path="image__image_set__tenant")

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["image", "candidate", "against"], name="shadow_run_once_per_photo"),
            models.CheckConstraint(condition=Q(state__in=ShadowState.values), name="shadow_run_state_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["candidate", "state", "-created_at"], name="shadow_runs_of_candidate"),
            models.Index(
                fields=["state", "created_at"],
                condition=Q(state__in=["waiting", "running"]),
                name="shadow_run_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.candidate} in shadow ({self.get_state_display()})"
