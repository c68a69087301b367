"""Whose car is whose: plates are assigned to tenants and released again, many at a time.

Each plate has one tenant at most. A car that leaves its tenant is released, never deleted: its inspections, damages
and history stay where they are. Whoever claims the plate next gets a car of their own; a tenant that claims a plate
which it had before gets its old car back. The car's history says since when, and by whom.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TypeVar
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from assets.models import CaptureSet, CaptureUnit, Car
from assets.plates import Plate, plate_parse
from assets.querysets import CarQuerySet
from tenants.errors import Conflict, NotFound
from tenants.models import Tenant, User
from tenants.services.history import CHANGED, CREATED, rows_history
from tenants.services.rows import row_author

T = TypeVar("T")

#: What may be said of a car when it is assigned, by Car's names.
DETAILS: Final = ("vin", "make", "model", "model_code", "car_group", "fuel", "pictogram")
NO_CAPTURE_SETS: Final = "No capture sets"

_BATCH: Final = 500
#: Any number that no other advisory lock of the database uses.
_CLAIMS_LOCK: Final = 7_203_114_400


@dataclass(slots=True)
class CarList:
    """Cars as somebody listed them: what is said of each plate (DETAILS to text), and what could be no plate."""

    cars: dict[Plate, Mapping[str, str]] = field(default_factory=dict)
    malformed: list[str] = field(default_factory=list)
    _told: set[str] = field(default_factory=set)

    def add(self, number: str, country: str | None = None, details: Mapping[str, str] | None = None) -> None:
        """One entry, in any spelling. Of several for one plate the last counts."""
        try:
            self.cars[plate_parse(number, country)] = details or {}
        except ValueError as error:
            if str(error) not in self._told:
                self._told.add(str(error))
                self.malformed.append(str(error))


@dataclass(slots=True)
class Assignment:
    """What came of the plates for one tenant: its own now, those of others, and sentences on what went wrong."""

    assigned: list[Plate] = field(default_factory=list)
    elsewhere: list[Plate] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def cars_assign(
    *,
    tenants: Sequence[Tenant],
    listed: CarList,
    replace: bool = False,
    by: User | None = None,
) -> dict[UUID, Assignment]:
    """Assign plates to the tenants that act together (the first one asks); what came of it, by tenant id.

    A plate that one of them has stays there; one that somebody else has is skipped and told. One tenant alone gets all
    other plates. Of several, a plate goes to the one with a capture set in the plate's country, the first one before
    all others. A tenant without capture sets gets nothing.

    A car that is assigned already keeps what is known of it. With `replace` it is described anew, and all cars of these
    tenants that are not listed are released; a tenant that was refused for want of capture sets keeps them, as do all
    if nothing that was listed could be a plate. All of it happens together or not at all.

    Call `waiting_route` with the plates assigned after the commit. Raises Conflict if somebody wrote one of the plates
    by other means at the same moment.
    """
    try:
        with transaction.atomic():
            _claims_lock()
            claims = _Claims(tenants, replace=replace, by=by)
            if listed.cars:
                claims.refuse_without_rigs()
            claims.outcomes[claims.asking].errors += listed.malformed
            for batch in _batches(sorted(listed.cars), _BATCH):
                claims.claim({plate: listed.cars[plate] for plate in batch})
            if replace and (listed.cars or not listed.malformed):
                claims.release_others(listed.cars.keys())
    except IntegrityError as error:
        raise Conflict("One of these plates was registered by somebody else just now; send the list again.") from error
    return claims.outcomes


@transaction.atomic
def car_release(*, car: Car, by: User | None = None) -> Car:
    """Take a car off its tenant's list; NotFound if it is off already. Whatever belongs to it stays."""
    row = Car.objects.of(car.tenant_id).assigned().select_for_update(of=("self",)).filter(pk=car.pk).first()
    if row is None:
        raise NotFound("Car not found.")
    row.released_at = timezone.now()
    row_author(row, by=by, reason="Released.")
    row.save(update_fields=["released_at", "modified_at"])
    return row


