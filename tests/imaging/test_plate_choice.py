"""Which plate of a photo counts for its car."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.ml.types import Finding, Prediction, Reading
from imaging.plate_choice import PLATES_READ, WhyNot, candidates, why_not

WIDTH, HEIGHT = 2000, 1000


def plate(left: float, top: float, width: float, height: float) -> Finding:
    right, bottom = left + width, top + height
    return Finding("plate", 0.9, ((left, top), (right, top), (right, bottom), (left, bottom)))


def reading(text: str) -> Reading:
    return Reading(text, 0.9 if text else 0.0, tuple((character, 0.9) for character in text))


def judged(*seen: tuple[Finding, str], min_area: float = 0) -> dict[str, WhyNot | None]:
    """Text of each plate, and why it does not count."""
    plates = candidates(Prediction("plate_detector", "1", WIDTH, HEIGHT, tuple(finding for finding, _ in seen)))
    texts = dict(seen)
    readings = [reading(texts[one.finding]) for one in plates]
    reasons = why_not(plates, readings, min_area=min_area)
    return {said.text: reason for said, reason in zip(readings, reasons, strict=True)}


def test_the_area_is_in_pixels_of_the_photo() -> None:
    tilted = Finding("plate", 0.9, ((0.4, 0.4), (0.5, 0.5), (0.5, 0.6), (0.4, 0.5)))
    found = candidates(Prediction("d", "1", WIDTH, HEIGHT, (plate(0.4, 0.4, 0.1, 0.05), tilted)))
    assert sorted(round(one.area) for one in found) == [10_000, 20_000]


MIDDLE = plate(0.45, 0.475, 0.1, 0.05)
CORNER = plate(0.89, 0.94, 0.1, 0.05)
SMALL = plate(0.3, 0.475, 0.05, 0.025)
BESIDE_IT = plate(0.56, 0.475, 0.1, 0.05)


@pytest.mark.parametrize(
    ("seen", "min_area", "expected"),
    [
        ([], 0, {}),
        ([(MIDDLE, "AB12345")], 0, {"AB12345": None}),
        ([(MIDDLE, "AB12345")], 10_000, {"AB12345": None}),
        ([(MIDDLE, "AB12345")], 10_001, {"AB12345": WhyNot.SMALL}),
        ([(SMALL, "CD1"), (MIDDLE, "AB12345")], 0, {"AB12345": None, "CD1": WhyNot.BESIDE}),
        ([(CORNER, "CD1"), (MIDDLE, "AB12345")], 0, {"AB12345": None, "CD1": WhyNot.BESIDE}),
        ([(BESIDE_IT, "CD1"), (MIDDLE, "AB12345")], 0, {"AB12345": WhyNot.ALIKE, "CD1": WhyNot.ALIKE}),
        ([(BESIDE_IT, ""), (MIDDLE, "AB12345")], 0, {"AB12345": WhyNot.ALIKE, "": WhyNot.ALIKE}),
        ([(SMALL, "AB12345"), (MIDDLE, "")], 0, {"AB12345": WhyNot.BESIDE, "": WhyNot.UNREAD}),
        ([(MIDDLE, "A______")], 0, {"A______": WhyNot.UNREAD}),
        ([(MIDDLE, "AB_2__")], 0, {"AB_2__": None}),
        ([(MIDDLE, "A1")], 0, {"A1": WhyNot.UNLIKE}),
        ([(MIDDLE, "ABCDEFGHIJKLM")], 0, {"ABCDEFGHIJKLM": WhyNot.UNLIKE}),
    ],
    ids=[
        "no plate", "one plate", "just large enough", "too small", "a smaller one", "one in the corner",
        "two alike", "two alike, one unreadable", "the larger one is unreadable", "hardly legible", "half legible",
        "too short", "too long",
    ],
)  # fmt: skip
def test_the_plate_that_stands_out_counts(
    seen: list[tuple[Finding, str]], min_area: float, expected: dict[str, WhyNot | None]
) -> None:
    assert judged(*seen, min_area=min_area) == expected


def test_the_same_plate_found_twice_counts_once() -> None:
    plates = candidates(Prediction("d", "1", WIDTH, HEIGHT, (MIDDLE, MIDDLE)))
    assert why_not(plates, [reading("AB12345")] * 2, min_area=0) == [None, WhyNot.BESIDE]


shares = st.floats(0.01, 0.4)


@given(
    st.lists(st.tuples(shares, shares, shares, shares, st.text("AB12_", max_size=8)), max_size=8),
    st.floats(0, 200_000),
)
def test_one_plate_counts_at_most_and_every_other_says_why(
    seen: list[tuple[float, float, float, float, str]], min_area: float
) -> None:
    findings = tuple(plate(*box) for *box, _ in seen)
    plates = candidates(Prediction("d", "1", WIDTH, HEIGHT, findings))
    readings = [reading(text) for *_, text in seen][: len(plates)]
    reasons = why_not(plates, readings, min_area=min_area)
    assert len(plates) == len(reasons) <= PLATES_READ
    assert reasons.count(None) <= 1
    assert [one.prominence for one in plates] == sorted((one.prominence for one in plates), reverse=True)
    counted = [one for one, reason in zip(plates, reasons, strict=True) if reason is None]
    assert all(one.area >= min_area for one in counted)
