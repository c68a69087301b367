"""News that cars were registered: recordings that wait for their plates are handed over by whoever hears it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from assets.models import Car
from assets.plates import Plate
from tenants.services.events import event_record

#: Cars with the payload's plates (`[country, number]`) became a tenant's, who is the subject.
CARS_EVENT: Final = "cars.registered"
#: Plates in one event.
_BATCH: Final = 1_000


def cars_tell(cars: Iterable[Car]) -> None:
    """Write the events for these cars, inside the transaction that registers them. Released ones are no news."""
    plates: dict[UUID, list[Plate]] = defaultdict(list)
    for car in cars:
        if car.released_at is None:
            plates[car.tenant_id].append(Plate(car.country_code, car.plate))
    for tenant_id, found in plates.items():
        for start in range(0, len(found), _BATCH):
            event_record(
                tenant_id=tenant_id,
                kind=CARS_EVENT,
                subject_id=tenant_id,
                ordering_key=f"cars:{tenant_id}",
                payload={"plates": found[start : start + _BATCH]},
            )
