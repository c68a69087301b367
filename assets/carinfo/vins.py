"""Vehicle identification numbers: their form, and what they tell without asking anybody.

What the makers of the world write into a VIN is known to `vininfo`; here is only what the platform takes from it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from vininfo import Vin
from vininfo.common import UnsupportedBrand
from vininfo.exceptions import ValidationError

from assets.carinfo.facts import CarFacts, Question

LENGTH: Final = 17
#: First characters of North American numbers, whose ninth character is a check digit.
_CHECKED: Final = "12345"
#: Model year from which on the seventh place of a North American passenger car's number is a letter (49 CFR 565.15).
_LETTERS_SINCE: Final = 2010
#: Makers outside North America that write the model year into the tenth place; elsewhere it may mean anything.
_YEAR_WRITERS: Final = frozenset(
    {"AUDI", "HYUNDAI", "KIA", "OPEL", "PORSCHE", "SAAB", "SEAT", "SKODA", "TESLA", "VOLKSWAGEN", "VOLVO"}
)
#: How `vininfo` calls a maker -> what is written on the car.
_CALLED: Final = {
    "Daimler AG": "Mercedes-Benz",
    "DaimlerChrysler AG": "Mercedes-Benz",
    "Mercedes Benz": "Mercedes-Benz",
    "JLR Jaguar Land Rover": "Land Rover",
    "Quattro": "Audi",
    "Škoda": "Skoda",
}
#: What follows a make's name in the names of its works.
_WORKS: Final = re.compile(
    r"\s+(Cars?|SUV|Motors?|USA|Australia|Brazil|Brilliance|Canada|China|Germany|Mexico|Spain|UK|of Europe)\b.*"
)


def vin_parse(text: str) -> str:
    """The number in upper case, without blanks around it; ValueError, with a sentence, if it cannot be one.

    17 characters without I, O and Q. The check digit binds where the first character is 1 to 5, and nowhere else.
    """
    number = text.strip().upper()
    if len(number) != LENGTH:
        raise ValueError(f"A VIN has {LENGTH} characters; this one has {len(number)}.")
    try:
        vin = Vin(number)
    except ValidationError as error:
        raise ValueError("A VIN has only digits and the letters A to Z without I, O and Q.") from error
    if number[0] in _CHECKED and not vin.verify_checksum(check_year=False):
        raise ValueError("The check digit of this VIN (its ninth character) is wrong.")
    return number


def vin_decode(vin: str) -> CarFacts:
    """Make and model year as far as a valid number tells them; either may be unknown."""
    decoded = Vin(vin)
    make = _make(decoded)
    return CarFacts(vin=vin, make=make, year=_year(decoded, make))


class VinDecoder:
    """The last one to be asked: it knows nothing that is not in the number itself."""

    def ask(self, question: Question) -> CarFacts | None:
        """What the VIN tells; None without a VIN that could be one."""
        try:
            return vin_decode(vin_parse(question.vin))
        except ValueError:
            return None


def _make(vin: Vin) -> str:
    if isinstance(vin.assembler, UnsupportedBrand):
        return ""
    name = re.split(r"\s*[/(]", vin.manufacturer)[0].strip()
    return _CALLED.get(name) or _WORKS.sub("", name)


def _year(vin: Vin, make: str) -> int | None:
    """The latest year that the number can mean and that has cars; None where it means none surely."""
    is_american = vin.num[0] in _CHECKED
    if not is_american and make.upper() not in _YEAR_WRITERS:
        return None
    known = [year for year in vin.years if year <= datetime.now(UTC).year + 1]
    if is_american and vin.num[6].isdigit():
        known = [year for year in known if year < _LETTERS_SINCE] or known
    return max(known, default=None)
