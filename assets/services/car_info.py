"""What is known of a car, from whoever knows it: the tenant's own register, another system, the VIN itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from assets.carinfo.facts import CarFacts, Provider, Question
from assets.carinfo.prices import KnownPrice, Price, PriceUnknown, price_at, price_key
from assets.carinfo.vins import VinDecoder
from assets.models import Car, PricePoint
from assets.plates import Plate
from assets.services.car_info_http import http_provider
from tenants.errors import NotFound, Unavailable
from tenants.scope import Reach

NO_SUCH_CAR: Final = "Vehicle not found"
#: What a price depends on, besides the mileage.
PRICED_BY: Final = ("make", "model", "year")
#: What is told of a car by its VIN.
TOLD_BY_VIN: Final = ("make", "year", "color", "fuel", "gear", "kilowatts", "displacement")
_CM3_IN_A_LITRE: Final = 1000


@dataclass(frozen=True, slots=True)
class KnownCar:
    """A car somebody knows: `name` is how it was asked for, `tenant_id` whose register holds it, None for none."""

    name: str
    facts: CarFacts
    tenant_id: UUID | None


class Register:
    """The platform's own register, as far as somebody reaches: a car beyond that is not known here."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self.car: Car | None = None

    def ask(self, question: Question) -> CarFacts | None:
        """What the register holds of the car, which then is in `car`; of several the one that was changed last."""
        cars = Car.objects.of(self.reach).assigned()
        same = cars.filter(vin=question.vin) if question.plate is None else cars.with_plate(question.plate)
        self.car = same.order_by("-modified_at").first()
        return _facts(self.car) if self.car else None


def car_by_plate(*, plate: Plate, reach: Reach, wanted: Sequence[str]) -> KnownCar:
    """The car with this plate. `wanted` names the facts that matter; others may be missing though somebody has them.

    Raises NotFound if nobody knows the car, Unavailable if a fact that is wanted could not be asked for.
    """
    return _known(str(plate), Question(plate=plate), reach, wanted, lambda facts: facts.knows(wanted))


def car_by_vin(*, vin: str, reach: Reach) -> KnownCar:
    """The car with this number (as `vin_parse` gives it), with as many of TOLD_BY_VIN as are known.

    Raises NotFound if nobody knows a thing about it, Unavailable if the register holds neither its make nor its year
    and the other system does not answer.
    """
    known = _known(vin, Question(vin=vin), reach, TOLD_BY_VIN, lambda facts: bool(facts.make or facts.year))
    if known.facts.missing(TOLD_BY_VIN) == list(TOLD_BY_VIN):
        raise NotFound(NO_SUCH_CAR)
    return replace(known, facts=replace(known.facts, vin=vin))


def car_vin(*, car: KnownCar) -> str:
    """The car's VIN; NotFound if nobody knows it."""
    if not car.facts.vin:
        raise NotFound(f"The vehicle identification number of {car.name} is not known.")
    return car.facts.vin


def car_price(*, car: KnownCar, km: int, tenant_id: UUID | None) -> Price:
    """What the car costs at this mileage by the prices of its tenant; a car of no register by those of `tenant_id`.

    Raises NotFound, saying what is missing.
    """
    facts = car.facts
    if missing := facts.missing(PRICED_BY):
        raise NotFound(f"There is no price for {car.name}: its {_listed(missing)} {_verb(missing)} not known.")
    try:
        return price_at(_prices(car.tenant_id or tenant_id, facts), year=facts.year or 0, km=km)
    except PriceUnknown as unknown:
        raise NotFound(f"There is no price for a {facts.make} {facts.model} {unknown}") from unknown


def _known(
    name: str, question: Question, reach: Reach, wanted: Sequence[str], is_enough: Callable[[CarFacts], bool]
) -> KnownCar:
    """Ask one after the other until everything that is wanted is known."""
    register = Register(reach)
    facts = _asked(register, question, CarFacts(), wanted)
    car, failure = register.car, None
    if car is not None and question.plate is None:
        question = replace(question, plate=Plate(car.country_code, car.plate))
    try:
        facts = _asked(http_provider(), question, facts, wanted)
    except Unavailable as error:
        failure = error
    if failure is not None and not is_enough(facts):
        raise failure
    facts = _asked(VinDecoder(), replace(question, vin=question.vin or facts.vin), facts, wanted)
    if car is None and facts == CarFacts():
        raise NotFound(NO_SUCH_CAR)
    return KnownCar(name, facts, car.tenant_id if car else None)


def _asked(provider: Provider | None, question: Question, facts: CarFacts, wanted: Sequence[str]) -> CarFacts:
    """The facts, and what this provider adds to them if something is still wanted."""
    answer = provider.ask(question) if provider and not facts.knows(wanted) else None
    return facts.filled_from(answer) if answer else facts


def _facts(car: Car) -> CarFacts:
    litres = car.displacement
    return CarFacts(
        vin=car.vin.strip().upper(),
        make=car.make,
        model=car.model,
        color=car.color,
        fuel=car.fuel,
        gear=car.gear,
        year=car.year,
        kilowatts=car.kilowatts,
        displacement=None if litres is None else round(litres * _CM3_IN_A_LITRE),
        mileage=car.mileage,
    )


def _prices(tenant_id: UUID | None, facts: CarFacts) -> list[KnownPrice]:
    if tenant_id is None:
        return []
    rows = PricePoint.objects.of(tenant_id).filter(make_key=price_key(facts.make), model_key=price_key(facts.model))
    found = rows.order_by().values_list("year", "km", "price_low", "price_medium", "price_high")
    return [KnownPrice(year, km, Price(low, medium, high)) for year, km, low, medium, high in found]


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _verb(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
