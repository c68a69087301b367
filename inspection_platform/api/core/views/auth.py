"""Login and refresh."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from inspection_platform.api.core.authentication import id_token_mint, is_user_name
from inspection_platform.api.core.docs import auth as docs
from inspection_platform.api.core.presenters.auth import tokens
from inspection_platform.api.core.serializers.auth import CoreLogin, CoreRefresh
from inspection_platform.api.core.views.common import PublicCoreView
from inspection_platform.api.throttles import LoginAddressThrottle, LoginNameThrottle
from tenants.errors import NotAuthenticated
from tenants.services.people import user_authenticate, working_tenant
from tenants.services.sessions import session_find, session_open


class LoginView(PublicCoreView):
    """W5."""

    operations = {"POST": "W5"}
    throttle_classes = [LoginAddressThrottle, LoginNameThrottle]

    @docs.login
    def post(self, request: Request) -> Response:
        """Log in with phone number or verified e-mail and password."""
        form = CoreLogin(data=request.data)
        form.is_valid(raise_exception=True)
        user = user_authenticate(request=request._request, **form.validated_data)  # noqa: SLF001 - axes wants Django's
        tenant = working_tenant(user)
        _, refresh_token = session_open(user=user, tenant=tenant)
        return Response(tokens(id_token_mint(user, tenant), refresh_token=refresh_token))


class RefreshView(PublicCoreView):
    """W26."""

    operations = {"POST": "W26"}

    @docs.refresh
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for a new idToken; the refresh token stays as it is."""
        form = CoreRefresh(data=request.data)
        form.is_valid(raise_exception=True)
        session = session_find(form.validated_data["refreshToken"])
        if session is None or not is_user_name(session.user, form.validated_data["username"]):
            raise NotAuthenticated("The refresh token is not valid.")
        tenant = working_tenant(session.user, session.tenant)
        return Response(tokens(id_token_mint(session.user, tenant)))
