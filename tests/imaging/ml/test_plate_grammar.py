"""A pattern changes what looks alike, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.ml.plate_grammar import ALPHABET, PATTERNS, Chances, fitted


def rows(text: str, *alike: str, chance: float = 0.7) -> Chances:
    """Chances for `text`; `alike` are other texts of its length that share what is left of each place."""
    found = np.full((len(text), len(ALPHABET)), 1e-7)
    for other in alike:
        for row, sign in zip(found, other, strict=True):
            row[ALPHABET.index(sign)] = (1 - chance) / len(alike)
    for row, sign in zip(found, text, strict=True):
        row[ALPHABET.index(sign)] = chance
    return found


def said(chances: Chances, most: float) -> str:
    return "".join(sign for sign, _ in fitted(chances, most=most))


@pytest.mark.parametrize(
    ("text", "other", "expected"),
    [
        ("DZI7YXR", "DZ17YXR", "DZ17YXR"),
        ("VI2LAF", "V12LAF", "V12LAF"),
        ("MHO1AV8866", "MH01AV8866", "MH01AV8866"),
        ("DL8CX485O", "DL8CX4850", "DL8CX4850"),
        ("WH01AV8866", "MH01AV8866", "MH01AV8866"),
        ("4SZW590", "45ZW590", "4SZW590"),
        ("1MACAR", "IMACAR", "1MACAR"),
        ("GOOGLE", "G00GLE", "GOOGLE"),
        ("B", "8", "B"),
    ],
)
def test_alike_by_table(text: str, other: str, expected: str) -> None:
    assert said(rows(text, other), 3.0) == expected


def test_cost_is_the_limit() -> None:
    chances = rows("DZI7YXR", "DZ17YXR", chance=0.9)
    assert said(chances, np.log(9) - 0.01) == "DZI7YXR"
    assert said(chances, np.log(9) + 0.01) == "DZ17YXR"


def test_changed_character_is_as_sure_as_its_share_of_what_is_allowed() -> None:
    chances = rows("DZI7YXR", "DZ17YXR", "DZ77YXR", chance=0.6)
    fixed = fitted(chances, most=3.0)
    assert fixed[2][0] == "1"
    assert fixed[2][1] == pytest.approx(0.5, abs=1e-4)
    assert [chance for place, (_, chance) in enumerate(fixed) if place != 2] == pytest.approx([0.6] * 6)


def test_no_text_is_no_text() -> None:
    assert fitted(np.zeros((0, 36)), most=9.0) == []


@given(st.text(ALPHABET, min_size=1, max_size=12), st.text(ALPHABET, min_size=12, max_size=12))
def test_without_any_cost_nothing_changes(text: str, other: str) -> None:
    assert said(rows(text, other[: len(text)]), 0.0) == text


@given(st.sampled_from(PATTERNS))
def test_what_fits_a_pattern_stays(pattern: str) -> None:
    text = "".join({"D": "7", "L": "K"}.get(sign, sign) for sign in pattern.replace("XX", "MH"))
    assert said(rows(text, "1" * len(text)), 50.0) == text
