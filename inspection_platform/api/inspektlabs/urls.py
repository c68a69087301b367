"""Paths as the vendor prints them, under `/inspektlabs/`."""

from __future__ import annotations

from inspection_platform.api.inspektlabs import views
from inspection_platform.api.routing import route

urlpatterns = [
    route("api/authenticate", views.AuthenticateView.as_view(), "inspektlabs-authenticate"),
    route("auth/get_token/", views.GetTokenView.as_view(), "inspektlabs-get-token"),
    route("api/token/refresh", views.RefreshView.as_view(), "inspektlabs-refresh"),
    route("api/upload", views.UploadView.as_view(), "inspektlabs-upload"),
]
