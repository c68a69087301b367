"""API keys of people."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from inspection_platform.api.core.docs import keys as docs
from inspection_platform.api.core.presenters import keys as present
from inspection_platform.api.core.serializers.keys import NewKey
from inspection_platform.api.core.views.named import BodyPersonView, PathPersonView
from tenants.services.keys import core_key_issue, core_key_revoke, core_key_show


class ApiKeysView(BodyPersonView):
    """W6."""

    operations = {"POST": "W6"}

    @docs.api_key_create
    def post(self, _request: Request) -> Response:
        """Create a person's key."""
        values = self.validated(NewKey)
        issued = core_key_issue(user=self.person, name=values["description"], by=self.user)
        return Response(present.key_created(issued))


class ApiKeyView(PathPersonView):
    """W7, W8."""

    operations = {"DELETE": "W7", "GET": "W8"}

    @docs.api_key_delete
    def delete(self, _request: Request, **_kwargs: str) -> Response:
        """Revoke a person's key."""
        core_key_revoke(user=self.person, by=self.user)
        return Response(present.key_deleted())

    @docs.api_key
    def get(self, _request: Request, **_kwargs: str) -> Response:
        """Show a person's key."""
        return Response(present.key(core_key_show(user=self.person, by=self.user), user_id=self.person.pk))
