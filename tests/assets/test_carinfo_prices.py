"""Prices between the known ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.carinfo.prices import KnownPrice, Price, PriceUnknown, price_at, price_key

prices = st.lists(st.integers(1, 10_000_000), min_size=3, max_size=3).map(lambda found: Price(*sorted(found)))
curves = st.dictionaries(
    st.tuples(st.integers(2010, 2020), st.integers(0, 400_000)), prices, min_size=1, max_size=12
).map(lambda found: [KnownPrice(year, km, price) for (year, km), price in found.items()])

GOLF = [
    KnownPrice(2018, 0, Price(200, 220, 240)),
    KnownPrice(2018, 100_000, Price(100, 120, 140)),
    KnownPrice(2020, 0, Price(300, 320, 340)),
    KnownPrice(2020, 50_000, Price(250, 270, 290)),
    KnownPrice(2020, 100_000, Price(210, 220, 230)),
]


@pytest.mark.parametrize(
    ("year", "km", "price"),
    [
        (2018, 0, (200, 220, 240)),
        (2018, 25_000, (175, 195, 215)),
        (2020, 50_000, (250, 270, 290)),
        (2020, 75_000, (230, 245, 260)),
        (2019, 0, (250, 270, 290)),
        (2019, 50_000, (200, 220, 240)),
        (2019, 75_000, (178, 195, 213)),
    ],
)
def test_straight_lines_over_mileage_and_years(year: int, km: int, price: tuple[int, int, int]) -> None:
    assert price_at(GOLF, year=year, km=km) == price


@pytest.mark.parametrize(
    ("known", "year", "km", "words"),
    [
        ([], 2018, 1, "of 2018: no price of this make and model is known."),
        (GOLF, 2018, 100_001, "of 2018 at 100001 km: prices are known from 0 to 100000 km."),
        (GOLF, 2019, 100_001, "of 2019 at 100001 km: prices are known from 0 to 100000 km."),
        (GOLF, 2017, 5, "of 2017: prices are known from 2018 to 2020."),
        (GOLF, 2021, 5, "of 2021: prices are known from 2018 to 2020."),
        (GOLF[:1], 2018, 5, "of 2018 at 5 km: prices are known at 0 km only."),
        (GOLF[1:3], 2019, 5, "of 2019 at 5 km: the years around it have no mileage in common."),
    ],
)
def test_nothing_is_guessed_beyond_what_is_known(known: list[KnownPrice], year: int, km: int, words: str) -> None:
    with pytest.raises(PriceUnknown) as unknown:
        price_at(known, year=year, km=km)
    assert str(unknown.value) == words


@given(curves)
def test_known_prices_are_exact(known: list[KnownPrice]) -> None:
    for point in known:
        assert price_at(known, year=point.year, km=point.km) == point.price


@given(known=curves, year=st.integers(2009, 2021), km=st.integers(0, 400_000))
def test_low_stays_below_high_and_every_price_between_the_known_ones(
    known: list[KnownPrice], year: int, km: int
) -> None:
    try:
        found = price_at(known, year=year, km=km)
    except PriceUnknown:
        return
    assert found.low <= found.medium <= found.high
    assert min(point.price.low for point in known) <= found.low
    assert found.high <= max(point.price.high for point in known)


@given(first=prices, second=prices, steps=st.lists(st.integers(0, 1000), min_size=2, max_size=10))
def test_between_two_known_prices_it_only_rises_or_only_falls(first: Price, second: Price, steps: list[int]) -> None:
    known = [KnownPrice(2020, 0, first), KnownPrice(2020, 1000, second)]
    for name in ("low", "medium", "high"):
        found = [getattr(price_at(known, year=2020, km=km), name) for km in sorted(steps)]
        rises = getattr(first, name) <= getattr(second, name)
        assert found == sorted(found, reverse=not rises)


@given(curves)
def test_the_order_of_the_points_does_not_matter(known: list[KnownPrice]) -> None:
    year, km = known[0].year, known[0].km
    assert price_at(known, year=year, km=km) == price_at(known[::-1], year=year, km=km)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Volkswagen", "VOLKSWAGEN"),
        ("Škoda", "skoda"),
        ("Citroën", "CITROEN"),
        ("Mercedes-Benz", "mercedes benz"),
        ("ID.4", "id 4"),
    ],
)
def test_names_are_found_however_they_are_spelt(one: str, other: str) -> None:
    assert price_key(one) == price_key(other)


def test_names_stay_apart() -> None:
    assert len({price_key(name) for name in ("Golf", "Golf GTI", "Polo", "208", "2008", "500", "")}) == 7
