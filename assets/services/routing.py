"""Whose a recording is: where a capture unit made it, the plate decides.

A set that a client entered with its credentials stays in that client's tenant, whatever its photos show; what a
person has decided or entered stays as well. Registering a car and reading its plate may happen at the same moment:
each side first writes what it knows, commits, and then looks for the other, so at least one of them sees the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from assets.models import CaptureUnit, Car, ImageSet, Passage
from assets.plates import Plate
from assets.querysets import CarQuerySet, ImageSetQuerySet
from assets.services.visits import visits_pair
from tenants.errors import Conflict, NotFound
from tenants.models import Tenant, User
from tenants.services.events import event_record

#: An image set got its car and its tenant; the subject is the set.
ROUTED_EVENT: Final = "image_set.routed"

_WHY: Final = "a recording belongs to nobody until its plate says whose it is"
#: What a reading may write over: nothing, or an earlier reading.
_NOT_ENTERED: Final = Q(plate="") | Q(plate_is_read=True)
_UNASSIGNED: Final = Q(tenant__isnull=True, car__isnull=True)
#: Plates looked for at a time (SQLite takes a limited number of values).
_BATCH: Final = 500


class Standing(StrEnum):
    """Where a plate leads its set."""

    ROUTED = "routed"
    DUE = "due"
    UNKNOWN = "unknown"
    ELSEWHERE = "elsewhere"
    DECIDED = "decided"
    ENTERED = "entered"

    @property
    def words(self) -> str:
        """The standing as people read it."""
        return _WORDS[self]


_WORDS: Final = {
    Standing.ROUTED: "assigned by its plate",
    Standing.DUE: "unassigned: the car is known, it is about to be assigned",
    Standing.UNKNOWN: "unassigned: no car with this plate is registered",
    Standing.ELSEWHERE: "unassigned: the car is of a tenant that its capture units do not record for",
    Standing.DECIDED: "left as it was decided",
    Standing.ENTERED: "not a recording of a capture unit: its plate routes nothing",
}


@dataclass(frozen=True, slots=True)
class Route:
    """What came of a plate: its standing, and the sets that this call assigned."""

    standing: Standing
    image_sets: tuple[ImageSet, ...] = ()


def image_set_route(*, image_set: ImageSet, plate: Plate, evidence: Mapping[str, Any] | None = None) -> Route:
    """Note the plate that was read on a capture unit's recording and hand passage and set to the tenant of its car.

    Unknown plates, and cars of tenants that the units do not record for, leave both unassigned. Nothing that has a
    tenant, a car or an entered plate is changed. Harmless when called again. `evidence` goes into the event's payload.
    """
    if not is_recorded(image_set) or image_set.passage_id is None:
        return Route(Standing.ENTERED)
    if not _plate_note(image_set.pk, image_set.passage_id, plate):
        return Route(Standing.DECIDED)
    return _passage_route(image_set.passage_id, plate, evidence or {})


def waiting_route(*, plates: Iterable[Plate]) -> list[ImageSet]:
    """Hand over the recordings that waited for one of these plates; returns the sets that got their tenant.

    Call it after the cars are committed (see the module's text); the caller hands the sets to the workflow.
    """
    routed: list[ImageSet] = []
    for passage_id, plate in _passages_waiting(plates):
        routed += _passage_route(passage_id, plate, {}).image_sets
    return routed


@transaction.atomic
def image_sets_claim(*, tenant: Tenant, claims: Mapping[UUID, Plate], by: User) -> list[ImageSet]:
    """Give sets that wait for their tenant to this one, as a person says which car each shows; all of them or none.

    What the person says replaces what was read. Call `workflow.routed` for each in the same transaction. Raises
    NotFound for a set that does not wait (any more), and Conflict for a plate that is not one of the tenant's cars, a
    recording of units that are not assigned to it, and a passage of which two sets are said to show two cars.
    """
    cars = _cars_claimed(tenant, claims.values())
    rows = _sets().visible().filter(_UNASSIGNED, pk__in=claims, submission__isnull=True)
    passages: dict[UUID, UUID | None] = dict(rows.values_list("pk", "passage"))
    if passages.keys() != claims.keys():
        raise NotFound("Image set not found.")
    evidence = {"claimed_by": str(by.pk)}
    for pk in sorted(claims, key=lambda one: (str(passages[one] or ""), one)):
        _claim(pk, passages[pk], cars[claims[pk]], evidence)
    return list(ImageSet.objects.of(tenant.pk).filter(pk__in=claims))


def route_standing(*, image_set: ImageSet, plate: Plate) -> Standing:
    """Where this plate leads the set as things are now; writes nothing."""
    if not is_recorded(image_set) or image_set.passage_id is None:
        return Standing.ENTERED
    car = _cars(plate).first()
    if image_set.tenant_id is not None or image_set.car_id is not None:
        return Standing.ROUTED if car is not None and car.pk == image_set.car_id else Standing.DECIDED
    if car is None:
        return Standing.UNKNOWN
    return Standing.DUE if _records_for(image_set.passage_id, car.tenant_id) else Standing.ELSEWHERE


def is_recorded(image_set: ImageSet) -> bool:
    """Whether the set comes from a recording of a capture unit, and not from a client."""
    passage = image_set.passage
    return image_set.submission_id is None and passage is not None and passage.recordings.exists()


def _plate_note(image_set_id: UUID, passage_id: UUID, plate: Plate) -> bool:
    """Write the reading on passage and set; False if somebody's word, or another car, is there already."""
    values = {"plate": plate.number, "country_code": plate.country, "plate_is_read": True}
    with transaction.atomic():
        passage = _passages().select_for_update().get(pk=passage_id)
        image_set = _sets().select_for_update(of=("self",)).get(pk=image_set_id)
        if image_set.deleted_at is not None or not (_is_open(passage, plate) and _is_open(image_set, plate)):
            return False
        for rows, row in ((_passages(), passage), (_sets(), image_set)):
            rows.filter(_UNASSIGNED & _NOT_ENTERED, pk=row.pk).update(**values, modified_at=timezone.now())
    return True


def _is_open(row: Passage | ImageSet, plate: Plate) -> bool:
    """Whether the reading contradicts nothing that was entered, and no car that was assigned."""
    says_the_same = (row.country_code, row.plate) == plate
    if row.tenant_id is not None or row.car_id is not None:
        return row.car is not None and (row.car.country_code, row.car.plate) == plate
    return says_the_same or not row.plate or row.plate_is_read


def _passage_route(passage_id: UUID, plate: Plate, evidence: Mapping[str, Any]) -> Route:
    """Give the passage and its waiting sets to the car's tenant, together.

    The locks, in the order car, passage, sets, keep the car from moving away meanwhile and let two workers follow
    one another.
    """
    with transaction.atomic():
        car = _cars(plate).select_for_update(no_key=True).first()
        passage = _passages().select_for_update().get(pk=passage_id)
        if car is None:
            return Route(Standing.UNKNOWN)
        if not _records_for(passage_id, car.tenant_id):
            return Route(Standing.ELSEWHERE)
        if passage.car_id not in (None, car.pk) or passage.tenant_id not in (None, car.tenant_id):
            return Route(Standing.DECIDED)
        if passage.car_id is None and (passage.country_code, passage.plate) != plate:
            return Route(Standing.DECIDED)  # somebody corrected the plate meanwhile
        return Route(Standing.ROUTED, tuple(_assign(passage, car, evidence)))


def _assign(passage: Passage, car: Car, evidence: Mapping[str, Any]) -> Iterator[ImageSet]:
    """Write car and tenant where none is yet; the sets that were written, each with its event."""
    values = {"tenant": car.tenant, "car": car, "modified_at": timezone.now()}
    _passages().filter(_UNASSIGNED, pk=passage.pk).update(**values)
    same_plate = Q(plate=car.plate, country_code=car.country_code) | Q(plate="")
    waiting = _sets().visible().filter(_UNASSIGNED, same_plate, passage=passage, submission__isnull=True)
    for image_set in list(waiting.select_for_update(of=("self",)).order_by("pk")):
        _sets().filter(pk=image_set.pk).update(**values, plate=car.plate, country_code=car.country_code)
        _routed_tell(image_set, car, evidence)
        image_set.refresh_from_db()
        visits_pair(image_set=image_set)
        yield image_set


def _cars_claimed(tenant: Tenant, plates: Iterable[Plate]) -> dict[Plate, Car]:
    """The cars of these plates, locked in the order of their keys."""
    wanted = set(plates)
    rows = Car.objects.all_tenants("a plate belongs to one tenant, whichever it is").assigned().with_plates(wanted)
    locked = rows.select_for_update(no_key=True, of=("self",)).select_related("tenant").order_by("pk")
    cars = {Plate(car.country_code, car.plate): car for car in locked}
    for plate in sorted(wanted):
        if plate not in cars:
            raise Conflict(f"No car with the plate {plate} is registered; register the car first.")
        if cars[plate].tenant_id != tenant.pk:
            raise Conflict(f"The plate {plate} belongs to another tenant.")
    return cars


def _claim(pk: UUID, passage_id: UUID | None, car: Car, evidence: Mapping[str, Any]) -> None:
    """Write a person's word on set and passage, and assign both."""
    said = {"plate": car.plate, "country_code": car.country_code, "plate_is_read": False, "modified_at": timezone.now()}
    passage = _passages().select_for_update().get(pk=passage_id) if passage_id else None
    if passage is not None:
        if not _records_for(passage.pk, car.tenant_id):
            raise Conflict("The set was recorded by a capture unit that does not record for the tenant.")
        if passage.car_id not in (None, car.pk) or passage.tenant_id not in (None, car.tenant_id):
            raise Conflict("The passage of the set shows another car already.")
        _passages().filter(pk=passage.pk).update(**said, tenant=car.tenant, car=car)
    waiting = _sets().visible().filter(_UNASSIGNED, pk=pk)
    if not waiting.update(**said, tenant=car.tenant, car=car):
        raise Conflict("Somebody else has just assigned the set.")
    image_set = _sets().get(pk=pk)
    _routed_tell(image_set, car, evidence)
    visits_pair(image_set=image_set)


def _routed_tell(image_set: ImageSet, car: Car, evidence: Mapping[str, Any]) -> None:
    event_record(
        tenant_id=car.tenant_id,
        kind=ROUTED_EVENT,
        subject_id=image_set.pk,
        ordering_key=f"image_set:{image_set.pk}",
        payload={"plate": car.registration_no, "car": str(car.pk), "passage": str(image_set.passage_id), **evidence},
    )


def _records_for(passage_id: UUID, tenant_id: UUID) -> bool:
    """Whether every unit that recorded the passage is assigned to the tenant: nobody sees what theirs did not film."""
    units = CaptureUnit.objects.all_tenants(_WHY).filter(recordings__passage=passage_id)
    return not units.exclude(tenants=tenant_id).exists()


def _passages_waiting(plates: Iterable[Plate]) -> Iterator[tuple[UUID, Plate]]:
    wanted = sorted(set(plates))
    for start in range(0, len(wanted), _BATCH):
        batch = set(wanted[start : start + _BATCH])
        rows = _passages().filter(
            _UNASSIGNED,
            country_code__in={plate.country for plate in batch},
            plate__in={plate.number for plate in batch},
            recordings__isnull=False,
        )
        for pk, country, number in rows.distinct().order_by("pk").values_list("pk", "country_code", "plate"):
            if Plate(country, number) in batch:
                yield pk, Plate(country, number)


def _cars(plate: Plate) -> CarQuerySet:
    return Car.objects.all_tenants("a plate belongs to one tenant, whichever it is").assigned().with_plate(plate)


def _passages() -> QuerySet[Passage]:
    return Passage.objects.all_tenants(_WHY)


def _sets() -> ImageSetQuerySet:
    return ImageSet.objects.all_tenants(_WHY)
