"""Damages that people add: on photos, and on the drawing of a car."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from assets.models import Car, Image, ImageSet
from damages.kinship import KinshipError
from damages.models import Action, Damage, DamageState, PictogramDamage, Source
from damages.services.bulk import box_of, contradiction, flags_set, flags_told
from damages.services.edits import conflict_about, listed
from damages.services.locks import tenant_of
from damages.services.manual import edits_begin
from damages.services.matching import cars_lock, kin_ids, kinship_of, rows_lock, ties_write
from damages.services.records import Ledger
from damages.services.results import changes_tell
from damages.services.roles import role_permit
from damages.services.sightings import polygon_of
from damages.taxonomy import category_of
from tenants.errors import Conflict, Invalid, NotFound
from tenants.models import User
from tenants.scope import Reach

#: The model's word for damage of unknown kind: without a person's word the outline's shape decides the category.
_UNKNOWN_KIND: Final = "damage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A damage on a photo. `corners` (x, y) are in pixels of it, in any order; `flags` as in DamageChange.

    `car` must be the set's, if it is given; `first_damage` is the first occurrence. `place`: as in DamageChange.
    """

    image_set: UUID
    image: UUID
    corners: Sequence[tuple[float, float]]
    state: DamageState = DamageState.ACCEPTED
    flags: Mapping[str, dict[str, bool]] = field(default_factory=dict)
    car: UUID | None = None
    first_damage: UUID | None = None
    place: str = "damage"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictogramMark:
    """A damage on the drawing of a car (`name`, a file's), at x and y in 0..1 of it."""

    image_set: UUID
    name: str
    x: float
    y: float
    is_new: bool = False


def damages_create(
    *, user: User, drawings: Sequence[Drawing], marks: Sequence[PictogramMark], reach: Reach, step: Source
) -> list[Damage]:
    """Add damages that a person saw, all or none; returns those on photos. The number of queries does not grow.

    They are decided at once, in the person's role and without a confidence. The category is the first true flag in the
    contract's order; without one the shape of the outline decides. Raises NotFound, Forbidden, Invalid naming the
    place, and Conflict while a set is held by somebody else or reviewed, or for a match that cannot be.
    """
    with transaction.atomic():
        sets = _sets_opened(drawings, marks, user=user, reach=reach, step=step)
        images = _images(drawings, reach)
        _refuse_unseen(drawings, reach)
        ledger = Ledger(user=user, step=step)
        rows = [
            _drawn(drawing, sets[drawing.image_set], images[drawing.image], user=user, step=step)
            for drawing in drawings
        ]
        Damage.objects.of(reach).bulk_create(rows)
        for row in rows:
            ledger.record_drawn(row)
        _match(rows, drawings, ledger=ledger)
        PictogramDamage.objects.of(reach).bulk_create(_marked(mark, user=user) for mark in marks)
        ledger.write()
        changes_tell(ledger.outdated, tenant_ids={tenant_of(image_set) for image_set in sets.values()})
    return rows


def _sets_opened(
    drawings: Sequence[Drawing], marks: Sequence[PictogramMark], *, user: User, reach: Reach, step: Source
) -> dict[UUID, ImageSet]:
    """The sets by id, once the person may change each of them."""
    named = [*(drawing.image_set for drawing in drawings), *(mark.image_set for mark in marks)]
    wanted = list(dict.fromkeys(named))
    rows = ImageSet.objects.of(reach).visible().filter(pk__in=wanted).order_by()
    sets = {row.pk: row for row in rows}
    _refuse_missing("Image sets", wanted, sets)
    for tenant_id in sorted({tenant_of(image_set) for image_set in sets.values()}):
        role_permit(user=user, role=step, tenant_id=tenant_id)
    if any(drawing.first_damage for drawing in drawings):
        cars_lock(image_set.car_id for image_set in sets.values())
    refused = edits_begin(user=user, image_set_ids=wanted, reach=reach)
    if refused:
        reason = next(iter(refused.values()))
        raise Conflict(
            f"{reason} Concerned: {listed(list(refused))}.", {str(key): [why] for key, why in refused.items()}
        )
    return sets


