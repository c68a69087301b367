"""Who asks, found in one query: every request of the core family begins with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection, models

from tenants.models import GLOBAL_ADMIN, GROUPS, Tenant, User

#: How the database keeps ids: SQLite has no type for them.
_ID: Final[models.UUIDField[UUID, UUID]] = models.UUIDField()
# Written out: building this with the ORM takes longer than asking it, and asking in pieces longer still.
_ASKER: Final = """
    SELECT tenants_user.*, tenants_membership.role AS role_there, tenants_tenant.name AS tenant_name,
           EXISTS (SELECT 1 FROM tenants_user_groups JOIN auth_group ON auth_group.id = group_id
                   WHERE user_id = tenants_user.id AND auth_group.name = 'GLOBAL_ADMIN') AS "in_GLOBAL_ADMIN",
           EXISTS (SELECT 1 FROM tenants_user_groups JOIN auth_group ON auth_group.id = group_id
                   WHERE user_id = tenants_user.id AND auth_group.name = 'ANNOTATOR') AS "in_ANNOTATOR",
           EXISTS (SELECT 1 FROM tenants_user_groups JOIN auth_group ON auth_group.id = group_id
                   WHERE user_id = tenants_user.id AND auth_group.name = 'REVIEWER') AS "in_REVIEWER"
    FROM tenants_user
    LEFT JOIN tenants_tenant ON tenants_tenant.id = %s AND tenants_tenant.is_active
    LEFT JOIN tenants_membership
           ON tenants_membership.user_id = tenants_user.id AND tenants_membership.tenant_id = tenants_tenant.id
    WHERE tenants_user.id = %s AND tenants_user.is_active AND tenants_user.deleted_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Asker:
    """A living person, their groups, and what they are in the tenant that they want to work in.

    `tenant` is None if there is no such active tenant, `role` is "" for somebody who is no member of it. Superusers
    count as global admins.
    """

    user: User
    groups: frozenset[str]
    tenant: Tenant | None
    role: str

    @property
    def is_global_admin(self) -> bool:
        """Whether they reach every tenant."""
        return GLOBAL_ADMIN in self.groups


def asker_find(user_id: UUID, *, tenant_id: UUID | None) -> Asker | None:
    """The person with this id, unless they are not active or gone, and where they stand in the tenant."""
    values = [_ID.get_db_prep_value(row_id, connection) for row_id in (tenant_id, user_id)]
    found: Any = next(iter(User.objects.raw(_ASKER, values)), None)
    if found is None:
        return None
    groups = {name for name in GROUPS if getattr(found, f"in_{name}")}
    if found.is_superuser:
        groups.add(GLOBAL_ADMIN)
    return Asker(
        user=found,
        groups=frozenset(groups),
        tenant=None if found.tenant_name is None else _tenant(tenant_id, found.tenant_name),
        role=found.role_there or "",
    )


def _tenant(tenant_id: UUID | None, name: str) -> Tenant:
    """The tenant as a row of the database; the times of its row are read when somebody wants them."""
    return Tenant.from_db(connection.alias, ["id", "name", "is_active"], [tenant_id, name, True])
