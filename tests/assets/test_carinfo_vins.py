"""VINs: their form, the check digit where it binds, and what they tell of themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.carinfo.facts import CarFacts, Question
from assets.carinfo.vins import VinDecoder, vin_decode, vin_parse

ALPHABET = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
tails = st.text(alphabet=ALPHABET, min_size=16, max_size=16)


def digit_of(vin: str) -> str:
    """The check digit by the letter of 49 CFR 565.15, written out apart from the platform's library."""
    rows = {"A": 1, "B": 2, "C": 3, "D": 4, "E": 5, "F": 6, "G": 7, "H": 8, "J": 1, "K": 2, "L": 3, "M": 4, "N": 5}
    rows |= {"P": 7, "R": 9, "S": 2, "T": 3, "U": 4, "V": 5, "W": 6, "X": 7, "Y": 8, "Z": 9}
    total = 0
    for place, character in enumerate(vin, start=1):
        weight = 9 - place if place < 8 else (10 if place == 8 else (0 if place == 9 else 19 - place))
        total += weight * (int(character) if character.isdigit() else rows[character])
    return "0123456789X"[total % 11]


@pytest.mark.parametrize("vin", ["1M8GDM9AXKP042788", "1HGCM82633A004352", "11111111111111111"])
def test_published_numbers_are_right_by_both_formulas(vin: str) -> None:
    assert digit_of(vin) == vin[8]
    assert vin_parse(vin) == vin


@given(first=st.sampled_from("12345"), tail=tails)
def test_in_north_america_exactly_one_ninth_character_is_right(first: str, tail: str) -> None:
    draft = first + tail
    right = digit_of(draft)
    for digit in "0123456789X":
        vin = f"{draft[:8]}{digit}{draft[9:]}"
        if digit == right:
            assert vin_parse(vin) == vin
        else:
            with pytest.raises(ValueError, match="check digit"):
                vin_parse(vin)


@given(first=st.sampled_from([letter for letter in ALPHABET if letter not in "12345"]), tail=tails)
def test_elsewhere_the_ninth_character_is_free(first: str, tail: str) -> None:
    assert vin_parse(first + tail) == first + tail


@pytest.mark.parametrize("text", [" wvwzzzauzlw000001 ", "WVWZZZAUZLW000001\n", "wvwZZZAUZLW000001"])
def test_case_and_blanks_do_not_matter(text: str) -> None:
    assert vin_parse(text) == "WVWZZZAUZLW000001"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has 0"),
        ("WVWZZZAUZLW00000", "has 16"),
        ("ASDAWEQWEQWEASDASD", "has 18"),
        ("WVWZZZAUZLW00000I", "without I, O and Q"),
        ("WVWZZZAUZLW00000O", "without I, O and Q"),
        ("wvwzzzauzlw00000q", "without I, O and Q"),
        ("WVWZZZAUZLW00000-", "without I, O and Q"),
        ("WVWZZZAUZLW00000Ä", "without I, O and Q"),
        ("WVWZZZAUZ W000001", "without I, O and Q"),
    ],
)
def test_what_cannot_be_a_vin_is_told_why(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        vin_parse(text)


@given(st.text(max_size=20))
def test_no_text_is_a_crash(text: str) -> None:
    try:
        vin = vin_parse(text)
    except ValueError:
        return
    assert vin_decode(vin).vin == vin


@pytest.mark.parametrize(
    ("vin", "make", "year"),
    [
        ("TMBJG7NE5C0123456", "Skoda", 2012),
        ("WVWZZZAUZLW000001", "Volkswagen", 2020),
        ("YV1CZ592551000001", "Volvo", 2005),
        ("1HGCM82633A004352", "Honda", 2003),
        ("W0LPE8E35C8000001", "Opel", 2012),
        ("WDD2050011F000001", "Mercedes-Benz", None),
        ("VF1RFA00060000001", "Renault", None),
        ("ZZZZZZZZZZZ000001", "", None),
    ],
)
def test_what_a_number_tells(vin: str, make: str, year: int | None) -> None:
    assert vin_decode(vin) == CarFacts(vin=vin, make=make, year=year)


@given(tails)
def test_every_number_can_be_decoded(tail: str) -> None:
    found = vin_decode(vin_parse("W" + tail))
    assert found.year is None or 1980 <= found.year <= 2100
    assert "(" not in found.make
    assert "/" not in found.make


def test_the_decoder_knows_nothing_without_a_number() -> None:
    assert VinDecoder().ask(Question(vin="")) is None
    assert VinDecoder().ask(Question(vin="ABC123")) is None
