"""Reads of people and tenants, always within somebody's reach."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.db import connection, models
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat

from tenants.models import Membership, Tenant, User
from tenants.scope import Reach

#: What people put between the digits of a phone number.
_BETWEEN_DIGITS: Final = re.compile(r"[\s().\-/]+")
_PHONE: Final = re.compile(r"\+?\d+")

#: How the database keeps ids: SQLite has no type for them.
_ID: Final[models.UUIDField[UUID, UUID]] = models.UUIDField()
# One statement each, so that both numbers are of the same moment.
_EVERYBODY: Final = """
    SELECT (SELECT COUNT(*) FROM tenants_user) - (SELECT COUNT(*) FROM tenants_user WHERE deleted_at IS NOT NULL)
"""
_MEMBERS: Final = """
    SELECT (SELECT COUNT(*) FROM tenants_membership WHERE tenant_id = %s)
           - (SELECT COUNT(*) FROM tenants_membership JOIN tenants_user ON tenants_user.id = user_id
              WHERE tenant_id = %s AND deleted_at IS NOT NULL)
"""


def people_within(reach: Reach, *, asker_id: UUID) -> QuerySet[User]:
    """The living people whom somebody of this reach may know of: those they share a tenant with, and themselves."""
    people = User.objects.filter(deleted_at__isnull=True)
    if reach.tenant_ids is None:
        return people
    shared = Membership.objects.of(reach).values("user")
    return people.filter(Q(pk=asker_id) | Q(pk__in=shared))


def people_of(reach: Reach) -> QuerySet[User]:
    """The living members of the tenants of this reach, by last name; everybody, members or not, for who reaches all."""
    people = User.objects.filter(deleted_at__isnull=True).order_by("last_name", "first_name", "id")
    return people if reach.tenant_ids is None else people.filter(pk__in=Membership.objects.of(reach).values("user"))


def people_total(reach: Reach) -> int:
    """How many `people_of` finds, without touching each: all but the deleted, who are few and have an index."""
    if reach.tenant_ids is None:
        return _difference(_EVERYBODY)
    if len(reach.tenant_ids) > 1:
        return people_of(reach).count()
    (tenant_id,) = reach.tenant_ids
    stored: Any = _ID.get_db_prep_value(tenant_id, connection)
    return _difference(_MEMBERS, stored, stored)


def _difference(sql: str, *values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row: tuple[int] = cursor.fetchone()
    return row[0]


def people_matching(people: QuerySet[User], text: str) -> QuerySet[User]:
    """Those with `text` in their first name, last name, both ("First Last") or phone number, in any case.

    A phone number may be typed with what people put between the digits, and with 00 in place of the plus.
    """
    name = " ".join(text.split())
    # SQLite's LIKE knows the case of ASCII letters only; its regular expressions are Python's and know all letters.
    lookup, pattern = ("icontains", name) if name.isascii() else ("iregex", re.escape(name))
    found = Q(**{f"full_name__{lookup}": pattern})
    digits = _BETWEEN_DIGITS.sub("", text)
    if _PHONE.fullmatch(digits):
        found |= Q(phone__contains=f"+{digits[2:]}" if digits.startswith("00") else digits)
    return people.alias(full_name=Concat("first_name", Value(" "), "last_name")).filter(found)


def tenants_within(reach: Reach) -> QuerySet[Tenant]:
    """The tenants of this reach, by name."""
    rows = Tenant.objects.order_by("name")
    return rows if reach.tenant_ids is None else rows.filter(pk__in=reach.tenant_ids)


def tenants_shared(person: User, *, reach: Reach) -> QuerySet[Tenant]:
    """The tenants of this reach that the person is a member of, by name."""
    return Tenant.objects.filter(pk__in=Membership.objects.of(reach).filter(user=person).values("tenant")).order_by(
        "name"
    )


def memberships_within(reach: Reach, *, user_ids: Collection[UUID]) -> QuerySet[Membership]:
    """These people's memberships of the tenants of this reach, with tenant and settings, by the tenant's name."""
    rows = Membership.objects.of(reach).filter(user__in=user_ids).select_related("tenant__settings")
    return rows.order_by("tenant__name")
