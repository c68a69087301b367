"""Prices between the known ones: by km within a year, and between two years; never beyond what is known."""

from __future__ import annotations

import math
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from typing import Final, NamedTuple

#: Kilometres that anybody may ask about or store.
MOST_KM: Final = 2_000_000


class Price(NamedTuple):
    """What a car costs, in whole units of the currency in which the tenant keeps its prices; low <= medium <= high."""

    low: int
    medium: int
    high: int


class KnownPrice(NamedTuple):
    """A price that somebody entered for cars of a year at a mileage."""

    year: int
    km: int
    price: Price


class PriceUnknown(LookupError):
    """There is no price; the text says for what there is one, and goes on after "There is no price for a ...":."""


_Exact = tuple[Fraction, Fraction, Fraction]
_Curve = list[tuple[int, Price]]


def price_key(text: str) -> str:
    """The spelling under which a make or a model is looked up: no case, accents, blanks or dashes."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in plain if character.isalnum())


def price_at(known: Iterable[KnownPrice], *, year: int, km: int) -> Price:
    """The price of a car of this year at `km`. Raises PriceUnknown.

    Within a year prices are joined by straight lines over km; a year without prices lies on a straight line between
    the nearest earlier and the nearest later year that have some. Fractions are rounded at the end, half upwards.
    """
    curves = _curves(known)
    if not curves:
        raise PriceUnknown(f"of {year}: no price of this make and model is known.")
    if year in curves:
        return _rounded(_on_curves([curves[year]], year=year, km=km)[0])
    earlier, later = (
        max((y for y in curves if y < year), default=None),
        min((y for y in curves if y > year), default=None),
    )
    if earlier is None or later is None:
        reach = f"from {min(curves)} to {max(curves)}" if len(curves) > 1 else f"for {min(curves)} only"
        raise PriceUnknown(f"of {year}: prices are known {reach}.")
    first, second = _on_curves([curves[earlier], curves[later]], year=year, km=km)
    return _rounded(_between(first, second, Fraction(year - earlier, later - earlier)))


def _curves(known: Iterable[KnownPrice]) -> dict[int, _Curve]:
    curves: dict[int, _Curve] = defaultdict(list)
    for year, km, price in sorted(known):
        curves[year].append((km, price))
    return dict(curves)


def _on_curves(curves: list[_Curve], *, year: int, km: int) -> list[_Exact]:
    """The price at `km` of each of the curves, which must all reach so far."""
    start, end = max(curve[0][0] for curve in curves), min(curve[-1][0] for curve in curves)
    if start > end:
        raise PriceUnknown(f"of {year} at {km} km: the years around it have no mileage in common.")
    if not start <= km <= end:
        reach = f"at {start} km only" if start == end else f"from {start} to {end} km"
        raise PriceUnknown(f"of {year} at {km} km: prices are known {reach}.")
    return [_on_curve(curve, km) for curve in curves]


def _on_curve(curve: _Curve, km: int) -> _Exact:
    place = bisect_left(curve, km, key=lambda point: point[0])
    right_km, right = curve[place]
    if right_km == km:
        return _exact(right)
    left_km, left = curve[place - 1]
    return _between(_exact(left), _exact(right), Fraction(km - left_km, right_km - left_km))


def _exact(price: Price) -> _Exact:
    return Fraction(price.low), Fraction(price.medium), Fraction(price.high)


def _between(first: _Exact, second: _Exact, share: Fraction) -> _Exact:
    low, medium, high = (one + (other - one) * share for one, other in zip(first, second, strict=True))
    return low, medium, high


def _rounded(exact: _Exact) -> Price:
    return Price(*(math.floor(value + Fraction(1, 2)) for value in exact))
