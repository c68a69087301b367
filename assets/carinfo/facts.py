"""What is known of a car, and who may be asked about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Protocol

from assets.plates import Plate


@dataclass(frozen=True, slots=True, kw_only=True)
class CarFacts:
    """What somebody knows of a car; "" and None for what they do not.

    `displacement` is in cm3, `kilowatts` in kW, `mileage` in km; `year` is the model year, or the one of the first
    registration where a register tells no other.
    """

    vin: str = ""
    make: str = ""
    model: str = ""
    color: str = ""
    fuel: str = ""
    gear: str = ""
    year: int | None = None
    kilowatts: float | None = None
    displacement: int | None = None
    mileage: int | None = None

    def filled_from(self, other: CarFacts) -> CarFacts:
        """These facts, and the other's where these are unknown."""
        return replace(self, **{name: getattr(other, name) for name in FACTS if not self.knows([name])})

    def knows(self, names: Iterable[str]) -> bool:
        """Whether all facts of these names are known."""
        return not self.missing(names)

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those of the names whose facts are unknown."""
        return [name for name in names if getattr(self, name) in ("", None)]


#: The names of all facts.
FACTS = tuple(field.name for field in fields(CarFacts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which car is meant: by plate, by VIN ("" if unknown), or both."""

    plate: Plate | None = None
    vin: str = ""


class Provider(Protocol):
    """Somebody who can be asked about a car."""

    def ask(self, question: Question) -> CarFacts | None:
        """What is known of the car; None for a car nobody there knows. Raises Unavailable when there is no answer."""
