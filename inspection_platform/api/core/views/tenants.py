"""Tenants, their settings, and who belongs to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from inspection_platform.api.base import as_uuid
from inspection_platform.api.core.docs import tenants as docs
from inspection_platform.api.core.presenters import tenants as present
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.common import Paging, query_of
from inspection_platform.api.core.serializers.profile import NamesQuery
from inspection_platform.api.core.serializers.tenants import (
    MAX_TENANTS,
    Assignment,
    NewTenant,
    SettingsChange,
    Unassignment,
)
from inspection_platform.api.core.views.common import Concern, CoreView
from inspection_platform.api.core.views.named import BodyPersonView, ids_in, tenants_named
from inspection_platform.api.paging import page_of
from tenants.models import Tenant
from tenants.rows import plain_rows
from tenants.selectors import memberships_within, people_within
from tenants.services.people import memberships_assign, memberships_unassign
from tenants.services.settings import tenant_create, tenant_settings_update


class TenantsView(CoreView):
    """W19, W20."""

    operations = {"GET": "W19", "POST": "W20"}

    @docs.tenants
    def get(self, request: Request) -> Response:
        """List tenants by name."""
        query = query_of(Paging, request)
        page, meta = page_of(Tenant.objects.order_by("name"), limit=query["limit"], page=query["page"])
        return Response(present.tenants(plain_rows(page.values_list("id", "name")), meta=meta))

    @docs.tenant_create
    def post(self, _request: Request) -> Response:
        """Create a tenant."""
        tenant_create(name=self.validated(NewTenant)["name"], by=self.user)
        return Response(success(message="Added tenant"))


class TenantView(CoreView):
    """W24, W25."""

    operations = {"GET": "W24", "PATCH": "W25"}
    tenant: Tenant

    def find(self, request: Request, **kwargs: Any) -> Concern:  # noqa: ARG002 - the base's signature
        """The tenant; the asker's role there counts, not the one in the tenant worked in."""
        self.tenant = self.seen_tenant(as_uuid(kwargs["tenant_id"], "Tenant"))
        return Concern(tenants=(self.tenant.pk,))

    @docs.tenant
    def get(self, _request: Request, **_kwargs: str) -> Response:
        """Show a tenant with its settings."""
        return Response(present.tenant(self.tenant))

    @docs.tenant_update
    def patch(self, _request: Request, **_kwargs: str) -> Response:
        """Change settings, all that are named or none."""
        changes = self.validated(SettingsChange)["settings"]
        tenant_settings_update(tenant=self.tenant, changes=changes, by=self.user)
        return Response(success("Updated"))


class BelongingView(BodyPersonView):
    """A view whose body names a person and tenants; whoever calls it has to administer all of those."""

    person_key = "user"
    tenants: Mapping[UUID, Tenant]

    def find(self, request: Request, **kwargs: Any) -> Concern:
        """The person and the tenants, as far as the body names them."""
        concern = super().find(request, **kwargs)
        items = self.body.get("tenants")
        # A list that is too long for the validation is not looked up.
        named = items if isinstance(items, list) and len(items) <= MAX_TENANTS else []
        ids = ids_in(item.get("tenantId") for item in named if isinstance(item, dict))
        self.tenants = tenants_named(self, ids)
        return Concern(tenants=tuple(self.tenants) or None, person=concern.person)

    def shown(self) -> Response:
        """What the person belongs to now."""
        rows = memberships_within(self.own_reach, user_ids=[self.person.pk])
        return Response(present.memberships(self.person, rows))


class TenantAssignView(BelongingView):
    """W21."""

    operations = {"POST": "W21"}

    @docs.tenant_assign
    def post(self, _request: Request) -> Response:
        """Give a person roles in tenants."""
        items = self.validated(Assignment)["tenants"]
        roles = {self.tenants[item["tenantId"]]: item["role"] for item in items}
        memberships_assign(user=self.person, roles=roles, by=self.user)
        return self.shown()


class TenantUnassignView(BelongingView):
    """W22."""

    operations = {"POST": "W22", "DELETE": "W22"}

    @docs.tenant_unassign
    def post(self, _request: Request) -> Response:
        """Take a person out of tenants."""
        return self._unassign()

    @docs.tenant_unassign_delete
    def delete(self, _request: Request) -> Response:
        """The same by the other method."""
        return self._unassign()

    def _unassign(self) -> Response:
        items = self.validated(Unassignment)["tenants"]
        tenants = [self.tenants[item["tenantId"]] for item in items]
        memberships_unassign(user=self.person, tenants=tenants, by=self.user)
        return self.shown()


class TenantUsersView(CoreView):
    """W23."""

    operations = {"GET": "W23"}

    @docs.tenant_users
    def get(self, request: Request) -> Response:
        """Tell people's tenants and groups; whom the asker may not know is left out."""
        ids = query_of(NamesQuery, request)["users"]
        reach = self.own_reach
        people = people_within(reach, asker_id=self.user.pk).filter(pk__in=ids).prefetch_related("groups")
        return Response(present.people(people, memberships_within(reach, user_ids=ids)))
