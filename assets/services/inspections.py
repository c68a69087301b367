"""Image sets that clients enter with their credentials, and what people say of a set later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.utils import timezone

from assets.models import CaptureSet, Car, ImageSet, Passage
from assets.plates import Plate
from assets.services.visits import visits_pair
from tenants.errors import Conflict, Invalid, NotFound
from tenants.models import Tenant, User

#: How far a client's clock may be ahead of ours.
CLOCK_SLACK: Final = timedelta(minutes=5)
#: Characters of the reason of a dispute, or of its end.
LONGEST_REASON: Final = 500
#: SQLite takes a limited number of values.
_PLATES_AT_A_TIME: Final = 500


@transaction.atomic
def image_set_open(
    *,
    tenant: Tenant,
    plate: Plate | None = None,
    capture_set: CaptureSet | None = None,
    recorded_at: datetime | None = None,
    vin: str = "",
) -> ImageSet:
    """An open set of the tenant, with its passage, for photos that come later; it stays in this tenant.

    The tenant's own car of that plate is linked; a plate that nobody has registered is only noted. `recorded_at` is now
    if it is not said. Raises Conflict for a plate of another tenant, Invalid for a recording in the future.
    """
    now = timezone.now()
    moment = recorded_at or now
    if moment > now + CLOCK_SLACK:
        raise Invalid("recDate: It lies in the future.", {"recDate": ["It lies in the future."]})
    car = _car_of(tenant, plate)
    shared: dict[str, Any] = {"tenant": tenant, "capture_set": capture_set, "car": car, "recorded_at": moment}
    if plate is not None:
        shared |= {"country_code": plate.country, "plate": plate.number}
    passage = Passage(**shared)
    passage.save(force_insert=True)
    image_set = ImageSet(**shared, passage=passage, car_info={"vin": vin} if vin else {})
    image_set.save(force_insert=True)
    visits_pair(image_set=image_set)
    image_set.refresh_from_db()
    return image_set


@transaction.atomic
def image_set_describe(
    *, image_set: ImageSet, car_info: Mapping[str, Any], plate: Plate | None = None, partner_state: str | None = None
) -> ImageSet:
    """Note what somebody says of a set: of its car (keys as the contract calls them; None forgets one), of its state.

    A plate is said of a set that has no car yet: the tenant's own car of that plate is linked then. Raises NotFound for
    a set that is gone, and Conflict for a plate of another tenant, or another plate than that of the set's car.
    """
    # The car before the set: in this order others lock them as well.
    car = _car_of(image_set.tenant, plate) if image_set.tenant else None
    rows = ImageSet.objects.all_tenants("a set that was reached already").visible().select_related("car")
    row = rows.select_for_update(of=("self",)).filter(pk=image_set.pk).first()
    if row is None:
        raise NotFound("Image set not found.")
    row.car_info = {name: value for name, value in {**row.car_info, **car_info}.items() if value is not None}
    if partner_state is not None:
        row.partner_state = partner_state
    row.save(update_fields=["car_info", "partner_state", "modified_at"])
    if plate is not None:
        _plate_say(row, plate, car)
    return row


def entered_waiting(*, plates: Iterable[Plate]) -> Iterator[UUID]:
    """Sets that clients entered with one of these plates while it was no car of theirs."""
    wanted = sorted(set(plates))
    for start in range(0, len(wanted), _PLATES_AT_A_TIME):
        batch = set(wanted[start : start + _PLATES_AT_A_TIME])
        rows = ImageSet.objects.all_tenants("plates were registered, whoever entered sets with them").visible()
        rows = rows.filter(tenant__isnull=False, car__isnull=True, plate_is_read=False)
        named = rows.filter(country_code__in={one.country for one in batch}, plate__in={one.number for one in batch})
        for pk, country, number in named.order_by("pk").values_list("pk", "country_code", "plate"):
            if Plate(country, number) in batch:
                yield pk


@transaction.atomic
def entered_link(*, image_set_id: UUID) -> ImageSet | None:
    """Link a set that was entered with a plate to its tenant's car of that plate; None if there is nothing to link."""
    rows = ImageSet.objects.all_tenants("a set is linked to its own tenant's car").visible()
    waiting = rows.filter(pk=image_set_id, tenant__isnull=False, car__isnull=True, plate_is_read=False)
    row = waiting.first()
    if row is None or row.tenant_id is None:
        return None
    cars = Car.objects.of(row.tenant_id).assigned().with_plate(Plate(row.country_code, row.plate))
    car = cars.select_for_update(no_key=True, of=("self",)).first()
    if car is None or not waiting.filter(plate=row.plate).update(car=car, modified_at=timezone.now()):
        return None
    Passage.objects.of(row.tenant_id).filter(image_sets=row, car__isnull=True).update(car=car)
    row.refresh_from_db()
    visits_pair(image_set=row)
    return row


