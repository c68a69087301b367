"""Acting for one tenant: people with several choose on the staff pages whose rows they see; the default is all of them.

The choice is kept in the person's session, narrows what they reach and never widens it. One that lies no longer within
their reach counts for nothing.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import HttpRequest

from tenants.errors import NotFound
from tenants.models import Tenant, User
from tenants.rights import standing_of
from tenants.scope import Reach

SESSION_KEY: Final = "acting_tenant"
# One look-up a request; forgotten when the choice changes.
_REMEMBERED: Final = "_acting_tenant"


def acting_tenants(user: User) -> QuerySet[Tenant]:
    """The tenants that the person may act for, by name: all for global admins, else those they are a member of."""
    if not _is_alive(user):
        return Tenant.objects.none()
    standing = standing_of(user)
    rows = Tenant.objects.order_by("name")
    return rows if standing.is_global else rows.filter(pk__in=standing.roles)


def acting_tenant(request: HttpRequest) -> Tenant | None:
    """The tenant that the person chose to act for; None for all of theirs."""
    if _REMEMBERED not in request.__dict__:
        request.__dict__[_REMEMBERED] = _chosen(request)
    tenant: Tenant | None = request.__dict__[_REMEMBERED]
    return tenant


def acting_choose(request: HttpRequest, tenant_id: str) -> Tenant | None:
    """Act for this tenant from now on, or for all of the person's with "". NotFound for a tenant beyond their reach."""
    tenant = _within_reach(request, tenant_id) if tenant_id else None
    if tenant_id and tenant is None:
        raise NotFound("There is no such tenant.")
    if tenant is None:
        request.session.pop(SESSION_KEY, None)
    else:
        request.session[SESSION_KEY] = str(tenant.pk)
    request.__dict__[_REMEMBERED] = tenant
    return tenant


def reach_narrowed(request: HttpRequest, reach: Reach) -> Reach:
    """What is left of a reach while the person acts for one tenant."""
    tenant = acting_tenant(request)
    return reach if tenant is None else reach.within(tenant.pk)


def reach_for_request(request: HttpRequest) -> Reach:
    """The tenants whose rows a staff page shows: those of the person, narrowed to the one they act for."""
    user = request.user
    if not isinstance(user, User) or not _is_alive(user):
        return Reach.some(())
    standing = standing_of(user)
    return reach_narrowed(request, Reach.every() if standing.is_global else Reach.some(standing.roles))


def station_zone(request: HttpRequest) -> ZoneInfo | None:
    """The time zone of the stations of the tenant that the person acts for, or of their only one; None with several."""
    if not isinstance(request.user, User):
        return None
    tenant = acting_tenant(request)
    rows = acting_tenants(request.user) if tenant is None else Tenant.objects.filter(pk=tenant.pk)
    names = list(rows.values_list("settings__time_zone", flat=True)[:2])
    return ZoneInfo(names[0]) if len(names) == 1 and names[0] else None


def _is_alive(user: User) -> bool:
    return user.is_active and user.deleted_at is None


def _chosen(request: HttpRequest) -> Tenant | None:
    session = getattr(request, "session", None)
    kept = session.get(SESSION_KEY) if session is not None else None
    return _within_reach(request, kept) if kept else None


def _within_reach(request: HttpRequest, tenant_id: str) -> Tenant | None:
    try:
        wanted = UUID(tenant_id)
    except ValueError:
        return None
    if not isinstance(request.user, User):
        return None
    return acting_tenants(request.user).filter(pk=wanted).first()
