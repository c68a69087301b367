"""Registration plates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.plates import plate_parse


@pytest.mark.parametrize(
    ("number", "country", "printed"),
    [
        ("ab 12345", None, "NO#AB12345"),
        ("AB-12345", "no", "NO#AB12345"),
        ("se#abc 123", "NO", "SE#ABC123"),
        ("b·mw 1234e", "d", "D#BMW1234E"),
        ("ＡＢ１２", None, "NO#AB12"),
        ("AB12345", "", "NO#AB12345"),
    ],
)
def test_plates_are_normalised(number: str, country: str | None, printed: str) -> None:
    assert str(plate_parse(number, country)) == printed


@pytest.mark.parametrize(
    ("number", "country"), [("", None), ("---", None), ("A" * 13, None), ("AB12", "N0"), ("A;B", "NO")]
)
def test_what_cannot_be_a_plate_is_refused(number: str, country: str | None) -> None:
    with pytest.raises(ValueError, match="not a"):
        plate_parse(number, country)


@given(st.text(alphabet="abcXYZ0189 -.", min_size=1, max_size=14), st.sampled_from(["NO", "se", "D"]))
def test_parsing_its_own_print_changes_nothing(number: str, country: str) -> None:
    try:
        plate = plate_parse(number, country)
    except ValueError:
        return
    assert plate_parse(str(plate)) == plate