class _Claims:
    """One call of `cars_assign`: the rigs that decide who gets a plate, and the answer as it grows."""

    def __init__(self, tenants: Sequence[Tenant], *, replace: bool, by: User | None) -> None:
        self.tenants = {tenant.pk: tenant for tenant in tenants}
        self.asking = tenants[0].pk
        self.replace, self.by = replace, by
        self.outcomes: dict[UUID, Assignment] = defaultdict(Assignment, {self.asking: Assignment()})
        #: Rigs that the tenants own, by tenant: country and id, in the order in which a car is given one.
        self.homes: dict[UUID, list[tuple[str, UUID]]] = defaultdict(list)
        #: Countries in which they own a rig, or one records for them.
        self.countries: dict[UUID, set[str]] = {}
        self._read_rigs()

    def _read_rigs(self) -> None:
        rows = CaptureSet.objects.all_tenants("the tenants that act together were reached by the caller")
        own = rows.filter(tenant__in=self.tenants, deleted_at__isnull=True).order_by("is_virtual", "created_at", "pk")
        for tenant_id, country, rig_id in own.values_list("tenant_id", "country_code", "pk"):
            self.homes[tenant_id].append((country, rig_id))
            self.countries.setdefault(tenant_id, set()).add(country)
        serving = CaptureUnit.tenants.through.objects.filter(
            tenant__in=self.tenants, captureunit__capture_set__deleted_at__isnull=True
        )
        where = "captureunit__capture_set__country_code"
        for tenant_id, country in serving.values_list("tenant_id", where).distinct():
            self.countries.setdefault(tenant_id, set()).add(country)

    def refuse_without_rigs(self) -> None:
        """Tell the tenants that nothing can be assigned to."""
        for tenant_id in self.tenants:
            if tenant_id not in self.countries:
                self.outcomes[tenant_id].errors.append(NO_CAPTURE_SETS)

    def claim(self, wanted: Mapping[Plate, Mapping[str, str]]) -> None:
        """Assign a batch of plates: a fixed number of queries, and as few writes as the database's limits allow."""
        owners = self._owners(wanted)
        fresh: dict[Plate, UUID] = {}
        for plate in wanted:
            owner = owners.get(plate)
            receiver = owner if owner in self.tenants else self._receiver(plate.country)
            if receiver is None:
                continue
            if owner is None:
                fresh[plate] = receiver
            own = owner is None or owner == receiver
            (self.outcomes[receiver].assigned if own else self.outcomes[receiver].elsewhere).append(plate)
        self._take(fresh, wanted)
        if self.replace:
            self._describe_anew({plate: wanted[plate] for plate in wanted.keys() - fresh if wanted[plate]})

    def release_others(self, kept: Collection[Plate]) -> None:
        """Release what is not among `kept`; a tenant that was refused keeps its cars, unless all are to go."""
        tenants = self.countries if kept else self.tenants
        rows = self._cars().filter(tenant__in=tenants).assigned()
        keys = [
            key
            for key, country, number in rows.order_by().values_list("pk", "country_code", "plate").iterator()
            if Plate(country, number) not in kept
        ]
        for batch in _batches(sorted(keys), _BATCH):
            held = rows.select_for_update(of=("self",)).filter(pk__in=batch).order_by("pk")
            released = self._cars().filter(pk__in=list(held.values_list("pk", flat=True)))
            now = timezone.now()
            released.update(released_at=now, modified_at=now)
            rows_history(released, kind=CHANGED, by=self.by, reason="Released.")

    def _owners(self, plates: Mapping[Plate, object]) -> dict[Plate, UUID]:
        """The tenant of each plate that has one."""
        rows = self._cars().assigned().with_plates(plates.keys())
        found = rows.order_by().values_list("country_code", "plate", "tenant_id")
        return {Plate(country, number): tenant_id for country, number, tenant_id in found}

    def _receiver(self, country: str) -> UUID | None:
        """Who gets a new plate of the country; None after saying why nobody does."""
        if len(self.tenants) == 1:
            return self.asking if self.countries else None
        there = [pk for pk in self.tenants if country in self.countries.get(pk, ())]
        if len(there) == 1 or self.asking in there:
            return self.asking if self.asking in there else there[0]
        words = "More than one tenant has capture sets in" if there else f"{NO_CAPTURE_SETS} in"
        reason = f"{words} {country}"
        errors = self.outcomes[self.asking].errors
        if reason not in errors:
            errors.append(reason)
        return None

    def _take(self, fresh: Mapping[Plate, UUID], wanted: Mapping[Plate, Mapping[str, str]]) -> None:
        """Give tenants the plates that nobody has: their old cars back, or new ones."""
        if not fresh:
            return
        released = self._released(fresh)
        again: list[Car] = []
        told: list[Car] = []
        new: list[Car] = []
        for plate, tenant_id in fresh.items():
            car = released.get((tenant_id, plate)) or self._new(plate, tenant_id)
            is_new = car.released_at is None
            car.released_at = None
            if _fill(car, wanted[plate]) and not is_new:
                told.append(car)
            (new if is_new else again).append(car)
        self._cars().bulk_create(new, _BATCH)
        self._tell(new, CREATED, "Assigned.")
        rows = self._cars().filter(pk__in=[car.pk for car in again])
        rows.update(released_at=None, modified_at=timezone.now())
        self._describe(told)
        self._tell(again, CHANGED, "Assigned again.")

    def _released(self, fresh: Mapping[Plate, UUID]) -> dict[tuple[UUID, Plate], Car]:
        """The car that a tenant released last under each plate."""
        rows = self._cars().filter(tenant__in=set(fresh.values()), released_at__isnull=False)
        found = rows.with_plates(fresh.keys()).order_by("released_at")
        return {(car.tenant_id, Plate(car.country_code, car.plate)): car for car in found}

    def _new(self, plate: Plate, tenant_id: UUID) -> Car:
        """A car at the tenant's oldest regular rig, one in the plate's country before all others."""
        homes = self.homes[tenant_id]
        near = (rig_id for country, rig_id in homes if country == plate.country)
        home = next(near, homes[0][1] if homes else None)
        return Car(tenant_id=tenant_id, country_code=plate.country, plate=plate.number, capture_set_id=home)

    def _describe_anew(self, details: Mapping[Plate, Mapping[str, str]]) -> None:
        """Write what is said of cars that were assigned before, where it differs."""
        if not details:
            return
        rows = self._cars().filter(tenant__in=self.tenants).assigned().with_plates(details.keys())
        held = rows.select_for_update(of=("self",)).order_by("pk")
        changed = [car for car in held if _fill(car, details.get(Plate(car.country_code, car.plate), {}))]
        self._describe(changed)
        self._tell(changed, CHANGED, "Described anew.")

    def _describe(self, cars: Sequence[Car]) -> None:
        """Write the details of cars that exist."""
        # bulk_update would do it by a condition for each row and field, which takes minutes for many cars.
        self._cars().bulk_create(
            cars, _BATCH, update_conflicts=True, unique_fields=["id"], update_fields=[*DETAILS, "modified_at"]
        )

    def _tell(self, cars: Sequence[Car], kind: str, reason: str) -> None:
        """Add the history of rows that were just written."""
        if cars:
            rows = self._cars().filter(pk__in=[car.pk for car in cars])
            rows_history(rows, kind=kind, by=self.by, reason=reason)

    def _cars(self) -> CarQuerySet:
        return Car.objects.all_tenants("whether a plate is free is decided among all tenants")


def _fill(car: Car, details: Mapping[str, str]) -> bool:
    """Write what is said of a car; whether anything differs."""
    changes = {name: value for name, value in details.items() if getattr(car, name) != value}
    for name, value in changes.items():
        setattr(car, name, value)
    return bool(changes)


def _claims_lock() -> None:
    """Let one list after the other through, until the transaction ends.

    Two lists that name the same plates in different ways would wait for each other's rows; SQLite has one writer.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CLAIMS_LOCK])


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
