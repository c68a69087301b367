"""Routes of logos."""

from __future__ import annotations

from inspection_platform.api.core.views.logos import LogosView
from inspection_platform.api.routing import route

urlpatterns = [route("logos", LogosView.as_view(), "core-logos")]
