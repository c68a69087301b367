"""Routes of people's work on image sets."""

from __future__ import annotations

from inspection_platform.api.core.views.annotators import StatisticsView
from inspection_platform.api.core.views.manual import (
    ImageSetLockView,
    ImageSetsCountView,
    ImageSetStatusView,
    ImageSetUnlockView,
)
from inspection_platform.api.core.views.reviewers import ReviewersQueueView
from inspection_platform.api.routing import route

urlpatterns = [
    route("annotators/statistics", StatisticsView.as_view(), "core-annotators-statistics"),
    route("reviewers/queue", ReviewersQueueView.as_view(), "core-reviewers-queue"),
    route("imageSets/count", ImageSetsCountView.as_view(), "core-image-sets-count"),
    route("imageSets/<str:image_set_id>/lock", ImageSetLockView.as_view(), "core-image-set-lock"),
    route("imageSets/<str:image_set_id>/status", ImageSetStatusView.as_view(), "core-image-set-status"),
    route("imageSets/<str:image_set_id>/unlock", ImageSetUnlockView.as_view(), "core-image-set-unlock"),
]
