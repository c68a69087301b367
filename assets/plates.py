"""Registration plates as the platform stores and prints them."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from assets.catalogue import DEFAULT_COUNTRY

_SEPARATORS = re.compile(r"[\s\-._·•]+")
_PLATE = re.compile(r"[^\W_]{1,12}")
_COUNTRY = re.compile(r"[A-Z]{1,3}")


class Plate(NamedTuple):
    """A plate with its country, both normalised."""

    country: str
    number: str

    def __str__(self) -> str:
        return f"{self.country}#{self.number}"


def plate_parse(number: str, country: str | None = None) -> Plate:
    """`ab-12 345` or `no#AB12345` as a normalised Plate; ValueError if it cannot be one.

    Case, spaces and dashes do not matter; a country before `#` wins over `country`; without any it is Norway's.
    """
    head, mark, tail = number.partition("#")
    code = (head if mark else country or DEFAULT_COUNTRY).strip().upper() or DEFAULT_COUNTRY
    text = _SEPARATORS.sub("", unicodedata.normalize("NFKC", tail if mark else number)).upper()
    if not _COUNTRY.fullmatch(code):
        raise ValueError(f"{code!r} is not a country code.")
    if not _PLATE.fullmatch(text):
        raise ValueError(f"{number!r} is not a registration number.")
    return Plate(code, text)


def plate_part(text: str) -> str:
    """A part of a plate's number as numbers are stored, to look for; a country before `#` is left out."""
    head, mark, tail = text.partition("#")
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", tail if mark else head)).upper()
