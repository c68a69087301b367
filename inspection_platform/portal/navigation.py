"""The admin's sidebar: the queue first, then the models a person may view."""

from __future__ import annotations

from typing import Any, Final

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from inspection_platform.portal.access import person_of
from inspection_platform.portal.accuracy import may_see as may_see_accuracy
from inspection_platform.portal.audit import may_audit
from tenants.rights import standing_of
from tenants.services.invitation_answers import invitations_open_for

#: Groups of (title, icon, model).
_GROUPS: Final = (
    ("Inspections", (
        ("Inspections", "photo_library", "assets.ImageSet"),
        ("Damages", "car_crash", "damages.Damage"),
        ("Results", "fact_check", "damages.ResultVersion"),
        ("Manual work", "pending_actions", "damages.ManualProcessing"),
        ("Reviewers waiting", "hourglass_top", "damages.ReviewerQueueEntry"),
    )),
    ("Fleet", (
        ("Cars", "directions_car", "assets.Car"),
        ("Price points", "sell", "assets.PricePoint"),
        ("Passages", "route", "assets.Passage"),
        ("Capture sets", "photo_camera", "assets.CaptureSet"),
        ("Capture units", "videocam", "assets.CaptureUnit"),
    )),
    ("Outward", (
        ("Webhooks", "webhook", "tenants.Webhook"),
        ("Deliveries", "outbox", "tenants.Delivery"),
        ("Events", "bolt", "tenants.Event"),
    )),
    ("Machines", (
        ("Runs", "account_tree", "imaging.PipelineRun"),
        ("Jobs", "memory", "imaging.JobRun"),
        ("Plates read", "pin", "imaging.PlateReading"),
        ("Model versions", "layers", "imaging.ModelVersion"),
    )),
    ("People", (
        ("People", "group", "tenants.User"),
        ("Memberships", "badge", "tenants.Membership"),
        ("Invitations", "forward_to_inbox", "tenants.Invitation"),
        ("Log-ins to the API", "login", "tenants.AuthSession"),
        ("One-time codes", "password", "tenants.OneTimePassword"),
    )),
    ("Access of clients", (
        ("Keys", "key", "tenants.ApiKey"),
        ("Signing secrets", "signature", "tenants.SigningSecret"),
        ("Quotas", "speed", "tenants.Quota"),
        ("Usage", "bar_chart", "tenants.UsageCounter"),
    )),
    ("Tenants", (
        ("Tenants", "apartment", "tenants.Tenant"),
        ("Tenant settings", "tune", "tenants.TenantSettings"),
        ("Groups of tenants", "domain", "tenants.TenantGroup"),
        ("Retention", "auto_delete", "assets.RetentionRecord"),
    )),
    ("Installation", (
        ("Failed log-ins", "lock", "axes.AccessAttempt"),
        ("Log-ins to the admin", "how_to_reg", "axes.AccessLog"),
        ("Broken tasks", "error", "django_q.Failure"),
        ("Waiting tasks", "hourglass_empty", "django_q.OrmQ"),
    )),
)  # fmt: skip


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of the sidebar; a model appears when the admin knows it and the person may view it."""
    work = [{"title": "Queue", "icon": "checklist", "link": reverse("portal:queue")}]
    if may_audit(request):
        work.append({"title": "Audit", "icon": "history", "link": reverse("portal:audit")})
    if may_see_accuracy(request):
        work.append({"title": "Accuracy", "icon": "query_stats", "link": reverse("portal:accuracy")})
    if standing_of(person_of(request)).is_global:
        work.append({"title": "Models", "icon": "neurology", "link": reverse("portal:models")})
    if invitations_open_for(person_of(request)).exists():
        work.append({"title": "Invitations to you", "icon": "mark_email_unread", "link": reverse("portal:invitations")})
    groups = [{"title": title, "separator": True, "items": _items(request, models)} for title, models in _GROUPS]
    return [{"title": "Work", "items": work}, *(group for group in groups if group["items"])]


def _items(request: HttpRequest, models: tuple[tuple[str, str, str], ...]) -> list[dict[str, Any]]:
    return [item for title, icon, label in models if (item := _item(request, title, icon, label))]


def _item(request: HttpRequest, title: str, icon: str, label: str) -> dict[str, Any] | None:
    model = apps.get_model(label)
    if not admin.site.is_registered(model) or not admin.site.get_model_admin(model).has_view_permission(request):
        return None
    return {"title": title, "icon": icon, "link": reverse(f"admin:{label.lower().replace('.', '_')}_changelist")}
