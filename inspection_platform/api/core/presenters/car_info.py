"""JSON of car information."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from assets.carinfo.facts import CarFacts
from assets.carinfo.prices import Price
from inspection_platform.api.core.presenters.common import success

VEHICLE_FOUND: Final = "Vehicle found"
VIN_FOUND: Final = "Vehicle identification number found"

#: The vendor's answer is in Norwegian, the register in the words of whoever keeps it; a word not listed stays as it is.
_COLORS: Final = {
    "beige": "Beige",
    "black": "Sort",
    "blue": "Blå",
    "bronze": "Bronse",
    "brown": "Brun",
    "gold": "Gull",
    "gray": "Grå",
    "green": "Grønn",
    "grey": "Grå",
    "orange": "Oransje",
    "pink": "Rosa",
    "purple": "Fiolett",
    "red": "Rød",
    "silver": "Sølv",
    "turquoise": "Turkis",
    "violet": "Fiolett",
    "white": "Hvit",
    "yellow": "Gul",
}
_FUELS: Final = {
    "benzine": "Bensin",
    "biodiesel": "Biodiesel",
    "bensin": "Bensin",
    "cng": "Gass",
    "diesel": "Diesel",
    "electric": "Elektrisk",
    "electricity": "Elektrisk",
    "ethanol": "Etanol",
    "ev": "Elektrisk",
    "gas": "Gass",
    "gasoline": "Bensin",
    "hybrid": "Hybrid",
    "hydrogen": "Hydrogen",
    "lpg": "Gass",
    "petrol": "Bensin",
    "plug-in hybrid": "Ladbar hybrid",
}
_GEARS: Final = {
    "auto": "Automat",
    "automat": "Automat",
    "automatic": "Automat",
    "cvt": "Automat",
    "manual": "Manuell",
    "manuell": "Manuell",
}


def vin(number: str) -> dict[str, Any]:
    """The answer of W28."""
    return success({"VIN": number}, message=VIN_FOUND)


def price(found: Price) -> dict[str, Any]:
    """The answer of W29."""
    data = {"priceHigh": found.high, "priceLow": found.low, "priceMedio": found.medium}
    return success(data, message=VEHICLE_FOUND)


def car(facts: CarFacts) -> dict[str, Any]:
    """The answer of W30: every value a text, "" for what is not known."""
    data = {
        "VIN": facts.vin,
        "color": _word(facts.color, _COLORS),
        "displacement": _text(facts.displacement),
        "fuel": _word(facts.fuel, _FUELS),
        "gear": _word(facts.gear, _GEARS),
        "kw": _text(facts.kilowatts),
        "make": _plain(facts.make).upper(),
        "year": _text(facts.year),
    }
    return success(data, message=VEHICLE_FOUND)


def _word(text: str, words: Mapping[str, str]) -> str:
    return words.get(" ".join(text.split()).casefold(), text)


def _text(number: float | None) -> str:
    """A number without a point that has nothing behind it: `77`, `110.5`."""
    return "" if number is None else f"{number:.10g}"


def _plain(text: str) -> str:
    """Without accents, as the vendor's sample has it: Skoda for Škoda."""
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(letter for letter in apart if not unicodedata.combining(letter)))
