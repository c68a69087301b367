"""Reads of `assets` that need more than one table."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from assets.models import ImageSet, Recording
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
