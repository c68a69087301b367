"""Routes of login and tokens."""

from __future__ import annotations

from inspection_platform.api.core.views.auth import LoginView, RefreshView
from inspection_platform.api.routing import route

urlpatterns = [
    route("auth/login", LoginView.as_view(), "core-auth-login"),
    route("auth/token/refresh", RefreshView.as_view(), "core-auth-token-refresh"),
]
