"""Routes of damages."""

from __future__ import annotations

from inspection_platform.api.core.views.damages import DamagesView
from inspection_platform.api.routing import route

urlpatterns = [route("damages", DamagesView.as_view(), "core-damages")]
