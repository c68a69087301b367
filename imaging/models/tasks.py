"""Image tasks: a background replaced or plates anonymised on one photo."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tenants.models import Tenant, TenantOwned
from tenants.scope import TenantGate


class TaskImage(TenantOwned):
    """A photo a client uploaded for image tasks, known by its ten-letter key."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="task_images")
    key = models.CharField(max_length=10, unique=True)
    image_type = models.CharField(
        max_length=12, choices=[("original", "original"), ("background", "background"), ("overlay", "overlay")]
    )
    file = models.FileField(max_length=300)
    sha256 = models.CharField("SHA-256", max_length=64)

    objects = TenantGate(models.QuerySet["TaskImage"])

    class Meta(TenantOwned.Meta):
        pass

    def __str__(self) -> str:
        return self.key


class TaskKind(models.TextChoices):
    """What is asked for."""

    BG_REPLACE = "bg_replace", "Background Replace"
    LPA = "lpa", "Licence Plate Anonymisation"


class TaskState(models.TextChoices):
    """Where a task stands."""

    NEW = "new", "new"
    PROCESSING = "processing", "processing"
    COMPLETED = "completed", "completed"
    FAILED = "failed", "failed"


class ImageTask(TenantOwned):
    """One job on one photo, asked for by a client."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="image_tasks")
    key = models.CharField(max_length=10, unique=True)
    kind = models.CharField(max_length=12, choices=TaskKind)
    reference = models.CharField(max_length=200, help_text="The client's own unique key.")
    original = models.ForeignKey(TaskImage, on_delete=models.PROTECT, related_name="+")
    background = models.ForeignKey(TaskImage, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    overlay = models.ForeignKey(TaskImage, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    options = models.JSONField(default=dict, blank=True)
    meta = models.JSONField(default=dict, blank=True)
    callback_url = models.CharField(max_length=2000, blank=True)
    state = models.CharField(max_length=12, choices=TaskState, default=TaskState.NEW)
    result = models.FileField(max_length=300, blank=True)
    messages = models.JSONField(default=list, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TenantGate(models.QuerySet["ImageTask"])

    class Meta(TenantOwned.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "reference"], name="image_task_reference_once"),
            models.CheckConstraint(condition=models.Q(state__in=TaskState.values), name="image_task_state_known"),
            models.CheckConstraint(
                condition=~models.Q(kind=TaskKind.BG_REPLACE) | models.Q(background__isnull=False),
                name="image_task_background_given",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.key}"
