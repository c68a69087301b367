"""Groups of tenants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from inspection_platform.api.base import as_uuid
from inspection_platform.api.core.docs import tenant_groups as docs
from inspection_platform.api.core.presenters import tenant_groups as present
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.common import Paging, query_of
from inspection_platform.api.core.serializers.tenant_groups import MAX_MEMBERS, NewTenantGroup, TenantGroupChange
from inspection_platform.api.core.views.common import Concern, CoreView
from inspection_platform.api.core.views.named import ids_in, tenants_named
from inspection_platform.api.paging import page_of
from tenants.errors import NotFound
from tenants.models import Tenant, TenantGroup
from tenants.services.tenant_groups import (
    UNCHANGED,
    Unchanged,
    tenant_group_create,
    tenant_group_update,
    tenant_groups_within,
)


class GroupedTenantsView(CoreView):
    """A view whose body may name members and a power tenant."""

    tenants: Mapping[UUID, Tenant]

    def find(self, request: Request, **kwargs: Any) -> Concern:  # noqa: ARG002 - the base's signature
        """Every tenant of the body."""
        members = self.body.get("members")
        # A list that is too long for the validation is not looked up.
        named = members if isinstance(members, list) and len(members) <= MAX_MEMBERS else []
        self.tenants = tenants_named(self, ids_in([*named, self.body.get("powerTenantId")]))
        return Concern()

    def members_of(self, ids: list[UUID]) -> list[Tenant]:
        """The tenants of a checked list, each once."""
        return [self.tenants[tenant_id] for tenant_id in dict.fromkeys(ids)]


class TenantGroupsView(GroupedTenantsView):
    """W16, W17."""

    operations = {"GET": "W16", "POST": "W17"}

    @docs.tenant_groups
    def get(self, request: Request) -> Response:
        """List groups by name."""
        query = query_of(Paging, request)
        page, meta = page_of(TenantGroup.objects.order_by("name"), limit=query["limit"], page=query["page"])
        return Response(present.tenant_groups(page.prefetch_related("members"), meta=meta))

    @docs.tenant_group_create
    def post(self, _request: Request) -> Response:
        """Create a group."""
        values = self.validated(NewTenantGroup)
        power = values["powerTenantId"]
        tenant_group_create(
            name=values["name"],
            members=self.members_of(values["members"]),
            power_tenant=self.tenants[power] if power else None,
            by=self.user,
        )
        return Response(success(message="Added tenant group"))


class TenantGroupView(GroupedTenantsView):
    """W18."""

    operations = {"PATCH": "W18"}
    group: TenantGroup

    def find(self, request: Request, **kwargs: Any) -> Concern:
        """The group, if one of the asker's tenants is in it, and every tenant of the body."""
        groups = tenant_groups_within(self.own_reach)
        group = groups.filter(pk=as_uuid(kwargs["group_id"], "Tenant group")).first()
        if group is None:
            raise NotFound("Tenant group not found.")
        self.group = group
        return super().find(request, **kwargs)

    @docs.tenant_group_update
    def patch(self, _request: Request, **_kwargs: str) -> Response:
        """Change what the body names."""
        values = self.validated(TenantGroupChange)
        tenant_group_update(
            group=self.group,
            name=values.get("name"),
            members=self.members_of(values["members"]) if "members" in values else None,
            power_tenant=self._power(values),
            by=self.user,
        )
        return Response(success("Updated"))

    def _power(self, values: Mapping[str, Any]) -> Tenant | Unchanged | None:
        if "powerTenantId" not in values:
            return UNCHANGED
        power = values["powerTenantId"]
        return self.tenants[power] if power else None
