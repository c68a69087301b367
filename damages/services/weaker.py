"""What the model saw without being sure enough to propose it: people who ask for more may make damages of it."""

from __future__ import annotations

from collections import defaultdict
from typing import Final
from uuid import UUID

from django.db import transaction

from assets.models import ImageSet
from damages.geometry import Polygon, iou
from damages.models import Action, Damage, DamageState, Source
from damages.services.decisions import damage_draw, verdict_set
from damages.services.locks import tenant_of
from damages.services.manual import edit_begin
from damages.services.matching import cars_lock, ties_settle
from damages.services.records import Ledger
from damages.services.roles import role_permit
from damages.services.sightings import polygon_of
from damages.taxonomy import DamageCategory, category_of
from imaging.detections import is_weaker
from imaging.models import Detection
from tenants.errors import NotFound
from tenants.models import User

#: A weaker proposal that covers a damage this well tells nothing new.
COVERED_IOU: Final = 0.3


def weaker_of(image_set: ImageSet) -> list[Detection]:
    """The weaker proposals of the set's latest run on photos that stand, best first, but for what is a damage already.

    Three queries, whatever the set. A set that belongs to nobody has none.
    """
    run = image_set.runs.order_by("-number").first()
    if run is None or image_set.tenant_id is None:
        return []
    rows = Detection.objects.of(image_set.tenant_id).filter(is_weaker(), run=run, image__deleted_at__isnull=True)
    known: dict[UUID, list[Polygon]] = defaultdict(list)
    shown = Damage.objects.of(image_set.tenant_id).visible().filter(image_set=image_set)
    for image_id, polygon in shown.order_by().values_list("image_id", "polygon"):
        known[image_id].append(polygon_of(polygon))
    return [row for row in rows.order_by("-score", "pk") if not _is_covered(row, known[row.image_id])]


def weaker_category(row: Detection) -> DamageCategory:
    """What the detection would be called as a damage."""
    return category_of(row.label, polygon=polygon_of(row.polygon), aspect=row.image_width / row.image_height)


def weaker_accept(*, user: User, image_set: ImageSet, detection_id: UUID, step: Source) -> Damage:
    """Make a damage of a weaker proposal, as if the person had drawn it: accepted at once, in their role.

    It keeps the detection that it came from, so that nobody takes it for the model's own proposal, nor for something
    that the model had not seen. Once more changes nothing; one that was removed comes back. Raises NotFound, Forbidden,
    Conflict.
    """
    tenant_id = tenant_of(image_set)
    role_permit(user=user, role=step, tenant_id=tenant_id)
    rows = Detection.objects.of(tenant_id).filter(is_weaker(), image__deleted_at__isnull=True)
    found = rows.select_related("image").filter(pk=detection_id, image__image_set=image_set).first()
    if found is None:
        raise NotFound("There is no such proposal.")
    found.image.image_set = image_set
    with transaction.atomic():
        cars_lock([image_set.car_id])
        edit_begin(user=user, image_set=image_set)
        row = Damage.objects.of(tenant_id).filter(detection=found).select_for_update(of=("self",)).first()
        if row is None:
            return damage_draw(
                user=user, image=found.image, polygon=polygon_of(found.polygon), category=weaker_category(found),
                step=step, detection=found,
            )  # fmt: skip
        if row.deleted_at is not None:
            _bring_back(row, user=user, step=step)
    return row


def _bring_back(row: Damage, *, user: User, step: Source) -> None:
    ledger = Ledger(user=user, step=step)
    ledger.watch(row)
    row.deleted_at = row.deleted_by = None
    verdict_set(row, state=DamageState.ACCEPTED, user=user)
    ledger.record(row, Action.RESTORED)
    ledger.write()
    ties_settle([row.pk], ledger=Ledger(user=user, step=step))


def _is_covered(row: Detection, known: list[Polygon]) -> bool:
    outline = polygon_of(row.polygon)
    return any(iou(outline, polygon) >= COVERED_IOU for polygon in known)
