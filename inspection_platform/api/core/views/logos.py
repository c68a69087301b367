"""Logos of tenants: their addresses, and a signed form to upload one."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID, uuid4

from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import Logo
from imaging.services.logos import MOST_BYTES
from inspection_platform.api.core.docs import logos as docs
from inspection_platform.api.core.presenters.capture_sets import logo_urls
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.common import maybe_uuid, query_of
from inspection_platform.api.core.serializers.logos import LOGO_TYPES, LogoNew, LogosQuery
from inspection_platform.api.core.views.capture_units import ids_of, tenants_seen
from inspection_platform.api.core.views.common import Concern, CoreView
from inspection_platform.api.judging import extension_of
from inspection_platform.api.paging import MAX_LIMIT
from inspection_platform.api.presigned import LOGOS_FOLDER, Grant, expiry, own_form
from tenants.errors import Invalid
from tenants.models import Tenant
from tenants.scope import Reach

LISTED: Final = "Images list"
PREPARED: Final = "Pre-signed URL successfully created"


class LogosView(CoreView):
    """W68 and W69."""

    operations = {"GET": "W68", "POST": "W69"}
    tenants: list[Tenant]
    tenant: Tenant | None

    def find(self, request: Request, **_kwargs: Any) -> Concern:
        """The tenants named, if the asker may know them."""
        if request.method != "POST":
            named = [one.strip() for one in request.query_params.get("tenantIds", "").split(",")]
            self.tenants = tenants_seen(self, ids_of(named, most=MAX_LIMIT))
            return Concern()
        given = (maybe_uuid(self.body.get(name)) for name in ("tenantId", "tenant"))
        ids = {pk for pk in given if pk is not None}
        seen = tenants_seen(self, ids)
        self.tenant = seen[0] if seen else self.actor.tenant
        return Concern(tenants=tuple(one.pk for one in seen) or None)

    @docs.logos
    def get(self, request: Request) -> Response:
        """List logos."""
        query_of(LogosQuery, request)
        by_tenant: dict[UUID, dict[str, Logo]] = {tenant.pk: {} for tenant in self.tenants}
        for logo in Logo.objects.of(Reach.some(by_tenant)):
            by_tenant[logo.tenant_id][logo.size] = logo
        items = {str(pk): logo_urls(logos) for pk, logos in by_tenant.items()}
        names = {str(tenant.pk): tenant.name for tenant in self.tenants}
        return Response(success({"items": items, "tenantNames": names}, message=LISTED))

    @docs.logo_create
    def post(self, _request: Request) -> Response:
        """Sign a form to upload a logo."""
        values = self.validated(LogoNew)
        if self.tenant is None:
            raise Invalid("You work in no tenant.", {"tenantId": ["Needed, since you work in no tenant."]})
        name = values["fileName"]
        form = own_form(
            Grant(
                key=f"{LOGOS_FOLDER}{self.tenant.pk}/{uuid4()}-{name}",
                content_type=LOGO_TYPES[extension_of(name)],
                most=MOST_BYTES,
                expires=expiry(),
                by=str(self.user.pk),
                is_logo=True,
            )
        )
        return Response(success({"fields": dict(form.fields), "url": form.url}, message=PREPARED))
