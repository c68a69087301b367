"""Routes of groups of tenants."""

from __future__ import annotations

from inspection_platform.api.core.views.tenant_groups import TenantGroupsView, TenantGroupView
from inspection_platform.api.routing import route

urlpatterns = [
    route("auth/tenantGroups", TenantGroupsView.as_view(), "core-tenant-groups"),
    route("auth/tenantGroups/<str:group_id>", TenantGroupView.as_view(), "core-tenant-group"),
]
