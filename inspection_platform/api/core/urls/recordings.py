"""Routes of recordings."""

from __future__ import annotations

from inspection_platform.api.core.views.recordings import (
    RecordingCameraView,
    RecordingCompleteView,
    RecordingsView,
    RecordingView,
)
from inspection_platform.api.routing import route

urlpatterns = [
    route("recordings", RecordingsView.as_view(), "core-recordings"),
    route("recordings/<str:passage_id>", RecordingView.as_view(), "core-recording"),
    route("recordings/<str:passage_id>/cameras/<str:camera>", RecordingCameraView.as_view(), "core-recording-camera"),
    route("recordings/<str:passage_id>/complete", RecordingCompleteView.as_view(), "core-recording-complete"),
]
