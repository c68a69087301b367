"""Views around the car, calibration, tyres and refusal, with a network that says what a test wants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from imaging.ml.card import Card, ModelFile
from imaging.ml.model import ImageError
from imaging.ml.models.view_and_wheels import VIEWS, ViewAndWheels, build, calibrated, degrees_apart, wheels_decode

CELLS = 28


def card(**changes: float) -> Card:
    thresholds = {"vehicle": 0.5, "wheel": 0.3, "contrary": 0.9}
    parameters = {"temperature": 1.0, "wheels": 4.0}
    return Card(
        name="view_and_wheels",
        version="2",
        labels=(*VIEWS, "wheel"),
        thresholds={key: changes.get(key, value) for key, value in thresholds.items()},
        parameters={key: changes.get(key, value) for key, value in parameters.items()},
        files=(ModelFile(Path("none"), "f" * 64, "float32", frozenset({"litert"})),),
        raw={},
    )


class Saying:
    """A network that always gives the same answers."""

    input_shape = (1, 224, 224, 3)

    def __init__(
        self, logits: dict[str, float], cells: NDArray[np.float32] | None = None, *, turned: bool = False
    ) -> None:
        self.logits = np.array([logits.get(name, 0.0) for name in (*VIEWS, "vehicle", "present")], dtype=np.float32)
        self.cells = nothing() if cells is None else cells
        self.turned = turned

    def run_all(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        assert batch.shape == self.input_shape
        answers = (self.logits[None], self.cells[None])
        return answers[::-1] if self.turned else answers


def nothing() -> NDArray[np.float32]:
    return np.zeros((CELLS, CELLS, 5), dtype=np.float32)


def photo(width: int = 320, height: int = 240) -> NDArray[np.uint8]:
    return np.full((height, width, 3), 90, dtype=np.uint8)


@pytest.mark.parametrize(
    ("one", "other", "degrees"),
    [
        ("front", "front", 0),
        ("front", "front_left", 45),
        ("front", "left", 90),
        ("front_left", "rear", 135),
        ("left", "right", 180),
        ("rear_left", "front_left", 90),
    ],
)
def test_degrees_between_views(one: str, other: str, degrees: int) -> None:
    assert degrees_apart(one, other) == degrees_apart(other, one) == degrees


def test_an_unknown_view_has_no_direction() -> None:
    with pytest.raises(ValueError, match="roof"):
        degrees_apart("front", "roof")


@given(st.lists(st.floats(-20, 20), min_size=8, max_size=8), st.floats(0.2, 5))
def test_chances_sum_to_one_and_keep_their_order(logits: list[float], temperature: float) -> None:
    chances = calibrated(np.array(logits), temperature)
    assert chances.sum() == pytest.approx(1)
    assert chances[int(np.argmax(logits))] == pytest.approx(chances.max())


def test_a_higher_temperature_is_less_sure() -> None:
    logits = np.array([3.0, 0, 0, 0, 0, 0, 0, 0])
    assert calibrated(logits, 2.0)[0] < calibrated(logits, 1.0)[0]


@pytest.mark.parametrize("turned", [False, True])
def test_view_with_its_chances(turned: bool) -> None:
    seen = build(card(), Saying({"left": 5, "front_left": 3, "vehicle": 2}, turned=turned)).view(photo())
    assert (seen.model, seen.version, seen.width, seen.height) == ("view_and_wheels", "2", 320, 240)
    assert (seen.view, seen.chances[0][0], seen.chances[1][0]) == ("left", "left", "front_left")
    assert seen.confidence == seen.chances[0][1] > 0.8
    assert sum(chance for _, chance in seen.chances) == pytest.approx(1)
    assert seen.vehicle == pytest.approx(1 / (1 + np.exp(-2)))


def test_temperature_of_the_card_counts() -> None:
    network = Saying({"left": 5})
    assert build(card(temperature=3), network).view(photo()).confidence < 0.5


def wheel(cells: NDArray[np.float32], row: int, column: int, chance: float, radius: float, right: float = 0.0) -> None:
    cells[row, column, :4] = (chance, right, 0.0, np.log(radius))


def test_tyre_is_where_its_cell_points() -> None:
    cells = nothing()
    wheel(cells, 20, 6, 0.9, 0.1, right=0.5)
    chance, x, y, radius = wheels_decode(cells, least=0.3, most=4)[0]
    assert (chance, x, y, radius) == pytest.approx((0.9, 7 / 28, 20.5 / 28, 0.1), abs=1e-6)


def test_box_of_a_tyre_is_as_wide_as_high_in_pixels() -> None:
    cells = nothing()
    wheel(cells, 13, 13, 0.9, 0.1)
    finding = build(card(), Saying({}, cells)).view(photo(400, 200)).wheels[0]
    points = np.asarray(finding.polygon) * (400, 200)
    assert finding.label == "wheel"
    assert points.max(axis=0) - points.min(axis=0) == pytest.approx([40, 40], abs=1e-3)


def test_a_tyre_counts_once_and_the_surer_ones_stay() -> None:
    cells = nothing()
    for column, chance in ((4, 0.9), (7, 0.6), (14, 0.5), (20, 0.8), (25, 0.1)):
        wheel(cells, 20, column, chance, 0.15)
    assert [round(one[0], 1) for one in wheels_decode(cells, least=0.3, most=4)] == [0.9, 0.8, 0.5]
    assert len(wheels_decode(cells, least=0.3, most=2)) == 2
    assert wheels_decode(cells, least=0.95, most=4) == []


@given(st.integers(0, 2**32 - 1))
def test_whatever_the_map_tyres_stay_on_the_photo(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cells = rng.normal(0, 2, (CELLS, CELLS, 5)).astype(np.float32)
    for finding in build(card(), Saying({}, cells)).view(photo()).wheels:
        assert 0 < finding.score <= 1
        assert all(0 <= value <= 1 for point in finding.polygon for value in point)


def test_prediction_tells_the_view_and_the_tyres() -> None:
    cells = nothing()
    wheel(cells, 20, 6, 0.5, 0.1)
    findings = build(card(), Saying({"rear": 9, "vehicle": 3}, cells)).predict(photo()).findings
    assert [finding.label for finding in findings] == ["rear", "wheel"]


def test_without_a_car_nothing_is_found() -> None:
    cells = nothing()
    wheel(cells, 20, 6, 0.5, 0.1)
    assert build(card(), Saying({"rear": 9, "vehicle": -3}, cells)).predict(photo()).findings == ()


@pytest.mark.parametrize(
    ("logits", "wanted", "refused"),
    [
        ({"rear": 9, "vehicle": 3}, "front", True),
        ({"rear": 9, "vehicle": 3}, "rear", False),
        ({"rear": 9, "vehicle": 3}, "rear_left", False),
        ({"rear": 9, "vehicle": 3}, "left", True),
        ({"rear": 1, "vehicle": 3}, "front", False),
        ({"rear": 9, "vehicle": -3}, "front", False),
        ({"rear": 6, "rear_left": 6, "vehicle": 3}, "front", True),
    ],
    ids=["opposite", "same", "neighbour", "90 degrees", "unsure", "no car", "unsure which, but not this"],
)
def test_refused_only_when_sure_of_another_side(logits: dict[str, float], wanted: str, refused: bool) -> None:
    model = build(card(), Saying(logits))
    assert model.contrary(model.view(photo()), wanted) is refused


def test_what_is_no_photo_is_refused() -> None:
    with pytest.raises(ImageError):
        ViewAndWheels(card(), Saying({})).view(np.zeros((4, 4), dtype=np.uint8))


def test_presence_and_place_of_the_car_are_told_apart_from_its_side() -> None:
    cells = nothing()
    cells[10:20, 4:24, 4] = 1.3
    seen = ViewAndWheels(card(), Saying({"vehicle": -5, "present": 5}, cells)).view(photo())
    assert seen.vehicle < 0.01
    assert seen.present > 0.99
    assert seen.coarse.shape == (CELLS, CELLS)
    assert seen.coarse.max() == 1
    assert seen.coarse.mean() == pytest.approx(200 / CELLS**2)
