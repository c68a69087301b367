"""Groups of tenants, and whom a group's power tenant may act for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from tenants.errors import Conflict
from tenants.models import Tenant, TenantGroup, User
from tenants.scope import Reach
from tenants.services.rows import row_author, row_check


@dataclass(frozen=True, slots=True)
class Unchanged:
    """What a change leaves as it is, where None has a meaning of its own."""


UNCHANGED: Final = Unchanged()


@transaction.atomic
def tenant_group_create(
    *, name: str, members: Iterable[Tenant] = (), power_tenant: Tenant | None = None, by: User | None = None
) -> TenantGroup:
    """A new group. Raises Invalid for an empty or too long name, Conflict for one that is taken."""
    group = TenantGroup(name=name.strip(), power_tenant=power_tenant)
    row_author(group, by=by)
    _save(group)
    group.members.set(members)
    return group


@transaction.atomic
def tenant_group_update(
    *,
    group: TenantGroup,
    name: str | None = None,
    members: Iterable[Tenant] | None = None,
    power_tenant: Tenant | Unchanged | None = UNCHANGED,
    by: User | None = None,
) -> TenantGroup:
    """Change what is given and leave the rest; `members` replaces them all, `power_tenant` None takes the power away.

    Raises Invalid for an empty or too long name, Conflict for one that is taken.
    """
    row = TenantGroup.objects.select_for_update(no_key=True).get(pk=group.pk)
    before = (row.name, row.power_tenant_id)
    if name is not None:
        row.name = name.strip()
    if not isinstance(power_tenant, Unchanged):
        row.power_tenant = power_tenant
    row_author(row, by=by)
    if before != (row.name, row.power_tenant_id):
        _save(row)
    if members is not None:
        # The history follows the relation, and finds the author on the group's row.
        row.members.set(members)
    return row


def tenant_groups_within(reach: Reach) -> QuerySet[TenantGroup]:
    """The groups that somebody of this reach may know of: those in which one of their tenants is or has the power."""
    if reach.tenant_ids is None:
        return TenantGroup.objects.order_by("name")
    theirs = Q(members__in=reach.tenant_ids) | Q(power_tenant__in=reach.tenant_ids)
    return TenantGroup.objects.filter(pk__in=TenantGroup.objects.filter(theirs).values("pk")).order_by("name")


def acting_reach(tenant: Tenant) -> Reach:
    """The tenant and the active members of every group whose power tenant it is, in one query.

    Only for calls that ask for it (`masterTenantAction=true`): otherwise a power tenant reaches no further than others.
    """
    members = Tenant.objects.filter(tenant_groups__power_tenant=tenant, is_active=True)
    return Reach.some({tenant.pk, *members.values_list("pk", flat=True)})


def _save(group: TenantGroup) -> None:
    row_check(group)
    try:
        with transaction.atomic():
            group.save()
    except IntegrityError as error:
        raise Conflict("A tenant group with this name exists already.") from error
