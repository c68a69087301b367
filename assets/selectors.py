"""Reads of `assets` that need more than one table."""

from __future__ import annotations

import re

from django.db.models import Exists, OuterRef, Q, QuerySet

from assets.models import CaptureSet, CaptureUnit, Car, ImageSet, Passage, Recording
from assets.querysets import ImageSetQuerySet
from tenants.scope import Reach


def image_sets_unassigned(reach: Reach) -> ImageSetQuerySet:
    """Sets that wait for their tenant and that this reach may see: those of units whose default tenant it covers.

    Who reaches every tenant sees all of them. `ImageSet.objects.of(reach)` never holds one of these.
    """
    waiting = ImageSet.objects.all_tenants("sets without a tenant, narrowed to units of the reach").visible()
    waiting = waiting.filter(tenant__isnull=True)
    if reach.tenant_ids is None:
        return waiting
    recorded = Recording.objects.all_tenants("a passage's unit names who may see it").filter(
        passage=OuterRef("passage"), capture_unit__default_tenant__in=reach.tenant_ids
    )
    return waiting.filter(Exists(recorded))


def capture_sets_visible(reach: Reach) -> QuerySet[CaptureSet]:
    """The rigs that somebody of this reach sees, by name: their tenants own them, or a unit records for these."""
    rows = CaptureSet.objects.all_tenants("a rig is also seen by the tenants that its units record for")
    rows = rows.filter(deleted_at__isnull=True).order_by("name", "id")
    if reach.tenant_ids is None:
        return rows
    assigned = CaptureUnit.tenants.through.objects.filter(tenant__in=reach.tenant_ids).values(
        "captureunit__capture_set"
    )
    return rows.filter(Q(tenant__in=reach.tenant_ids) | Q(pk__in=assigned))


def capture_units_visible(reach: Reach) -> QuerySet[CaptureUnit]:
    """The units of rigs that tenants of this reach own, and those that record for them; by rig and side."""
    rows = CaptureUnit.objects.all_tenants("a unit is also seen by the tenants it records for")
    rows = rows.filter(capture_set__deleted_at__isnull=True, capture_set__is_virtual=False)
    rows = rows.order_by("capture_set__name", "capture_set_id", "side")
    if reach.tenant_ids is None:
        return rows
    assigned = CaptureUnit.tenants.through.objects.filter(tenant__in=reach.tenant_ids).values("captureunit")
    return rows.filter(Q(capture_set__tenant__in=reach.tenant_ids) | Q(pk__in=assigned))


def capture_set_words(reach: Reach, *, column: str, pattern: str) -> list[str]:
    """The distinct values of `column` (name, location) among the rigs seen that contain the pattern in any case.

    In alphabetical order, capital letters or not.
    """
    # SQLite's LIKE knows the case of ASCII letters only; its regular expressions are Python's and know all letters.
    lookup, text = ("icontains", pattern) if pattern.isascii() else ("iregex", re.escape(pattern))
    rows = capture_sets_visible(reach).filter(**{f"{column}__{lookup}": text}).exclude(**{column: ""})
    found = set(rows.order_by().values_list(column, flat=True))
    return sorted(found, key=lambda word: (word.casefold(), word))


def passages_seen(reach: Reach) -> QuerySet[Passage]:
    """Passages of tenants of this reach, and those that wait for a tenant and were recorded by units whose default
    tenant it covers.
    """
    rows = Passage.objects.all_tenants("a passage without a tenant is seen by the default tenant of its units")
    if reach.tenant_ids is None:
        return rows
    recorded = Recording.objects.all_tenants("a passage's unit names who may see it").filter(
        passage=OuterRef("pk"), capture_unit__default_tenant__in=reach.tenant_ids
    )
    return rows.filter(Q(tenant__in=reach.tenant_ids) | (Q(tenant__isnull=True) & Exists(recorded)))


def passages_unfit(passages: QuerySet[Passage], *, car: Car) -> QuerySet[Passage]:
    """Those of the passages to which the car may not be assigned.

    They are another tenant's, have another car or another plate that somebody entered, or were recorded by a unit that
    does not record for the car's tenant.
    """
    free = Q(tenant__isnull=True) | Q(tenant=car.tenant_id)
    unclaimed = Q(car__isnull=True) | Q(car=car)
    same_plate = Q(plate="") | Q(plate_is_read=True) | Q(plate=car.plate, country_code=car.country_code)
    strange = Recording.objects.all_tenants("every unit that recorded it counts").filter(passage=OuterRef("pk"))
    strange = strange.exclude(capture_unit__tenants=car.tenant_id)
    return passages.filter(~(free & unclaimed & same_plate) | Exists(strange))