@transaction.atomic
def image_set_dispute(*, image_set: ImageSet, reason: str, by: User) -> ImageSet:
    """Put a set under dispute, so that nobody removes it and no retention ends; Invalid without a reason."""
    return _dispute(image_set, is_on=True, reason=reason, by=by)


@transaction.atomic
def image_set_settle(*, image_set: ImageSet, reason: str, by: User) -> ImageSet:
    """End the dispute about a set; Invalid without a reason."""
    return _dispute(image_set, is_on=False, reason=reason, by=by)


def inspection_log(image_set: ImageSet, *, by: User | None, message: str) -> None:
    """Leave a line about a set in the log of the admin; without a person nobody did it."""
    if by is None:
        return
    LogEntry.objects.log_actions(
        user_id=by.pk, queryset=[image_set], action_flag=CHANGE, change_message=message, single_object=True
    )


def _dispute(image_set: ImageSet, *, is_on: bool, reason: str, by: User) -> ImageSet:
    said = reason.strip()
    if not said or len(said) > LONGEST_REASON:
        raise Invalid(f"A reason is needed, in at most {LONGEST_REASON} characters.")
    rows = ImageSet.objects.all_tenants("a set that was reached already").visible()
    changed = rows.filter(pk=image_set.pk, under_dispute=not is_on).update(
        under_dispute=is_on, dispute_reason=said if is_on else "", modified_at=timezone.now()
    )
    if not changed:
        raise Conflict("The set is under dispute already." if is_on else "The set is not under dispute.")
    inspection_log(image_set, by=by, message=f"{'Under dispute' if is_on else 'Dispute over'}: {said}")
    image_set.refresh_from_db(fields=["under_dispute", "dispute_reason", "modified_at"])
    return image_set


def _car_of(tenant: Tenant, plate: Plate | None) -> Car | None:
    """The tenant's car of this plate, locked against leaving meanwhile; None if nobody has registered it."""
    if plate is None:
        return None
    rows = Car.objects.all_tenants("a plate belongs to one tenant, whichever it is").assigned().with_plate(plate)
    car = rows.select_for_update(no_key=True, of=("self",)).first()
    if car is not None and car.tenant_id != tenant.pk:
        raise Conflict(f"The plate {plate} belongs to another tenant.")
    return car


def _plate_say(row: ImageSet, plate: Plate, car: Car | None) -> None:
    if row.car is not None:
        if (row.car.country_code, row.car.plate) != plate:
            raise Conflict(f"The set is of the car {row.car.registration_no} already.")
        return
    if row.tenant_id is None:
        raise Conflict("A set that belongs to no tenant gets its plate when a tenant claims it.")
    row.car = car
    row.country_code, row.plate, row.plate_is_read = plate.country, plate.number, False
    row.save(update_fields=["car", "country_code", "plate", "plate_is_read", "modified_at"])
    passages = Passage.objects.of(row.tenant_id).filter(image_sets=row, car__isnull=True)
    passages.update(
        car=car, country_code=plate.country, plate=plate.number, plate_is_read=False, modified_at=timezone.now()
    )
    visits_pair(image_set=row)
