"""Reading other systems' answers by a table of paths."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.carinfo.answers import facts_read, field_map, value_at
from assets.carinfo.facts import FACTS, CarFacts

ANSWER: dict[str, Any] = {
    "cars": [{"id": {"vin": "tmbjg7ne5c0123456"}, "make": [{"name": "ŠKODA"}], "first": "2012-06-01", "kw": 77.0}],
    "a.b": {"c": " Grå  metallic "},
    "empty": [],
    "0": "zero",
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "0", "vin"]), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("cars.0.id.vin", "tmbjg7ne5c0123456"),
        ("cars.0.make.0.name", "ŠKODA"),
        (r"a\.b.c", " Grå  metallic "),
        ("0", "zero"),
        ("a.b.c", None),
        ("cars.1.kw", None),
        ("cars.-1.kw", None),
        ("cars.first", None),
        ("empty.0", None),
        ("cars.0.kw.x", None),
        ("", None),
    ],
)
def test_paths(path: str, value: object) -> None:
    assert value_at(ANSWER, path) == value


def test_facts_are_read_where_the_table_says() -> None:
    fields = field_map(
        {
            "vin": "cars.0.id.vin",
            "make": "cars.0.make.0.name",
            "color": r"a\.b.c",
            "year": ["cars.0.nowhere", "cars.0.first"],
            "kilowatts": "cars.0.kw",
        }
    )
    assert facts_read(ANSWER, fields) == CarFacts(
        vin="TMBJG7NE5C0123456", make="ŠKODA", color="Grå metallic", year=2012, kilowatts=77.0
    )


@pytest.mark.parametrize("answer", [None, [], {}, "", 5, {"cars": []}, {"cars": [{}]}, {"cars": None}])
def test_an_answer_without_facts_is_none(answer: object) -> None:
    assert facts_read(answer, field_map({"vin": "cars.0.vin", "year": "cars.0.year"})) is None


@pytest.mark.parametrize(
    ("name", "value", "fact"),
    [
        ("year", 2012, 2012),
        ("year", "01.06.2012", 2012),
        ("year", "12", None),
        ("year", 99_999, None),
        ("year", "9999-01-01", None),
        ("displacement", "1598", 1598),
        ("displacement", 1597.6, 1598),
        ("displacement", "1597,6", 1598),
        ("displacement", -5, None),
        ("displacement", "many", None),
        ("kilowatts", float("nan"), None),
        ("kilowatts", float("inf"), None),
        ("kilowatts", 10**400, None),
        ("kilowatts", True, None),
        ("mileage", "42000", 42_000),
        ("mileage", 10**9, None),
        ("make", "", None),
        ("make", "  ", None),
        ("make", "x" * 101, None),
        ("make", "a\x00b", None),
        ("make", ["VW"], None),
        ("make", False, None),
        ("model", 208, "208"),
        ("vin", "not a number", None),
        ("vin", "w" * 18, None),
    ],
)
def test_what_cannot_be_such_a_fact_is_unknown(name: str, value: object, fact: object) -> None:
    found = facts_read({"x": value}, {name: ["x"]})
    assert (getattr(found, name) if found else None) == fact


@given(answer=json_values, paths=st.lists(st.sampled_from(["a", "0", "a.0", "a.a.vin", "0.vin"]), min_size=1))
def test_no_answer_is_a_crash(answer: Any, paths: list[str]) -> None:
    found = facts_read(answer, dict.fromkeys(FACTS, paths))
    assert found is None or found != CarFacts()


@pytest.mark.parametrize(
    ("given_fields", "fault"),
    [
        ([], "no JSON object"),
        ({"colour": "a"}, "'colour' is no fact"),
        ({"vin": ""}, "vin needs a path"),
        ({"vin": []}, "vin needs a path"),
        ({"vin": [5]}, "vin needs a path"),
        ({"vin": None}, "vin needs a path"),
    ],
)
def test_a_table_that_is_wrong_is_told(given_fields: object, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        field_map(given_fields)


def test_a_table_may_come_from_the_environment() -> None:
    assert field_map(json.loads('{"vin": "a\\\\.b.0"}')) == {"vin": ["a\\.b.0"]}


def test_what_one_does_not_know_another_adds() -> None:
    mine, theirs = CarFacts(make="VW", year=2020), CarFacts(make="Volkswagen", color="blue", displacement=0)
    assert mine.filled_from(theirs) == CarFacts(make="VW", year=2020, color="blue", displacement=0)
    assert mine.missing(["make", "model", "year"]) == ["model"]
    assert theirs.knows(["displacement"])
