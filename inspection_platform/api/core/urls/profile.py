"""Routes of profiles."""

from __future__ import annotations

from inspection_platform.api.core.views.profile import NamesView, ProfilesView, ProfileTenantsView, ProfileView
from inspection_platform.api.routing import route

urlpatterns = [
    route("profile", ProfilesView.as_view(), "core-profiles"),
    route("profile/names", NamesView.as_view(), "core-profile-names"),
    route("profile/<str:user_id>", ProfileView.as_view(), "core-profile"),
    route("profile/<str:user_id>/tenants", ProfileTenantsView.as_view(), "core-profile-tenants"),
]
