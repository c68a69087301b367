"""Pre- and post-processing of the damage model, with a network whose answer is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.ml.card import Card, ModelFile
from imaging.ml.model import ImageError
from imaging.ml.models.damage_detector import DamageDetector, around, in_pixels, joined, restricted, working_size


class BrightNetwork:
    """Calls bright pixels damage; the redder, the more a dent. Counts its calls."""

    input_shape = (1, 64, 64, 3)

    def __init__(self) -> None:
        self.calls = 0

    def run(self, batch: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        assert batch.shape == self.input_shape
        assert batch.dtype == np.float32
        self.calls += 1
        cells = batch.reshape(1, 16, 4, 16, 4, 3).mean(axis=(2, 4))
        bright = (cells.max(axis=3) > 200).astype(np.float32) * 0.9
        red = (cells[..., 0] > cells[..., 2] + 50).astype(np.float32)
        return np.asarray(np.stack([bright, 1 - red, red], axis=3), dtype=np.float32)


def card(labels: tuple[str, ...] = ("scratch", "dent"), **numbers: float) -> Card:
    parameters = {"zoom": 1.0, "side": 256, "stride": 4, "overlap": 16, "gap": 0, "limit": 100} | numbers
    file = ModelFile(Path("none.tflite"), "0" * 64, "float16", frozenset({"litert"}))
    return Card("damage_detector", "9.9.9", labels, {"score": 0.5, "grow": 0.3}, parameters, (file,), {})


def detector(found: Card | None = None) -> tuple[DamageDetector, BrightNetwork]:
    network = BrightNetwork()
    return DamageDetector(found if found is not None else card(), network), network


def photo(width: int, height: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.full((height, width, 3), 60, dtype=np.uint8)


def bounds(polygon: tuple[tuple[float, float], ...]) -> list[float]:
    points = np.asarray(polygon)
    return [*points.min(axis=0), *points.max(axis=0)]


def test_finding_is_where_the_damage_is() -> None:
    image = photo(200, 100)
    image[40:60, 120:160] = 255
    model, _ = detector()
    prediction = model.predict(image)
    (finding,) = prediction.findings
    assert bounds(finding.polygon) == pytest.approx([0.6, 0.4, 0.8, 0.6], abs=0.021)
    assert (prediction.model, prediction.version) == ("damage_detector", "9.9.9")
    assert (prediction.width, prediction.height) == (200, 100)
    assert finding.score == pytest.approx(0.9)


def test_large_photo_is_shrunk_and_places_stay() -> None:
    image = photo(2000, 1000)
    image[400:600, 1200:1600] = 255
    model, network = detector()
    (finding,) = model.predict(image).findings
    assert bounds(finding.polygon) == pytest.approx([0.6, 0.4, 0.8, 0.6], abs=0.021)
    assert network.calls == 15


def test_a_large_photo_is_cut_to_the_vehicle() -> None:
    image = photo(2000, 1000)
    image[400:420, 1200:1220] = 255
    image[400:600, 100:300] = 255
    within = np.zeros((50, 100), dtype=np.float32)
    within[15:25, 58:66] = 1.0
    model, network = detector()
    assert model.predict(photo(2000, 1000), within=within).findings == ()
    (finding,) = model.predict(image, within=within).findings
    # Seen whole, eight of its pixels are one of the network's: the mark would be no larger than a cell.
    assert bounds(finding.polygon) == pytest.approx([0.6, 0.4, 0.61, 0.42], abs=0.003)
    assert network.calls == 2 * 25


@given(
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.tuples(*[st.floats(0, 1)] * 4),
)
def test_a_part_of_a_photo_has_pixels_and_lies_on_it(size: tuple[int, int], edges: tuple[float, ...]) -> None:
    left, top, right, bottom = in_pixels((min(edges[:2]), min(edges[2:]), max(edges[:2]), max(edges[2:])), *size)
    assert 0 <= left < right <= size[0]
    assert 0 <= top < bottom <= size[1]


def test_without_a_vehicle_all_of_the_photo_is_around_it() -> None:
    assert around(np.zeros((9, 9), dtype=np.float32)) == (0, 0, 1, 1)


def test_damage_across_tiles_is_found_once() -> None:
    image = photo(250, 60)
    image[20:40, 20:230] = 255
    model, network = detector()
    assert len(model.predict(image).findings) == 1
    assert network.calls > 2


def test_label_is_voted_by_the_cells() -> None:
    image = photo(200, 100)
    image[20:40, 20:60] = (255, 0, 0)
    image[20:40, 120:160] = 255
    model, _ = detector()
    assert [finding.label for finding in sorted(model.predict(image).findings, key=lambda f: f.polygon[0])] == [
        "dent",
        "scratch",
    ]


def test_one_label_needs_no_vote() -> None:
    image = photo(64, 64)
    image[20:40, 20:60] = (255, 0, 0)
    model, _ = detector(card(labels=("damage",)))
    assert [finding.label for finding in model.predict(image).findings] == ["damage"]


def test_propose_reaches_below_the_threshold_that_predict_keeps() -> None:
    image = photo(64, 64)
    image[20:40, 20:40] = 255
    strict, _ = detector(replace(card(), thresholds={"score": 0.95, "grow": 0.3}))
    assert strict.predict(image).findings == ()
    assert len(strict.propose(image, floor=0.5).findings) == 1


def test_a_second_look_from_afar_joins_the_first() -> None:
    image = photo(200, 100)
    image[40:60, 120:160] = 255
    model, network = detector(card(far=0.5, relative=0.7))
    (finding,) = model.predict(image).findings
    assert bounds(finding.polygon) == pytest.approx([0.6, 0.4, 0.8, 0.6], abs=0.05)
    alone, once = detector()
    alone.predict(image)
    assert network.calls > once.calls


def test_joined_maps_agree_or_weaken_each_other() -> None:
    near = np.full((8, 8, 3), 0.9, dtype=np.float32)
    assert joined([near, near[::2, ::2]]) == pytest.approx(near, abs=1e-3)
    doubt = np.full((4, 4, 3), 0.1, dtype=np.float32)
    assert joined([near, doubt])[..., 0] == pytest.approx(0.5, abs=1e-3)
    assert np.isfinite(joined([np.zeros_like(near), np.ones_like(near)])).all()


def test_scores_become_chances_and_thresholds_are_chances() -> None:
    image = photo(64, 64)
    image[20:40, 20:40] = 255
    # The network says 0.9, a logit of 2.2; half of it less one is 0.0986.
    calibrated = card(slope=0.5, offset=-1.0)
    model, _ = detector(replace(calibrated, thresholds={"score": 0.52, "grow": 0.3}))
    (finding,) = model.predict(image).findings
    assert finding.score == pytest.approx(1 / (1 + np.exp(-(0.5 * np.log(9) - 1.0))), abs=1e-4)
    strict, _ = detector(replace(calibrated, thresholds={"score": 0.53, "grow": 0.3}))
    assert strict.predict(image).findings == ()
    assert len(strict.propose(image, floor=0.1).findings) == 1


def test_a_threshold_that_a_score_just_meets_keeps_it() -> None:
    image = photo(64, 64)
    image[20:40, 20:40] = 255
    model, _ = detector(card(slope=0.8, offset=0.3))
    (finding,) = model.propose(image, floor=0.0).findings
    assert model.propose(image, floor=finding.score).findings == (finding,)


def test_what_lies_beside_the_vehicle_is_not_looked_at() -> None:
    image = photo(200, 100)
    image[40:60, 20:60] = 255
    image[40:60, 140:180] = 255
    within = np.zeros((10, 20), dtype=np.float32)
    within[:, 12:] = 1.0
    model, _ = detector()
    assert len(model.predict(image).findings) == 2
    (finding,) = model.predict(image, within=within).findings
    assert bounds(finding.polygon)[0] == pytest.approx(0.7, abs=0.03)
    assert model.predict(image, within=np.ones_like(within)) == model.predict(image)


def test_the_vehicles_outline_is_kept_with_a_margin() -> None:
    heat = np.full((100, 100, 1), 0.8, dtype=np.float32)
    within = np.zeros((100, 100), dtype=np.float32)
    within[:, 50:] = 0.5
    kept = restricted(heat, within)[..., 0]
    assert kept[50, 48] == kept[50, 99] == pytest.approx(0.8)
    assert kept[50, 40] == 0.0
    assert (heat == np.float32(0.8)).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (5000, 1), (63, 65), (3, 2)])
def test_any_size_gives_a_prediction(size: tuple[int, int]) -> None:
    model, _ = detector(card(zoom=1.5, far=0.6, relative=0.7))
    image = np.full((size[1], size[0], 3), 255, dtype=np.uint8)
    prediction = model.predict(image)
    assert (prediction.width, prediction.height) == size
    assert all(0 <= value <= 1 for finding in prediction.findings for point in finding.polygon for value in point)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), dtype=np.uint8),
        np.zeros((4, 4, 4), dtype=np.uint8),
        np.zeros((0, 4, 3), dtype=np.uint8),
        np.zeros((4, 4, 3), dtype=np.float32),
        np.zeros((4, 4, 3), dtype=np.uint16),
        [[1, 2, 3]],
    ],
)
def test_what_is_no_photo_is_refused(image: Any) -> None:
    model, network = detector()
    with pytest.raises(ImageError):
        model.predict(image)
    assert network.calls == 0


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((640, 640), (960, 960)),
        ((416, 300), (624, 450)),
        ((1024, 1024), (1536, 1536)),
        ((4000, 3000), (1536, 1152)),
        ((1, 1), (2, 2)),
        ((30000, 1), (1536, 1)),
    ],
)
def test_working_size_by_table(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert working_size(*size, zoom=1.5, side=1536) == expected
