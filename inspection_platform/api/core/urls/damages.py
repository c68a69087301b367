"""Routes of damages."""

from __future__ import annotations

from inspection_platform.api.core.views.damage_edits import DamagesMergeView
from inspection_platform.api.core.views.damages import DamagesView, DamageView
from inspection_platform.api.routing import route

urlpatterns = [
    route("damages", DamagesView.as_view(), "core-damages"),
    route("damages/merge", DamagesMergeView.as_view(), "core-damages-merge"),
    route("damages/<str:damage_id>", DamageView.as_view(), "core-damage"),
]
