"""Profiles: who is there, and what tenants they belong to."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from inspection_platform.api.core.docs import profile as docs
from inspection_platform.api.core.presenters import profile as present
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.common import maybe_uuid, query_of
from inspection_platform.api.core.serializers.profile import NamesQuery, ProfileQuery
from inspection_platform.api.core.views.common import Concern, CoreView
from inspection_platform.api.core.views.named import PathPersonView
from inspection_platform.api.paging import page_of
from tenants.models import Role, Tenant
from tenants.rows import plain_rows
from tenants.scope import Reach
from tenants.selectors import people_matching, people_of, people_total, people_within, tenants_shared


class ProfilesView(CoreView):
    """W1."""

    operations = {"GET": "W1"}
    tenant: Tenant | None

    def find(self, request: Request, **_kwargs: Any) -> Concern:
        """The tenant that is named, if one is; otherwise the one worked in decides whether the asker may list."""
        self.tenant = self.seen_tenant(maybe_uuid(request.query_params.get("tenant")))
        return Concern(tenants=(self.tenant.pk,) if self.tenant else None)

    @docs.profiles
    def get(self, request: Request) -> Response:
        """List people by last name."""
        query = query_of(ProfileQuery, request)
        reach = self._reach
        people, total = people_of(reach), None
        if "searchBy" in query:
            people = people_matching(people, query["searchBy"])
        else:
            total = people_total(reach)
        page, meta = page_of(people, limit=query["limit"], page=query["page"], total=total)
        items = [present.profile(*row) for row in plain_rows(page.values_list(*present.PROFILE_COLUMNS))]
        return Response(success({"items": items}, meta=meta))

    @property
    def _reach(self) -> Reach:
        """The tenant named, else all that the asker administers."""
        if self.tenant is not None:
            return Reach.only(self.tenant.pk)
        if self.actor.is_global_admin:
            return Reach.every()
        return Reach.some(tenant for tenant, role in self.own_roles.items() if role == Role.ADMIN_TENANT)


class NamesView(CoreView):
    """W2."""

    operations = {"GET": "W2"}

    @docs.names
    def get(self, request: Request) -> Response:
        """Name people by their ids; whom the asker may not know is left out."""
        query = query_of(NamesQuery, request)
        people = people_within(self.own_reach, asker_id=self.user.pk).filter(pk__in=query["users"])
        rows = people.order_by("last_name", "first_name", "id").values_list(*present.NAME_COLUMNS)
        return Response(success({"items": [present.name(*row) for row in plain_rows(rows)]}))


class ProfileView(PathPersonView):
    """W3."""

    operations = {"GET": "W3"}

    @docs.profile
    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show one person's profile."""
        return Response(success(present.profile_detail(self.person)))


class ProfileTenantsView(PathPersonView):
    """W4."""

    operations = {"GET": "W4"}

    @docs.profile_tenants
    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """List the tenants of a person that the asker may know."""
        rows = tenants_shared(self.person, reach=self.own_reach).values_list("pk", flat=True)
        return Response(success({"items": [str(tenant_id) for tenant_id in rows]}))
