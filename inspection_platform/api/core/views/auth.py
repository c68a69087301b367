"""Login, refresh, and the tenant worked in."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from inspection_platform.api.core.authentication import id_token_mint, is_user_name
from inspection_platform.api.core.docs import auth as docs
from inspection_platform.api.core.presenters.auth import switched, tokens
from inspection_platform.api.core.serializers.auth import CoreLogin, CoreRefresh, TenantSwitch, maybe_token
from inspection_platform.api.core.serializers.common import maybe_uuid
from inspection_platform.api.core.views.common import Concern, CoreView, PublicCoreView
from inspection_platform.api.throttles import LoginAddressThrottle, LoginNameThrottle
from tenants.errors import NotAuthenticated
from tenants.models import AuthSession, Tenant
from tenants.services.people import user_authenticate, working_tenant
from tenants.services.sessions import session_find, session_open, session_switch


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


class CurrentTenantView(CoreView):
    """W9."""

    operations = {"POST": "W9"}
    session: AuthSession | None = None
    tenant: Tenant | None = None

    def find(self, request: Request, **kwargs: Any) -> Concern:  # noqa: ARG002 - the base's signature
        """The asker's own session, NotAuthenticated for any other; then a tenant that they may know."""
        token = maybe_token(self.body.get("refreshToken"))
        if token is not None:
            self.session = session_find(token)
            if self.session is None or self.session.user_id != self.user.pk:
                raise NotAuthenticated("The refresh token is not valid.")
        self.tenant = self.seen_tenant(maybe_uuid(self.body.get("tenant")))
        return Concern()

    @docs.current_tenant
    def post(self, _request: Request) -> Response:
        """Work in another tenant from now on."""
        self.validated(TenantSwitch)
        session, tenant = self.session, self.tenant
        if session is None or tenant is None:
            raise TypeError("A body that names no session or no tenant is refused before.")
        session_switch(session=session, tenant=tenant, by=self.user)
        return Response(switched(id_token_mint(session.user, tenant), tenant_id=tenant.pk))
