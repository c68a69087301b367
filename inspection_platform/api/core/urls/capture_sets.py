"""Routes of capture sets."""

from __future__ import annotations

from inspection_platform.api.core.views.capture_sets import CaptureSetSearchView, CaptureSetsView, CaptureSetView
from inspection_platform.api.routing import route

urlpatterns = [
    route("captureSets", CaptureSetsView.as_view(), "core-capture-sets"),
    route("captureSets/search", CaptureSetSearchView.as_view(), "core-capture-set-search"),
    route("captureSets/<str:capture_set_id>", CaptureSetView.as_view(), "core-capture-set"),
]
