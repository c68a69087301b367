"""Routes of the platform's groups."""

from __future__ import annotations

from inspection_platform.api.core.views.groups import GroupAssignView, GroupUnassignView
from inspection_platform.api.routing import route

urlpatterns = [
    route("auth/groups/assign", GroupAssignView.as_view(), "core-group-assign"),
    route("auth/groups/unassign", GroupUnassignView.as_view(), "core-group-unassign"),
]
