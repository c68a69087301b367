"""Reads of people and tenants, always within somebody's reach."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from tenants.models import Membership, Tenant, User
from tenants.scope import Reach


def people_within(reach: Reach, *, asker_id: UUID) -> QuerySet[User]:
    """The living people whom somebody of this reach may know of: those they share a tenant with, and themselves."""
    people = User.objects.filter(deleted_at__isnull=True)
    if reach.tenant_ids is None:
        return people
    shared = Membership.objects.of(reach).values("user")
    return people.filter(Q(pk=asker_id) | Q(pk__in=shared))


def tenants_within(reach: Reach) -> QuerySet[Tenant]:
    """The tenants of this reach, by name."""
    rows = Tenant.objects.order_by("name")
    return rows if reach.tenant_ids is None else rows.filter(pk__in=reach.tenant_ids)
