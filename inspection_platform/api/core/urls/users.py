"""Routes of people's accounts."""

from __future__ import annotations

from inspection_platform.api.core.views.users import UserView
from inspection_platform.api.routing import route

urlpatterns = [route("auth/users/<str:user_id>", UserView.as_view(), "core-user")]
