"""Monthly quotas: what a tenant may use and what it has used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from tenants.errors import Invalid, QuotaExceeded
from tenants.models import Quota, Service, Tenant, UsageCounter, User
from tenants.services.rows import row_author

#: What a PositiveIntegerField holds on both databases.
LARGEST_LIMIT: Final = 2_147_483_647


@dataclass(frozen=True, slots=True)
class Usage:
    """What a tenant used of a service this month; `limit` is None without a quota."""

    service: str
    used: int
    limit: int | None


def usage_take(*, tenant: Tenant, service: str, amount: int = 1) -> date:
    """Count `amount` uses of this month (UTC) and return the month, which `usage_return` takes.

    Raises QuotaExceeded, and counts nothing, if that were more than the quota. One conditional UPDATE decides, so
    that requests at the same time cannot pass it together; it is undone with the caller's transaction.
    """
    _check_service(service)
    if amount < 1:
        raise ValueError("usage_take counts at least one use")
    month = _month_of(timezone.now())
    counter = _counter(tenant, service, month)
    limit = _limit(tenant, service)
    rows = UsageCounter.objects.of(tenant.id).filter(pk=counter.pk)
    if limit is not None:
        rows = rows.filter(used__lte=limit - amount)
    if not rows.update(used=F("used") + amount, modified_at=timezone.now()):
        raise QuotaExceeded(f"The quota of {limit} for {Service(service).label} this month is used up.")
    return month


def usage_return(*, tenant: Tenant, service: str, amount: int = 1, month: date | None = None) -> None:
    """Give back uses that came to nothing, in the month they were taken (default: this one); never below zero."""
    _check_service(service)
    taken_in = month or _month_of(timezone.now())
    rows = UsageCounter.objects.of(tenant.id).filter(service=service, month=taken_in, used__gte=amount)
    rows.update(used=F("used") - amount, modified_at=timezone.now())


@transaction.atomic
def quota_set(*, tenant: Tenant, service: str, limit: int | None, by: User | None = None) -> None:
    """Set the monthly limit of a service, or lift it with None. Invalid for an unknown service or a negative limit."""
    _check_service(service)
    quota = Quota.objects.of(tenant.id).select_for_update().filter(service=service).first()
    if quota is None and limit is None:
        return
    quota = quota or Quota(tenant=tenant, service=service)
    row_author(quota, by=by)
    if limit is None:
        quota.delete()
    elif quota.limit != limit:
        _check_limit(service, limit)
        quota.limit = limit
        quota.save()


def usage_of(tenant: Tenant) -> list[Usage]:
    """This month's use of every service with its limit (two queries)."""
    month = _month_of(timezone.now())
    used = dict(UsageCounter.objects.of(tenant.id).filter(month=month).values_list("service", "used"))
    limits = dict(Quota.objects.of(tenant.id).values_list("service", "limit"))
    return [Usage(service, used.get(service, 0), limits.get(service)) for service in Service.values]


def _check_service(service: str) -> None:
    if service not in Service.values:
        raise Invalid(f"Unknown service {service!r}.", {"service": [f"One of {', '.join(Service.values)}."]})


def _check_limit(service: str, limit: object) -> None:
    if isinstance(limit, bool) or not isinstance(limit, int) or not 0 <= limit <= LARGEST_LIMIT:
        reason = f"A whole number from 0 to {LARGEST_LIMIT} is needed."
        raise Invalid(f"quota.{service}: {reason}", {f"quota.{service}": [reason]})


def _month_of(moment: datetime) -> date:
    return moment.astimezone(UTC).date().replace(day=1)


def _counter(tenant: Tenant, service: str, month: date) -> UsageCounter:
    counters = UsageCounter.objects.of(tenant.id)
    return counters.get_or_create(tenant=tenant, service=service, month=month)[0]


def _limit(tenant: Tenant, service: str) -> int | None:
    return Quota.objects.of(tenant.id).filter(service=service).values_list("limit", flat=True).first()
