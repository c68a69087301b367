"""What a tenant may use a month, and what it has used."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from simple_history.models import HistoricalRecords

from tenants.models.base import TenantOwned
from tenants.models.tenant import Tenant
from tenants.scope import TenantGate


class Service(models.TextChoices):
    """Services with a monthly quota."""

    INSPEKTLABS = "inspektlabs", "Inspektlabs-shaped uploads"
    BG_REPLACE = "instavid360.bg_replace", "background replacement"
    LPA = "instavid360.lpa", "licence plate anonymisation"


class Quota(TenantOwned):
    """The monthly limit of a service; no row means no limit."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="quotas")
    service = models.CharField(max_length=40, choices=Service)
    limit = models.PositiveIntegerField()
    history = HistoricalRecords()

    objects = TenantGate(models.QuerySet["Quota"])

    class Meta(TenantOwned.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "service"], name="quota_once"),
            models.CheckConstraint(condition=models.Q(service__in=Service.values), name="quota_service_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_service_display()}: {self.limit}"


class UsageCounter(TenantOwned):
    """How much of a service a tenant used in a month (UTC)."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="usage")
    service = models.CharField(max_length=40, choices=Service)
    month = models.DateField(help_text="First day of the month.")
    used = models.PositiveIntegerField(default=0)

    objects = TenantGate(models.QuerySet["UsageCounter"])

    class Meta(TenantOwned.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "service", "month"], name="usage_once_a_month")
        ]

    def __str__(self) -> str:
        return f"{self.get_service_display()} {self.month:%Y-%m}: {self.used}"
