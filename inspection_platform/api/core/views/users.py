"""People's accounts."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from inspection_platform.api.core.docs import users as docs
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.views.named import PathPersonView
from tenants.services.users import user_delete


class UserView(PathPersonView):
    """W27."""

    operations = {"DELETE": "W27"}

    @docs.user_delete
    def delete(self, _request: Request, **_kwargs: str) -> Response:
        """Delete an account; the person's work stays."""
        user_delete(user=self.person, by=self.user)
        return Response(success(message=f"User {self.person.pk} has been deleted"))
