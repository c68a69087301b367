"""What was deleted because a tenant's retention was over, or will be: a record for whoever asks later."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tenants.models import Tenant, TenantOwned
from tenants.scope import TenantGate


class RetentionKind(models.TextChoices):
    """Whether it was only told, as the first clean-up after a change does, or done."""

    TOLD = "told", "told"
    DELETED = "deleted", "deleted"


class RetentionRecord(TenantOwned):
    """One clean-up of what one tenant keeps no longer: image sets, and photos as received of those that had to stay."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="retention_records")
    kind = models.CharField(max_length=10, choices=RetentionKind)
    days = models.PositiveIntegerField(help_text="The retention it followed, in days; 0 = never.")
    photos = models.PositiveIntegerField(default=0, help_text="Photos as received that were deleted, or will be.")
    image_sets = models.PositiveIntegerField(
        null=True, blank=True, help_text="Image sets that were erased, or will be; empty in records of photos alone."
    )
    erased = models.JSONField(
        default=list, blank=True, help_text="What is left of each erased set: its id, when it was recorded, its files."
    )

    objects = TenantGate(models.QuerySet["RetentionRecord"])

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(kind__in=RetentionKind.values), name="retention_kind_known")
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "kind", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.image_sets or 0} image sets, {self.photos} photos as received: {self.get_kind_display()}"
