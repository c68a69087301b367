"""The platform's groups: who joins, who leaves."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from inspection_platform.api.core.docs import groups as docs
from inspection_platform.api.core.presenters import groups as present
from inspection_platform.api.core.serializers.groups import GroupChange
from inspection_platform.api.core.views.named import BodyPersonView
from tenants.services.people import group_assign, group_unassign


class GroupAssignView(BodyPersonView):
    """W10."""

    operations = {"POST": "W10"}

    @docs.group_assign
    def post(self, _request: Request) -> Response:
        """Put a person into a group."""
        group = self.validated(GroupChange)["groupName"]
        group_assign(user=self.person, group=group, by=self.user)
        return Response(present.group_changed(group, user_id=self.person.pk))


class GroupUnassignView(BodyPersonView):
    """W11."""

    operations = {"POST": "W11", "DELETE": "W11"}

    @docs.group_unassign
    def post(self, _request: Request) -> Response:
        """Take a person out of a group."""
        return self._unassign()

    @docs.group_unassign_delete
    def delete(self, _request: Request) -> Response:
        """The same by the other method."""
        return self._unassign()

    def _unassign(self) -> Response:
        group = self.validated(GroupChange)["groupName"]
        group_unassign(user=self.person, group=group, by=self.user)
        return Response(present.group_changed(group, user_id=self.person.pk))
