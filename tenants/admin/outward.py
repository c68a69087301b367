"""Admin pages of what goes out: webhooks, events, deliveries and their tries."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from tenants.admin_base import HistoryAdmin, RecordAdmin
from tenants.admin_forms import ServiceForm
from tenants.admin_inlines import RecordTabular
from tenants.admin_parts import (
    RECORD,
    ReachFilter,
    column,
    inspection_link,
    page_action,
    pretty,
    row_link,
    state_column,
)
from tenants.models import Delivery, DeliveryAttempt, DeliveryState, Event, IdempotencyRecord, Webhook
from tenants.services.deliveries import delivery_send_again
from tenants.services.webhooks import headers_unseal, webhook_set

#: How events about an inspection are put in order: by its id.
_INSPECTION: Final = "image_set:"
_STATES: Final = {
    DeliveryState.DELIVERED: "success",
    DeliveryState.FAILED: "danger",
    DeliveryState.SENDING: "info",
    DeliveryState.WAITING: "warning",
}


class WebhookForm(ServiceForm[Webhook]):
    """Where events go. Headers may hold secrets: they are written here and never shown."""

    headers = forms.CharField(
        required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "placeholder": "Authorization: Bearer …"}),
        help_text="One `Name: value` a line. Sealed, and never shown again; leave empty to keep those stored.",
    )  # fmt: skip
    forget_headers = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget, help_text="Remove the headers that are stored."
    )

    def clean_headers(self) -> dict[str, str]:
        """Names and values."""
        lines = [line for line in self.cleaned_data["headers"].splitlines() if line.strip()]
        pairs = [line.partition(":") for line in lines]
        if not all(name.strip() and colon for name, colon, _ in pairs):
            raise forms.ValidationError("Write each header as `Name: value`.")
        return {name.strip(): value.strip() for name, _, value in pairs}

    def clean_extra_payload(self) -> dict[str, Any]:
        """What is merged into each message."""
        extra = self.cleaned_data["extra_payload"] or {}
        if not isinstance(extra, dict):
            raise forms.ValidationError('A JSON object is needed, for example {"site": "Oslo"}.')
        return extra

    def carry_out(self) -> Webhook:
        """Create or change the webhook."""
        row, values = self.instance, self.cleaned_data
        kept = {} if values["forget_headers"] else headers_unseal(row.sealed_headers)
        return webhook_set(
            tenant=row.tenant, family=row.family, event=row.event, url=row.url, method=row.method,
            headers=values["headers"] or kept, extra_payload=row.extra_payload, is_active=row.is_active, by=self.by,
        )  # fmt: skip


@admin.register(Webhook)
class WebhookAdmin(HistoryAdmin[Webhook]):
    """Where tenants want to hear of events."""

    form = WebhookForm
    list_display = (
        "tenant",
        "family",
        "event",
        "url",
        "is_active",
        column(lambda hook: bool(hook.sealed_headers), "with headers", boolean=True),
        "modified_at",
    )
    list_display_links = ("url",)
    list_select_related = ("tenant",)
    list_filter = ("family", "is_active", ("tenant", ReachFilter))
    search_fields = ("url", "event", "tenant__name")
    search_ids = ("pk", "tenant")
    ordering = ("tenant__name", "family", "event")
    autocomplete_fields = ("tenant",)
    set_once = ("tenant", "family", "event")
    fieldsets = (
        (None, {"fields": ("tenant", ("family", "event"), "url", "method", "is_active", "extra_payload")}),
        ("Headers", {"fields": ("headers", "forget_headers")}),
        RECORD,
    )
    add_fieldsets = (
        (None, {"fields": ("tenant", ("family", "event"), "url", "method", "is_active", "extra_payload")}),
        ("Headers", {"fields": ("headers",)}),
    )


def _inspection(row: Event | Delivery) -> SafeString:
    key = row.ordering_key
    return inspection_link(key.removeprefix(_INSPECTION) if key.startswith(_INSPECTION) else None)


def _event_state(event: Event) -> tuple[str, str]:
    if event.handled_at:
        return "handled", "handled"
    return ("failing", "failing") if event.failure else ("waiting", "waiting")


@admin.register(Event)
class EventAdmin(RecordAdmin[Event]):
    """What happened, and whether those who had to hear of it did."""

    list_display = (
        "kind",
        "sequence",
        "tenant",
        column(_event_state, "state", label={"handled": "success", "waiting": "warning", "failing": "danger"}),
        "attempts",
        "created_at",
        "handled_at",
        column(_inspection, "inspection"),
    )
    list_select_related = ("tenant",)
    list_filter = (("tenant", ReachFilter), ("handled_at", admin.EmptyFieldListFilter), "created_at")
    search_fields = ("kind", "ordering_key")
    search_ids = ("pk", "subject_id")
    ordering = ("-created_at",)
    fields = (
        "id", "kind", "tenant", "subject_id", ("ordering_key", "sequence"), "payload_text",
        ("created_at", "handled_at"), ("attempts", "failure"),
    )  # fmt: skip

    @admin.display(description="payload")
    def payload_text(self, event: Event) -> SafeString:
        """The payload with indentation."""
        return pretty(event.payload)


class TriesInline(RecordTabular[DeliveryAttempt, Delivery]):
    """The tries on the page of their delivery."""

    model = DeliveryAttempt
    fields = ("number", "created_at", "status", "error", "elapsed_ms")
    verbose_name_plural = "tries"
    ordering = ("-created_at",)


@admin.register(Delivery)
class DeliveryAdmin(RecordAdmin[Delivery]):
    """Messages on their way, delivered and given up. Their headers are never shown."""

    list_display = (
        column(lambda row: urlsplit(row.target).netloc or row.target, "receiver", ordering="target"),
        "tenant",
        "family",
        state_column("state", _STATES),
        "attempts",
        "last_status",
        "next_attempt_at",
        "created_at",
        column(_inspection, "inspection"),
    )
    list_select_related = ("tenant",)
    list_filter = ("state", "family", "channel", ("tenant", ReachFilter), "created_at")
    search_fields = ("target", "ordering_key", "last_error")
    search_ids = ("pk", "event", "webhook")
    ordering = ("-created_at",)
    inlines = (TriesInline,)
    actions = ("send_again",)
    actions_detail = ("send_this_again",)
    fieldsets = (
        (None, {"fields": ("target", ("state", "attempts", "last_status"), "last_error", "inspection")}),
        ("Schedule", {"fields": (("created_at", "next_attempt_at", "delivered_at"), "retry_delays")}),
        ("Message", {"fields": (("family", "channel", "method"), "body_text")}),
        ("Record", {"fields": (("id", "tenant"), ("event_row", "webhook_row"), ("ordering_key", "sequence"))}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """Lists leave out the bodies, which may be long."""
        return super().get_queryset(request).defer("body", "sealed_headers")

    @admin.display(description="inspection")
    def inspection(self, row: Delivery) -> SafeString:
        """The inspection it tells of."""
        return _inspection(row)

    @admin.display(description="body")
    def body_text(self, row: Delivery) -> SafeString:
        """What is sent, with indentation."""
        return pretty(row.body)

    @admin.display(description="event")
    def event_row(self, row: Delivery) -> SafeString:
        """What it reports."""
        return row_link(row.event)

    @admin.display(description="webhook")
    def webhook_row(self, row: Delivery) -> SafeString:
        """The webhook that asked for it, if one did."""
        return row_link(row.webhook)

    @admin.action(description="Send selected deliveries again…", permissions=["operate"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> HttpResponseBase | None:
        """Give deliveries a new life."""
        return self.do_for_each(
            request, queryset, action=lambda row: delivery_send_again(delivery=row), done="will be sent again",
            question="Send these messages again, with their whole schedule before them?",
        )  # fmt: skip

    @page_action("Send again", icon="send")
    def send_this_again(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Give one delivery a new life."""
        return self.do_for_one(
            request, object_id, action=lambda row: delivery_send_again(delivery=row), done="will be sent again",
            question="Send this message again, with its whole schedule before it?",
        )  # fmt: skip