def _images(drawings: Sequence[Drawing], reach: Reach) -> dict[UUID, Image]:
    """The photos by id: each of its drawing's set, and ready to be drawn on."""
    rows = Image.objects.of(reach).visible().filter(pk__in={drawing.image for drawing in drawings}).order_by()
    images = {row.pk: row for row in rows if row.width and row.height}
    fitting = {
        drawing.image
        for drawing in drawings
        if drawing.image in images and images[drawing.image].image_set_id == drawing.image_set
    }
    _refuse_missing("Images", [drawing.image for drawing in drawings], fitting)
    return images


def _refuse_unseen(drawings: Sequence[Drawing], reach: Reach) -> None:
    """NotFound for first occurrences and cars that are not there for the person."""
    firsts = [drawing.first_damage for drawing in drawings if drawing.first_damage]
    if firsts:
        rows = Damage.objects.of(reach).visible().filter(pk__in=firsts).order_by()
        _refuse_missing("Damages", firsts, set(rows.values_list("pk", flat=True)))
    cars = [drawing.car for drawing in drawings if drawing.car]
    if cars:
        found = Car.objects.of(reach).filter(pk__in=cars).order_by()
        _refuse_missing("Cars", cars, set(found.values_list("pk", flat=True)))


def _refuse_missing(what: str, wanted: Sequence[UUID], found: Collection[UUID]) -> None:
    missing = [key for key in dict.fromkeys(wanted) if key not in found]
    if missing:
        raise NotFound(f"{what} not found: {listed(missing)}.")


def _drawn(drawing: Drawing, image_set: ImageSet, image: Image, *, user: User, step: Source) -> Damage:
    if drawing.car not in {None, image_set.car_id}:
        reason = "This is not the car of the image set."
        raise Invalid(f"{drawing.place}.carId: {reason}", {f"{drawing.place}.carId": [reason]})
    is_decided = drawing.state != DamageState.CREATED
    row = Damage(
        image_set=image_set, image=image, car_id=image_set.car_id, source=step, created_by=user, state=drawing.state,
        image_width=image.width, image_height=image.height,
        decided_by=user if is_decided else None, decided_at=timezone.now() if is_decided else None,
    )  # fmt: skip
    row.polygon = box_of(drawing.corners, row, place=drawing.place)
    shape = polygon_of(row.polygon)
    row.category = category_of(_UNKNOWN_KIND, polygon=shape, aspect=row.image_width / row.image_height)
    flags_set(row, flags_told(row, drawing.flags))
    reason = contradiction(row)
    if reason:
        raise Invalid(f"{drawing.place}: {reason}", {drawing.place: [reason]})
    return row


def _marked(mark: PictogramMark, *, user: User) -> PictogramDamage:
    return PictogramDamage(
        image_set_id=mark.image_set, name=mark.name, x=mark.x, y=mark.y, is_new=mark.is_new, created_by=user
    )


def _match(drawn: Sequence[Damage], drawings: Sequence[Drawing], *, ledger: Ledger) -> None:
    """Give the first occurrences that were named."""
    pairs = [(row.pk, one.first_damage) for row, one in zip(drawn, drawings, strict=True) if one.first_damage]
    if not pairs:
        return
    rows = rows_lock(kin_ids([key for pair in pairs for key in pair]))
    kinship = kinship_of(rows.values())
    for key, first in pairs:
        if rows[key].car_id is None or rows[key].car_id != rows[first].car_id:
            raise conflict_about("A first occurrence is a damage of the same car.", [rows[first]])
        try:
            kinship.attach(key, first)
        except KinshipError as error:
            raise conflict_about(str(error), [rows[first]]) from error
    ties_write(kinship.changes(), rows, ledger=ledger, action=Action.MATCHED)
