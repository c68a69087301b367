"""Which return belongs to which pickup of a car, and what the two passages were therefore: a rental or a turnaround."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from assets.models import Car, ImageSet, Passage, PassageKind
from assets.querysets import ImageSetQuerySet
from tenants.models import TenantSettings

_WHY: Final = "the visits of a car whose set was reached already"
_PICKUP: Final = "pickup"
_RETURN: Final = "return"
#: Sets read on each side of the one that changed: its neighbours, and who they may belong to otherwise.
_AROUND: Final = 2


@transaction.atomic
def visits_pair(*, image_set: ImageSet) -> None:
    """Pair the set with its pickup or return, and its neighbours anew, after it got its car, went or came back.

    A return belongs to the pickup right before it; both name each other. Their passages are a turnaround if the tenant
    wants to know and less than its threshold lies between them, and rentals otherwise, as is a passage alone. Harmless
    when called again; one who calls it for a set without a car, or of a rig without a label, changes nothing.
    """
    if image_set.car_id is None:
        return
    rows = _visits(image_set.car_id)
    here = Q(recorded_at=image_set.recorded_at)
    before = rows.filter(Q(recorded_at__lt=image_set.recorded_at) | here & Q(pk__lt=image_set.pk))
    after = rows.filter(Q(recorded_at__gt=image_set.recorded_at) | here & Q(pk__gt=image_set.pk))
    earlier = list(before.order_by("-recorded_at", "-pk")[:_AROUND])[::-1]
    later = list(after.order_by("recorded_at", "pk")[:_AROUND])
    own = list(rows.filter(pk=image_set.pk))
    partners = _partners([*earlier, *own, *later])
    limit = _threshold(image_set)
    for row in (*earlier[-1:], *own, *later[:1]):
        _write(row, partners.get(row.pk), limit)
    if not own:
        _sets().filter(pk=image_set.pk, related_image_set__isnull=False).update(related_image_set=None)


def _visits(car_id: UUID) -> ImageSetQuerySet:
    """The standing sets of a car that a labelled rig made; the car is locked, so that changes follow one another."""
    Car.objects.all_tenants(_WHY).select_for_update(no_key=True, of=("self",)).filter(pk=car_id).first()
    rows = _sets().visible().filter(car=car_id, capture_set__label__in=(_PICKUP, _RETURN))
    return rows.select_related("capture_set", "passage")


def _partners(visits: Sequence[ImageSet]) -> Mapping[UUID, ImageSet]:
    """Each set's other one, by its id, among sets in the order of time."""
    found: dict[UUID, ImageSet] = {}
    for one, other in pairwise(visits):
        if (_label(one), _label(other)) == (_PICKUP, _RETURN):
            found |= {one.pk: other, other.pk: one}
    return found


def _label(image_set: ImageSet) -> str:
    return image_set.capture_set.label if image_set.capture_set else ""


def _threshold(image_set: ImageSet) -> int:
    """Seconds below which a pair is a turnaround; 0, which nothing is below, where the tenant does not want to know."""
    rules = TenantSettings.objects.filter(tenant=image_set.tenant_id).first()
    return rules.turnaround_threshold_s if rules and rules.turnaround_enabled else 0


def _write(row: ImageSet, partner: ImageSet | None, limit: int) -> None:
    now = timezone.now()
    if row.related_image_set_id != (partner.pk if partner else None):
        _sets().filter(pk=row.pk).update(related_image_set=partner, modified_at=now)
    apart = abs((partner.recorded_at - row.recorded_at).total_seconds()) if partner else limit
    kind = PassageKind.TURNAROUND if apart < limit else PassageKind.RENTAL
    if row.passage and row.passage.kind != kind:
        Passage.objects.all_tenants(_WHY).filter(pk=row.passage.pk).update(kind=kind, modified_at=now)


def _sets() -> ImageSetQuerySet:
    return ImageSet.objects.all_tenants(_WHY)
