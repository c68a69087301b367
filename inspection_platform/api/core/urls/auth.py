"""Routes of login and tokens."""

from __future__ import annotations

from inspection_platform.api.core.views.auth import CurrentTenantView, LoginView, RefreshView
from inspection_platform.api.routing import route

urlpatterns = [
    route("auth/login", LoginView.as_view(), "core-auth-login"),
    route("auth/currentTenant", CurrentTenantView.as_view(), "core-auth-current-tenant"),
    route("auth/token/refresh", RefreshView.as_view(), "core-auth-token-refresh"),
]
