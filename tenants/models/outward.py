"""What the house tells the world: events, webhooks, deliveries and their attempts."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from simple_history.models import HistoricalRecords

from tenants.models.base import TenantOwned
from tenants.models.keys import Family
from tenants.models.tenant import Tenant
from tenants.scope import TenantGate


class Event(TenantOwned):
    """Something that happened, written in the transaction in which it happened; the right-hand apps read it."""

    tenant = models.ForeignKey(Tenant, null=True, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=60)
    subject_id = models.UUIDField(help_text="The row it is about.")
    ordering_key = models.CharField(max_length=100, help_text="Events with one key go out in order.")
    sequence = models.PositiveIntegerField(default=1, help_text="Position among the events of its key.")
    payload = models.JSONField(default=dict, blank=True)
    handled_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    failure = models.TextField(blank=True)

    objects = TenantGate(models.QuerySet["Event"])

    class Meta(TenantOwned.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ordering_key", "sequence"], name="event_sequence_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["created_at"], condition=models.Q(handled_at__isnull=True), name="event_unhandled"),
            models.Index(fields=["subject_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.sequence}"


class Webhook(TenantOwned):
    """Where a tenant wants to hear of an event of a family."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="webhooks")
    family = models.CharField(max_length=20, choices=Family)
    event = models.CharField(
        max_length=60, help_text="The family's name of the event; `*` for all of them.", default="*"
    )
    url = models.URLField(max_length=2000)
    method = models.CharField(max_length=6, default="POST", choices=[("POST", "POST"), ("PUT", "PUT")])
    sealed_headers = models.TextField(blank=True, editable=False)
    extra_payload = models.JSONField(default=dict, blank=True, help_text="Merged into what is sent.")
    is_active = models.BooleanField(default=True)
    history = HistoricalRecords(excluded_fields=["sealed_headers"])

    objects = TenantGate(models.QuerySet["Webhook"])

    class Meta(TenantOwned.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "family", "event"], name="webhook_once_per_event"),
            models.CheckConstraint(condition=models.Q(family__in=Family.values), name="webhook_family_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_family_display()} {self.event} → {self.url}"


class Channel(models.TextChoices):
    """How a delivery travels."""

    HTTP = "http", "HTTP"
    EMAIL = "email", "e-mail"
    SMS = "sms", "SMS"


class DeliveryState(models.TextChoices):
    """Where a delivery stands."""

    WAITING = "waiting", "waiting"
    SENDING = "sending", "being sent"
    DELIVERED = "delivered", "delivered"
    FAILED = "failed", "given up"


class Delivery(TenantOwned):
    """One rendered message for one receiver, kept until it is delivered or given up."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(Event, null=True, blank=True, on_delete=models.SET_NULL, related_name="deliveries")
    webhook = models.ForeignKey(Webhook, null=True, blank=True, on_delete=models.SET_NULL, related_name="deliveries")
    family = models.CharField(max_length=20, choices=Family)
    channel = models.CharField(max_length=10, choices=Channel, default=Channel.HTTP)
    method = models.CharField(max_length=6, default="POST")
    target = models.CharField(max_length=2000)
    sealed_headers = models.TextField(blank=True, editable=False)
    body = models.TextField()
    ordering_key = models.CharField(max_length=100, blank=True)
    sequence = models.PositiveIntegerField(default=1)
    retry_delays = models.JSONField(default=list, help_text="Seconds to wait before each further try.")
    state = models.CharField(max_length=12, choices=DeliveryState, default=DeliveryState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    objects = TenantGate(models.QuerySet["Delivery"])

    class Meta(TenantOwned.Meta):
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event", "family", "target"], name="delivery_once_per_event_and_target"),
            models.CheckConstraint(condition=models.Q(state__in=DeliveryState.values), name="delivery_state_known"),
        ]
        indexes: ClassVar = [
            # Ended deliveries have no next attempt; both databases see that `<=` implies the condition.
            models.Index(
                fields=["next_attempt_at"], condition=models.Q(next_attempt_at__isnull=False), name="delivery_due"
            ),
            models.Index(fields=["ordering_key", "sequence"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} to {self.target}"


class DeliveryAttempt(TenantOwned):
    """One try of a delivery and what came of it."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveSmallIntegerField()
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.TextField(blank=True)
    excerpt = models.TextField(blank=True, help_text="The beginning of the receiver's answer.")
    elapsed_ms = models.PositiveIntegerField(default=0)

    objects = TenantGate(models.QuerySet["DeliveryAttempt"], path="delivery__tenant")

    class Meta(TenantOwned.Meta):
        ordering: ClassVar = ["created_at"]
        indexes: ClassVar = [models.Index(fields=["delivery", "number"])]

    def __str__(self) -> str:
        return f"Try {self.number}"
