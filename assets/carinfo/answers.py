"""Reading what another system answers about a car, by a table that says where each fact stands."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from assets.carinfo.facts import FACTS, CarFacts

#: Fact -> where it may stand, best place first.
FieldMap = Mapping[str, Sequence[str]]

_MOST_CHARACTERS: Final = 100
_YEARS: Final = range(1900, 2101)
_DOT: Final = re.compile(r"(?<!\\)\.")
_FOUR_DIGITS: Final = re.compile(r"(?<!\d)\d{4}(?!\d)")


def field_map(given: object) -> dict[str, list[str]]:
    """The table as settings hold it: `{"vin": "list.0.vin", "kilowatts": ["a.b", "c.d"]}`. ValueError names a fault."""
    if not isinstance(given, dict):
        raise ValueError("the fields are no JSON object.")  # noqa: TRY004 - a wrong setting, not a wrong call
    table = {name: [paths] if isinstance(paths, str) else paths for name, paths in given.items()}
    for name, paths in table.items():
        if name not in FACTS:
            raise ValueError(f"{name!r} is no fact of a car; known are {', '.join(FACTS)}.")
        if not isinstance(paths, list) or not paths or not all(isinstance(path, str) and path for path in paths):
            raise ValueError(f"{name} needs a path, or a list of paths.")
    return table


def facts_read(answer: object, fields: FieldMap) -> CarFacts | None:
    """The facts in an answer (JSON as Python reads it); None if it holds none of them.

    A path names keys with dots between them, a number counts into a list from 0, and `\\.` is a dot within a key.
    What stands there but cannot be such a fact (a year of 12, a text of 10,000 characters) counts as unknown.
    """
    found = {name: _first(answer, paths, _READERS[name]) for name, paths in fields.items()}
    known = {name: value for name, value in found.items() if value is not None}
    return CarFacts(**known) if known else None


def _first(answer: object, paths: Sequence[str], read: Callable[[object], Any]) -> Any:
    values = (read(value_at(answer, path)) for path in paths)
    return next((value for value in values if value is not None), None)


def value_at(answer: object, path: str) -> object:
    """What stands at the path; None where it leads nowhere."""
    value = answer
    for step in (part.replace("\\.", ".") for part in _DOT.split(path)):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _text(value: object) -> str | None:
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    text = " ".join(str(value).split())
    return text if 0 < len(text) <= _MOST_CHARACTERS and text.isprintable() else None


def _vin(value: object) -> str | None:
    text = _text(value)
    return text.upper() if text and re.fullmatch(r"[A-Za-z0-9]{1,17}", text) else None


def _year(value: object) -> int | None:
    """A year, or that of a date."""
    found = _FOUR_DIGITS.search(_text(value) or "")
    return int(found[0]) if found and int(found[0]) in _YEARS else None


def _number(value: object) -> float | None:
    """A number that is not negative, also as text with a point or a comma."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value.strip().replace(",", ".") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and 0 <= number <= _MOST else None


def _whole(value: object) -> int | None:
    number = _number(value)
    return None if number is None else round(number)


#: More than any car's km or cm3.
_MOST: Final = 10_000_000
_READERS: Final[Mapping[str, Callable[[object], Any]]] = {
    **dict.fromkeys(("make", "model", "color", "fuel", "gear"), _text),
    "vin": _vin,
    "year": _year,
    "kilowatts": _number,
    "displacement": _whole,
    "mileage": _whole,
}
