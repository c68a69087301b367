"""Routes of capture units."""

from __future__ import annotations

from inspection_platform.api.core.views.capture_units import (
    AssignView,
    CaptureUnitsView,
    CaptureUnitView,
    DefaultView,
    UnassignView,
)
from inspection_platform.api.routing import route

urlpatterns = [
    route("captureUnits", CaptureUnitsView.as_view(), "core-capture-units"),
    route("captureUnits/<str:unit_id>", CaptureUnitView.as_view(), "core-capture-unit"),
    route("captureUnits/<str:unit_id>/assign", AssignView.as_view(), "core-capture-unit-assign"),
    route("captureUnits/<str:unit_id>/default", DefaultView.as_view(), "core-capture-unit-default"),
    route("captureUnits/<str:unit_id>/unassign", UnassignView.as_view(), "core-capture-unit-unassign"),
]
