"""The register of cars as a whole: whose the plates of a list are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from assets.models import Car
from assets.plates import Plate

#: Plates looked for at a time (SQLite takes a limited number of values).
_BATCH: Final = 500


@dataclass(slots=True)
class Standings:
    """Cars by plate: those that are somebody's now, and the one that each tenant released last under a plate."""

    assigned: dict[Plate, Car] = field(default_factory=dict)
    released: dict[tuple[UUID, Plate], Car] = field(default_factory=dict)


def car_standings(*, plates: Collection[Plate]) -> Standings:
    """The cars of these plates, of every tenant: who asks must not be told of others' more than that they exist."""
    found, wanted = Standings(), sorted(set(plates))
    for start in range(0, len(wanted), _BATCH):
        batch = set(wanted[start : start + _BATCH])
        rows = Car.objects.all_tenants("a plate belongs to one tenant, whichever it is").with_plates(batch)
        for car in rows.select_related("tenant").order_by("released_at"):
            plate = Plate(car.country_code, car.plate)
            if plate not in batch:
                continue
            if car.released_at is None:
                found.assigned[plate] = car
            else:
                found.released[car.tenant_id, plate] = car
    return found
