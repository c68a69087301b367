"""Anonymisation checks itself: it looks again, covers what is left, and refuses what it cannot cover."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from imaging.ml.card import Card, ModelFile
from imaging.ml.types import Finding, Prediction, Reading
from imaging.ops.anonymise import Margin, Method
from imaging.services.anonymisation import (
    Anonymised,
    FaceFinder,
    Finder,
    PlateFinder,
    StillVisible,
    anonymised,
    plate_text,
)

Photo = NDArray[np.uint8]
SIDE = 160
BLOCK = 16
MARGIN = Margin(px=1)


def card(threshold: float = 0.6) -> Card:
    files = (ModelFile(path=Path("none"), sha256="f" * 64, precision="none", runtimes=frozenset({"litert"})),)
    return Card("toy", "1", ("thing",), {"score": threshold}, {}, files, {})


def finding(
    place: tuple[int, int], score: float, label: str = "face", *, size: tuple[int, int] = (SIDE, SIDE)
) -> Finding:
    """A finding on the block with this column and row."""
    left, top = place[0] * BLOCK / size[0], place[1] * BLOCK / size[1]
    right, bottom = left + BLOCK / size[0], top + BLOCK / size[1]
    return Finding(label, score, ((left, top), (right, top), (right, bottom), (left, bottom)))


def photo(*marked: tuple[int, int], contrast: int = 255) -> Photo:
    """A grey photo with a chequered block at each place."""
    image = np.full((SIDE, SIDE, 3), 128, np.uint8)
    pattern = np.where(np.indices((BLOCK, BLOCK)).sum(axis=0) // 2 % 2, 128 + contrast // 2, 128 - contrast // 2)
    for column, row in marked:
        image[row * BLOCK : (row + 1) * BLOCK, column * BLOCK : (column + 1) * BLOCK] = pattern[..., None]
    return image


@dataclass
class Contrast:
    """A detector that really looks: the score of a block is its contrast."""

    card: Card = field(default_factory=card)
    label: str = "face"
    looked: list[tuple[int, int]] = field(default_factory=list)

    def propose(self, image: Photo, *, floor: float) -> Prediction:
        height, width = image.shape[:2]
        self.looked.append((width, height))
        places = [(column, row) for row in range(height // BLOCK) for column in range(width // BLOCK)]
        scored = [(place, self.score(image, place)) for place in places]
        found = [finding(at, score, self.label, size=(width, height)) for at, score in scored if score >= floor]
        return Prediction("toy", "1", width, height, tuple(found))

    def score(self, image: Photo, place: tuple[int, int]) -> float:
        column, row = place
        block = image[row * BLOCK : (row + 1) * BLOCK, column * BLOCK : (column + 1) * BLOCK]
        return min(1.0, float(block.std()) / 127)


@dataclass
class Scripted:
    """A detector that says what a script says: what it sees at its first, second, ... look; the last one repeats."""

    script: Sequence[Sequence[Finding]]
    card: Card = field(default_factory=card)
    asked: int = 0

    def propose(self, image: Photo, *, floor: float) -> Prediction:
        said = self.script[min(self.asked, len(self.script) - 1)]
        self.asked += 1
        return Prediction("toy", "1", SIDE, SIDE, tuple(one for one in said if one.score >= floor))


def done(image: Photo, *finders: Finder, method: Method = Method.BLUR) -> Anonymised:
    return anonymised(image, finders=finders, margin=MARGIN, method=method)


@pytest.mark.parametrize("method", list(Method))
def test_what_is_found_is_covered_and_looked_at_again(method: Method) -> None:
    detector = Contrast()
    result = done(photo((2, 3), (7, 8)), FaceFinder(detector), method=method)
    assert (len(result.covered), result.passes) == (2, 1)
    assert len(detector.looked) == 2
    assert detector.propose(result.image, floor=0.3).findings == ()


def test_a_photo_without_anything_is_looked_at_once_and_stays() -> None:
    detector, image = Contrast(), photo()
    result = done(image, FaceFinder(detector))
    assert (result.covered, result.passes, len(detector.looked)) == ((), 0, 1)
    assert result.image is image


def test_what_is_less_certain_is_covered_too() -> None:
    result = done(photo((4, 4), contrast=140), FaceFinder(Contrast()))
    assert [round(one.score, 1) for one in result.covered] == [0.6]


@settings(max_examples=30, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=5), st.sampled_from(Method))
def test_everything_else_stays(places: set[tuple[int, int]], method: Method) -> None:
    image = photo(*places)
    result = done(image, FaceFinder(Contrast()), method=method).image
    near = np.zeros(image.shape[:2], np.bool_)
    for column, row in places:
        near[max(0, row * BLOCK - 2) : (row + 1) * BLOCK + 2, max(0, column * BLOCK - 2) : (column + 1) * BLOCK + 2] = (
            True
        )
    assert np.array_equal(result[~near], image[~near])


def test_what_shows_only_on_the_output_is_covered_in_a_further_pass() -> None:
    first, second = finding((1, 1), 0.9), finding((5, 5), 0.7)
    result = done(photo((1, 1), (5, 5)), FaceFinder(Scripted([[first], [second], []])))
    assert (result.covered, result.passes) == ((first, second), 2)


def test_a_shadow_of_what_was_covered_is_no_face() -> None:
    detector = Scripted([[finding((1, 1), 0.9)], [finding((1, 1), 0.55)]])
    assert done(photo((1, 1)), FaceFinder(detector)).passes == 1


def test_what_a_blur_does_not_hide_is_filled() -> None:
    face = finding((1, 1), 0.9)
    result = done(photo((1, 1)), FaceFinder(Scripted([[face], [face], [face], []])))
    assert result.passes == 3
    assert len(np.unique(result.image[BLOCK : 2 * BLOCK, BLOCK : 2 * BLOCK].reshape(-1, 3), axis=0)) == 1


def test_what_nothing_hides_is_refused() -> None:
    detector = Scripted([[finding((number, 1), 0.9)] for number in range(9)])
    with pytest.raises(StillVisible, match="Still to be recognised: face") as refused:
        done(photo(), FaceFinder(detector))
    assert detector.asked == 4, "three passes and a last look"
    assert [one.polygon for one in refused.value.findings] == [finding((3, 1), 0.9).polygon]
    assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value)


def test_something_uncertain_that_is_new_every_time_is_no_reason_to_refuse() -> None:
    detector = Scripted([[finding((number, 1), 0.55)] for number in range(9)])
    assert done(photo(), FaceFinder(detector)).passes == 3


# --- plates ----------------------------------------------------------------------------------------------------------


def letters(at: float) -> Callable[[Photo, Sequence[tuple[float, float]]], str]:
    """A reader that reads where the contrast is at least `at`."""

    def read(image: Photo, outline: Sequence[tuple[float, float]]) -> str:
        xs, ys = [round(x * image.shape[1]) for x, _ in outline], [round(y * image.shape[0]) for _, y in outline]
        return "AB_123" if image[min(ys) : max(ys), min(xs) : max(xs)].std() / 127 >= at else "A__"

    return read


def test_a_smear_the_detector_takes_for_a_plate_is_none_if_it_cannot_be_read() -> None:
    plate = finding((3, 3), 0.9, "plate")
    result = done(photo((3, 3)), PlateFinder(Scripted([[plate], [plate], []]), letters(0.3)))
    assert (result.covered, result.passes) == ((plate,), 1)


def test_a_plate_that_is_found_no_more_but_read_is_covered_again() -> None:
    plate = finding((3, 3), 0.9, "plate")
    readings = iter(["AB123", "AB1__"])
    finder = PlateFinder(Scripted([[plate], []]), lambda _image, _outline: next(readings, "__"))
    result = done(photo((3, 3)), finder)
    assert (result.covered, result.passes) == ((plate, plate, plate), 3)


def test_a_plate_that_is_read_to_the_end_is_refused() -> None:
    plate = finding((3, 3), 0.9, "plate")
    with pytest.raises(StillVisible, match="plate"):
        done(photo((3, 3)), PlateFinder(Scripted([[plate], []]), lambda _image, _outline: "AB123"))


def test_the_second_look_is_at_the_quarters_too() -> None:
    detector = Contrast(label="plate")
    result = done(photo(), PlateFinder(detector, letters(0.3)))
    assert result.passes == 0
    assert detector.looked == [(SIDE, SIDE), (SIDE, SIDE), *[(96, 96)] * 4]


@pytest.mark.parametrize("place", [(0, 0), (9, 0), (5, 5), (4, 9)])
def test_what_only_a_quarter_shows_is_covered_where_it_is(place: tuple[int, int]) -> None:
    class Near(Contrast):
        """Sees nothing on a whole photo."""

        def propose(self, image: Photo, *, floor: float) -> Prediction:
            found = super().propose(image, floor=floor)
            return Prediction("toy", "1", 1, 1, ()) if image.shape[0] == SIDE else found

    image = photo(place)
    result = done(image, PlateFinder(Near(label="plate"), letters(0.3)))
    column, row = place
    block = result.image[row * BLOCK : (row + 1) * BLOCK, column * BLOCK : (column + 1) * BLOCK]
    assert block.std() < 20
    changed = np.argwhere((result.image != image).any(axis=2))
    assert changed.min() >= min(row, column) * BLOCK - 2
    assert changed.max() <= (max(row, column) + 1) * BLOCK + 2


class Echo:
    """A reader that tells the size of what it is shown."""

    def read(self, crop: Photo) -> Reading:
        text = f"{crop.shape[1]}X{crop.shape[0]}"
        return Reading(text, 1.0, tuple((one, 1.0) for one in text))


def test_a_plate_is_read_upright_and_a_speck_not_at_all() -> None:
    read, tilted = plate_text(Echo()), ((0.2, 0.2), (0.6, 0.5), (0.54, 0.58), (0.14, 0.28))
    assert read(photo(), tilted) == "80X16"
    assert read(photo(), ((0.5, 0.5),) * 4) == ""
    assert read(photo(), ((0.1, 0.5), (0.9, 0.5), (0.9, 0.501), (0.1, 0.501))) == ""


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2)])
def test_the_thinnest_photos(shape: tuple[int, int]) -> None:
    image = np.zeros((*shape, 3), np.uint8)
    both = (FaceFinder(Contrast()), PlateFinder(Contrast(label="plate"), letters(0.3)))
    assert done(image, *both).image.shape == image.shape
