"""Numbers of several countries, and the drawn plates that carry them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging.ml.plate_grammar import ALPHABET
from imaging.training.plate_drawing import plate_draw
from imaging.training.plate_formats import ALIKE, COUNTRIES, WORDS, Country, country_draw, lettering_draw, text_clean
from imaging.training.plate_scene import crop_make, nothing_make

SEEDS = st.integers(0, 10_000)


def of(pattern: str, seed: int) -> tuple[tuple[str, ...], bool, str]:
    drawn = lettering_draw(Country("here", 1.0, (pattern,)), np.random.default_rng(seed))
    return drawn.lines, drawn.stacked, drawn.text


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("AA-999", r"[A-Z]{2}\d{3}"),
        ("X*", r"[A-Z0-9][A-Z]{1,4}"),
        ("M #", r"M\d{1,4}"),
        ("\u4eacA 9", r"[A-Z]\d"),
        ("i 9", f"({'|'.join(WORDS['i'])})\\d"),
    ],
)
def test_pattern_by_table(pattern: str, expected: str) -> None:
    for seed in range(20):
        assert re.fullmatch(expected, of(pattern, seed)[2])


def test_lines_and_stacks() -> None:
    lines, stacked, text = of("9 A/99", 3)
    assert (len(lines), stacked, len(text)) == (2, False, 4)
    lines, stacked, text = of("9/A|99", 3)
    assert (len(lines), stacked, len(text)) == (3, True, 4)
    assert text.translate(ALIKE) == "".join(lines).translate(ALIKE)


def test_a_digit_may_look_like_a_letter_only_where_its_place_tells() -> None:
    assert {of("AA11 0", seed)[0][0][2:] for seed in range(40)} == {"11 0", "II O"}
    assert {of("AA11 0", seed)[2][2:] for seed in range(40)} == {"110"}
    assert {of("XX11 0", seed)[0][0][2:] for seed in range(40)} == {"11 0"}


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: country.name)
def test_every_country_can_be_read_and_told_on_a_crop(country: Country) -> None:
    for pattern in country.patterns:
        _, _, text = of(pattern, 1)
        assert text
        assert set(text) <= set(ALPHABET)
        assert len(text) <= 16


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_same_seed_same_plate_and_crop(seed: int) -> None:
    first, second = (np.random.default_rng(seed) for _ in range(2))
    one, two = plate_draw(first), plate_draw(second)
    assert one.text == two.text == text_clean(one.text)
    assert one.lines in {1, 2}
    crops = crop_make(one, first), crop_make(two, second)
    assert crops[0].dtype == np.uint8
    assert crops[0].shape[2] == 3
    assert np.array_equal(*crops)


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_a_car_without_a_plate_is_a_picture_too(seed: int) -> None:
    pixels = nothing_make(np.random.default_rng(seed))
    assert pixels.ndim == 3
    assert min(pixels.shape[:2]) >= 4


def test_countries_come_by_their_share() -> None:
    rng = np.random.default_rng(0)
    names = [country_draw(rng).name for _ in range(2000)]
    assert names.count("India") / 2000 == pytest.approx(COUNTRIES[0].share / sum(c.share for c in COUNTRIES), abs=0.04)
