"""Routes of API keys."""

from __future__ import annotations

from inspection_platform.api.core.views.keys import ApiKeysView, ApiKeyView
from inspection_platform.api.routing import route

urlpatterns = [
    route("auth/apiKey", ApiKeysView.as_view(), "core-api-keys"),
    route("auth/apiKey/<str:user_id>", ApiKeyView.as_view(), "core-api-key"),
]
