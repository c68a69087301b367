"""Admin pages of log-ins: sessions of the core API, and one-time codes."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from tenants.admin_base import RecordAdmin
from tenants.admin_parts import ReachFilter
from tenants.models import AuthSession, OneTimePassword
from tenants.scope import Reach
from tenants.services.sessions import session_close


@admin.register(AuthSession)
class AuthSessionAdmin(RecordAdmin[AuthSession]):
    """Log-ins of the core API; a closed one refuses its refresh token."""

    list_display = ("user", "tenant", "created_at", "last_used_at", "expires_at", "revoked_at")
    list_select_related = ("user", "tenant")
    list_filter = (("tenant", ReachFilter), "expires_at", "revoked_at")
    search_fields = ("user__phone", "user__first_name", "user__last_name")
    search_ids = ("pk", "user")
    ordering = ("-created_at",)
    fields = ("id", "user", "tenant", "created_at", "last_used_at", "expires_at", "revoked_at")
    actions = ("close",)

    @admin.action(description="Close selected sessions…", permissions=["operate"])
    def close(self, request: HttpRequest, queryset: QuerySet[AuthSession]) -> HttpResponseBase | None:
        """End sessions."""
        return self.do_for_each(
            request, queryset, action=lambda row: session_close(session=row), done="closed",
            question="Close these sessions? Their people have to log in again.",
        )  # fmt: skip


@admin.register(OneTimePassword)
class OneTimePasswordAdmin(RecordAdmin[OneTimePassword]):
    """One-time codes: asked for, sent, tried and used; the code itself is stored nowhere."""

    list_display = ("username", "purpose", "created_at", "sent_at", "tries", "used_at", "failure")
    list_filter = ("purpose", "created_at", "sent_at")
    search_fields = ("username", "sent_to", "user__phone")
    search_ids = ("pk", "user")
    ordering = ("-created_at",)
    fields = (
        "id", "username", "user", "purpose", "created_at", "sent_to", "sent_at", "attempts", "failure", "expires_at",
        "tries", "used_at",
    )  # fmt: skip

    def rows(self, reach: Reach) -> QuerySet[OneTimePassword]:
        """They belong to people, not tenants: for those who reach every tenant."""
        return OneTimePassword.objects.all() if reach.tenant_ids is None else OneTimePassword.objects.none()
