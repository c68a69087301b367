"""Cars and price points from CSV files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from import_export.fields import Field

from assets.carinfo.prices import price_key
from assets.models import Car, PricePoint
from assets.plates import Plate, plate_parse
from assets.services.car_news import cars_tell
from assets.services.register import Standings, car_standings
from tenants.admin_exports import Cell
from tenants.admin_imports import ScopedResource
from tenants.admin_tables import NumberCell, UpperCell, WholeCell, YesNoCell
from tenants.models import Tenant

#: What a car's numbers lie between.
_LIMITS: Final = {
    "year": (1900, 2100),
    "kilowatts": (0, 5000),
    "displacement": (0, 100),
    "mileage": (0, 10_000_000),
}
_RELEASED: Final = "This car was released: leave its line out, or empty this cell to register it again."
_ELSEWHERE: Final = "This plate is registered for another tenant."
_NOT_HERE: Final = "You may not change this list of the tenant “{}”."


def _column(name: str, cell: type[Cell] = Cell, *, attribute: str = "") -> Field:
    return Field(attribute=attribute or name, column_name=name, widget=cell())


class CarResource(ScopedResource):
    """Cars by plate: a plate that is registered is changed, any other is added, and a released car comes back."""

    model = Car
    needed = ("plate",)
    chosen = ("tenant", "capture_set")
    written_always = ("modified_at", "released_at")

    country = _column("country", attribute="country_code")
    plate = _column("plate")
    vin = _column("vin", UpperCell)
    make = _column("make")
    # `model` is the library's own name for the class.
    model_name = _column("model")
    model_code = _column("model_code")
    car_group = _column("car_group")
    color = _column("color")
    fuel = _column("fuel")
    gear = _column("gear")
    year = _column("year", WholeCell)
    kilowatts = _column("kilowatts", NumberCell)
    displacement = _column("displacement", NumberCell)
    mileage = _column("mileage", WholeCell)
    pictogram = _column("pictogram")
    in_use = _column("in_use", YesNoCell)
    released = Field(attribute="released_at", column_name="released", widget=Cell(), readonly=True)

    def key_of(self, row: dict[str, Any]) -> Plate:
        """The plate, written into the line as the platform stores it."""
        if row.get("released"):
            raise ValidationError({"released": _RELEASED})
        try:
            plate = plate_parse(row["plate"], row.get("country") or None)
        except ValueError as error:
            raise ValidationError({"plate": str(error)}) from error
        row["plate"], row["country"] = plate.number, plate.country
        return plate

    def load(self, keys: set[Plate]) -> None:
        """Whose the plates are."""
        self.standings: Standings = car_standings(plates=keys)

    def row_of(self, row: Mapping[str, Any], key: Plate) -> tuple[Car, bool]:
        """The car with the plate: one that the person may change, or a new one where they may add it."""
        tenant, car = self.tenant_named(row), self.standings.assigned.get(key)
        if car is not None:
            if not self.desk.change.covers(car.tenant_id) or (tenant and tenant.pk != car.tenant_id):
                raise ValidationError({"plate": _ELSEWHERE})
            return car, False
        home = _within(self.desk.add.covers, self.home(row))
        released = self.standings.released.get((home.pk, key))
        if released is not None:
            released.released_at = None
            return released, False
        return Car(tenant=home, country_code=key.country, plate=key.number), True

    def written(self, rows: Sequence[Car]) -> None:
        """Let recordings that waited for these plates be handed over."""
        cars_tell(rows)

    def skip_row(self, instance: Any, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
        """Whether nothing changes; a car that comes back does, though the file says nothing new of it."""
        comes_back = (instance.tenant_id, Plate(row["country"], row["plate"])) in self.standings.released
        unchanged = super().skip_row(instance, original, row, import_validation_errors)
        return unchanged and not (comes_back and not self._is_assigned(row))

    def check(self, instance: Any) -> None:
        """Numbers that a car can have."""
        wrong = {
            name: f"This is from {least} to {most}."
            for name, (least, most) in _LIMITS.items()
            if (value := getattr(instance, name)) is not None and not least <= value <= most
        }
        if wrong:
            raise ValidationError(wrong)

    def _is_assigned(self, row: Mapping[str, Any]) -> bool:
        return Plate(row["country"], row["plate"]) in self.standings.assigned


class PricePointResource(ScopedResource):
    """Price points by tenant, make, model, year and mileage."""

    model = PricePoint
    needed = ("make", "model", "year", "km", "price_low", "price_medium", "price_high")
    written_always = ("modified_at", "make_key", "model_key")

    make = _column("make")
    model_name = _column("model")
    year = _column("year", WholeCell)
    km = _column("km", WholeCell)
    price_low = _column("price_low", WholeCell)
    price_medium = _column("price_medium", WholeCell)
    price_high = _column("price_high", WholeCell)

    def key_of(self, row: dict[str, Any]) -> tuple[UUID, str, str, int | None, int | None]:
        """Whose price of what."""
        numbers: dict[str, int | None] = {}
        for name in ("year", "km"):
            try:
                numbers[name] = WholeCell().clean(row[name])
            except ValueError as error:
                raise ValidationError({name: str(error)}) from error
        home = self.home(row)
        return home.pk, price_key(row["make"]), price_key(row["model"]), numbers["year"], numbers["km"]

    def load(self, keys: set[tuple[UUID, str, str, int | None, int | None]]) -> None:
        """The points that are there."""
        self.points: dict[tuple[Any, ...], PricePoint] = {}
        for home, make in sorted({(home, make) for home, make, *_ in keys}, key=str):
            for point in PricePoint.objects.of(home).filter(make_key=make).select_related("tenant"):
                self.points[home, make, point.model_key, point.year, point.km] = point

    def row_of(self, row: Mapping[str, Any], key: Any) -> tuple[PricePoint, bool]:
        """The point, where the person may change or add it."""
        point, home = self.points.get(key), self.home(row)
        _within((self.desk.change if point else self.desk.add).covers, home)
        return (point, False) if point else (PricePoint(tenant=home), True)

    def check(self, instance: Any) -> None:
        """Names that can be looked up, and prices in their order."""
        instance.keys_fill()
        instance.check_values()


def _within(covers: Any, tenant: Tenant) -> Tenant:
    if not covers(tenant.pk):
        raise ValidationError({"tenant": _NOT_HERE.format(tenant.name)})
    return tenant
