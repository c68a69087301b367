"""One car out of a map, the second look, thresholds and sizes, with a network that sees what a test paints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from imaging.ml.card import Card, ModelFile
from imaging.ml.model import ImageError
from imaging.ml.models.vehicle_mask import VehicleMask, build, closer_window, main_car
from imaging.ml.types import Mask

SIDE = 64


def card(closer: float = 0.0, **thresholds: float) -> Card:
    return Card(
        name="vehicle_mask",
        version="3",
        labels=("vehicle",),
        thresholds={"score": 0.6, "area": 0.01} | thresholds,
        parameters={"closer": closer},
        files=(ModelFile(Path("none"), "f" * 64, "float32", frozenset({"litert"})),),
        raw={},
    )


class RedNetwork:
    """Takes all that is red for the car; counts how often it is asked."""

    input_shape = (1, SIDE, SIDE, 3)

    def __init__(self, chance: float = 0.9) -> None:
        self.chance, self.asked = chance, 0

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.asked += 1
        red = (batch[0, ..., 0] > 150) & (batch[0, ..., 1] < 100)
        cells = red.reshape(SIDE // 2, 2, SIDE // 2, 2).mean(axis=(1, 3)) * self.chance
        return np.asarray(cells[None, ..., None], dtype=np.float32)


def photo(width: int, height: int, *boxes: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    pixels = np.full((height, width, 3), 90, dtype=np.uint8)
    for left, top, right, bottom in boxes:
        pixels[top:bottom, left:right] = (220, 20, 20)
    return pixels


def test_mask_lies_where_the_car_is() -> None:
    found = build(card(), RedNetwork()).mask(photo(320, 160, (80, 40, 240, 120)))
    assert (found.model, found.version, found.width, found.height) == ("vehicle_mask", "3", 320, 160)
    assert found.box == pytest.approx((0.25, 0.25, 0.75, 0.75), abs=0.04)
    assert found.area == pytest.approx(0.25 * 0.9, abs=0.02)
    assert found.score == pytest.approx(0.9, abs=0.02)
    assert found.soft.dtype == np.float32
    assert found.cut == frozenset()


def test_mask_comes_at_any_size() -> None:
    found = build(card(), RedNetwork(1.0)).mask(photo(320, 160, (80, 40, 240, 120)))
    true = photo(320, 160, (80, 40, 240, 120))[..., 0] > 150
    at = found.at(320, 160)
    assert at.shape == (160, 320)
    assert ((at >= 0.5) == true).mean() > 0.98
    assert found.at(7, 3).shape == (3, 7)


def test_edges_that_cut_the_car_are_told() -> None:
    found = build(card(), RedNetwork()).mask(photo(200, 200, (0, 60, 120, 200)))
    assert found.cut == {"left", "bottom"}


def test_of_two_cars_the_larger_one_stays() -> None:
    found = build(card(), RedNetwork()).mask(photo(400, 200, (10, 60, 220, 150), (280, 80, 390, 140)))
    assert found.box is not None
    assert found.box[2] < 0.6


def test_of_two_alike_the_one_in_the_middle_stays() -> None:
    chances = np.zeros((40, 40), dtype=np.float32)
    chances[15:25, 0:10] = chances[15:25, 16:26] = 0.9
    kept = main_car(chances) >= 0.5
    assert kept[:, 16:26].any()
    assert not kept[:, :10].any()


def test_panes_that_the_car_surrounds_belong_to_it() -> None:
    chances = np.zeros((40, 40), dtype=np.float32)
    chances[5:35, 5:35] = 0.9
    chances[15:20, 15:20] = 0.1
    assert (main_car(chances)[5:35, 5:35] >= 0.5).all()


def test_a_car_that_fills_the_photo_has_no_holes_either() -> None:
    chances = np.full((40, 40), 0.9, dtype=np.float32)
    assert (main_car(chances) >= 0.5).all()
    chances[15:20, 15:20] = 0.1
    assert (main_car(chances) >= 0.5).all()
    chances[0:5, 15:20] = 0.1
    assert not (main_car(chances)[0:5, 15:20] >= 0.5).any(), "what reaches the edge is not surrounded"


def test_soft_edges_of_the_car_stay_and_far_fog_goes() -> None:
    chances = np.zeros((40, 40), dtype=np.float32)
    chances[10:20, 10:20] = 0.9
    chances[20, 10:20] = 0.4
    chances[30:35, 30:35] = 0.4
    kept = main_car(chances)
    assert kept[20, 15] == pytest.approx(0.4)
    assert not kept[30:35, 30:35].any()


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9))
def test_whatever_the_map_one_piece_is_left(seed: int, share: float) -> None:
    chances = np.random.default_rng(seed).random((16, 16), dtype=np.float32)
    chances[chances < share] *= 0.4
    kept = main_car(chances)
    assert ndimage.label(kept >= 0.5, np.ones((3, 3)))[1] == min(1, int((chances >= 0.5).any()))
    assert kept.min() >= 0
    assert kept.max() <= 1


def test_a_small_car_gets_a_second_look_from_nearer() -> None:
    network = RedNetwork(1.0)
    pixels = photo(800, 600, (300, 200, 470, 330))
    near = build(card(closer=0.6), network).mask(pixels)
    assert network.asked == 2
    far = build(card(), RedNetwork(1.0)).mask(pixels)
    true = pixels[..., 0] > 150

    def off(found: Mask) -> int:
        return int(((found.at(800, 600) >= 0.5) != true).sum())

    assert off(near) < off(far) / 2


def test_a_large_car_gets_one_look() -> None:
    network = RedNetwork()
    build(card(closer=0.6), network).mask(photo(320, 160, (20, 20, 300, 140)))
    assert network.asked == 1


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 10), st.integers(1, 10))
def test_the_window_of_a_second_look_holds_the_car(left: int, top: int, wide: int, high: int) -> None:
    chances = np.zeros((40, 40), dtype=np.float32)
    chances[top : top + high, left : left + wide] = 1.0
    window = closer_window(chances, 0.9)
    assert window is not None
    assert -1e-9 <= window[0] <= left / 40 + 1e-9
    assert -1e-9 <= window[1] <= top / 40 + 1e-9
    assert (left + wide) / 40 - 1e-9 <= window[2] <= 1 + 1e-9
    assert (top + high) / 40 - 1e-9 <= window[3] <= 1 + 1e-9
    assert window[2] - window[0] == pytest.approx(window[3] - window[1])


@pytest.mark.parametrize("boxes", [(), ((100, 100, 104, 104),)], ids=["nothing", "too small"])
def test_without_a_car_the_mask_is_empty(boxes: tuple[tuple[int, int, int, int], ...]) -> None:
    model = build(card(), RedNetwork())
    found = model.mask(photo(320, 240, *boxes))
    assert (found.score, found.area, found.box, found.cut) == (0.0, 0.0, None, frozenset())
    assert model.predict(photo(320, 240, *boxes)).findings == ()


def test_a_doubtful_car_is_none() -> None:
    pixels = photo(320, 160, (80, 40, 240, 120))
    assert build(card(score=0.8), RedNetwork(0.7)).mask(pixels).score == 0.0
    assert build(card(score=0.6), RedNetwork(0.7)).mask(pixels).score > 0.6


def test_outline_is_the_only_finding() -> None:
    prediction = build(card(), RedNetwork()).predict(photo(320, 160, (80, 40, 240, 120)))
    assert len(prediction.findings) == 1
    finding = prediction.findings[0]
    assert finding.label == "vehicle"
    assert finding.score == pytest.approx(0.9, abs=0.02)
    points = np.asarray(finding.polygon)
    assert [*points.min(axis=0), *points.max(axis=0)] == pytest.approx([0.25, 0.25, 0.75, 0.75], abs=0.04)


def test_what_is_no_photo_is_refused() -> None:
    with pytest.raises(ImageError):
        VehicleMask(card(), RedNetwork()).mask(np.zeros((4, 4), dtype=np.uint8))
