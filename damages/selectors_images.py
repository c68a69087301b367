"""Reads of photos that ask for the damages on them."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from assets.models import Image, ImageSet
from assets.querysets import ImageQuerySet
from damages.models import Damage
from damages.selectors import LISTED_STATES
from tenants.scope import Reach


def images_of_set(image_set: ImageSet, *, with_damages_only: bool = False) -> ImageQuerySet:
    """The photos of a set that was reached, in their order; `has_damages` says whether a list shows one on it.

    One query. `with_damages_only` leaves out the others.
    """
    reach = Reach.every() if image_set.tenant_id is None else Reach.only(image_set.tenant_id)
    listed = Damage.objects.of(reach).visible().filter(state__in=LISTED_STATES, is_potential=False)
    rows = Image.objects.of(reach).visible().filter(image_set=image_set).select_related("image_set")
    on_it = Exists(listed.filter(image=OuterRef("pk")))
    rows = rows.filter(on_it) if with_damages_only else rows
    return rows.annotate(has_damages=on_it).order_by("position", "frame", "id")
