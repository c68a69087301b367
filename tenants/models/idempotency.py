"""What was answered to requests that a client may send again."""

from __future__ import annotations

import uuid

from django.db import models

from tenants.models.base import TenantOwned
from tenants.models.tenant import Tenant
from tenants.scope import TenantGate


class IdempotencyRecord(TenantOwned):
    """A request under an Idempotency-Key and the first answer to it, which its repetitions get; kept for a day.

    `status` is empty while the first request is being worked on; after `lease_until` it is believed lost.
    """

    tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    actor = models.CharField(max_length=60, help_text="Whose request it was: `key:` or `user:` and an id.")
    path = models.CharField(max_length=500)
    key = models.CharField(max_length=255, help_text="As the client chose it.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    fingerprint = models.CharField(max_length=64, editable=False, help_text="SHA-256 of what was asked.")
    claim = models.UUIDField(default=uuid.uuid4, editable=False, help_text="The try that may store the answer.")
    lease_until = models.DateTimeField(help_text="Until when the first request is believed to be worked on.")
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="HTTP status of the first answer.")
    sealed_answer = models.TextField(blank=True, editable=False)
    expires_at = models.DateTimeField(db_index=True)

    objects = TenantGate(models.QuerySet["IdempotencyRecord"])

    class Meta(TenantOwned.Meta):
        verbose_name = "repeatable request"

    def __str__(self) -> str:
        return f"{self.path} {self.key}"