def _status(attempt: DeliveryAttempt) -> tuple[str, str]:
    return ("refused" if attempt.error else "taken"), str(attempt.status or "no answer")


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(RecordAdmin[DeliveryAttempt]):
    """Every single try of a delivery."""

    list_display = (
        column(lambda row: f"try {row.number}", "try", ordering="number"),
        column(lambda row: row_link(row.delivery, urlsplit(row.delivery.target).netloc), "delivery"),
        column(_status, "status", label={"taken": "success", "refused": "danger"}, ordering="status"),
        "error",
        "elapsed_ms",
        "created_at",
    )
    list_select_related = ("delivery",)
    list_filter = (("delivery__tenant", ReachFilter), "created_at")
    search_fields = ("delivery__target", "error")
    search_ids = ("pk", "delivery")
    ordering = ("-created_at",)
    fields = ("id", "delivery", "number", "created_at", "status", "error", "excerpt", "elapsed_ms")


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(RecordAdmin[IdempotencyRecord]):
    """Requests under an Idempotency-Key; the stored answers are sealed and not shown."""

    list_display = ("path", "key", "tenant", "actor", "status", "created_at", "expires_at")
    list_select_related = ("tenant",)
    list_filter = (("tenant", ReachFilter), "created_at")
    search_fields = ("key", "path", "actor")
    search_ids = ("pk", "tenant")
    ordering = ("-created_at",)
    fields = ("id", "path", "key", "tenant", "actor", "status", ("created_at", "lease_until", "expires_at"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[IdempotencyRecord]:
        """Lists leave out the answers, which may be long."""
        return super().get_queryset(request).defer("sealed_answer")
