"""Routes of tenants and who belongs to them."""

from __future__ import annotations

from inspection_platform.api.core.views.tenants import (
    TenantAssignView,
    TenantsView,
    TenantUnassignView,
    TenantUsersView,
    TenantView,
)
from inspection_platform.api.routing import route

urlpatterns = [
    route("auth/tenants", TenantsView.as_view(), "core-tenants"),
    route("auth/tenants/assign", TenantAssignView.as_view(), "core-tenant-assign"),
    route("auth/tenants/unassign", TenantUnassignView.as_view(), "core-tenant-unassign"),
    route("auth/tenants/users", TenantUsersView.as_view(), "core-tenant-users"),
    route("auth/tenants/<str:tenant_id>", TenantView.as_view(), "core-tenant"),
]
