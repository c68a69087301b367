"""The face detector by a network that is told what to see, and the shipped one by pictures that scikit-image brings."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from imaging.ml import registry
from imaging.ml.card import Card
from imaging.ml.model import ImageError
from imaging.ml.models.face_detector import Eye, FaceDetector, Faces, anchors, joined, whole
from imaging.ml.types import Finding
from imaging.training.metrics import iou

#: A face as the pretended network knows it: a square brighter than this (-1..1), any size.
WHITE = 0.23


class SeesSquares:
    """A network whose faces are white squares, found by the anchor next to the square's centre."""

    def __init__(self, side: int, count: int, *, logit: float = 4.0) -> None:
        self.input_shape = (1, side, side, 3)
        self.output_shapes = ((1, count, 16), (1, count, 1))
        self.logit, self.calls = logit, 0

    def run_all(self, batch: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], ...]:
        assert batch.shape == self.input_shape
        self.calls += 1
        values, logits = (np.zeros(shape, dtype=np.float32) for shape in self.output_shapes)
        logits -= 9
        rows, columns = np.nonzero(batch[0, :, :, 0] > WHITE)
        if len(rows) > 8 and whole_square(rows, columns, batch.shape[1]):
            centre = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
            places = anchors(self.input_shape[1], values.shape[1])
            nearest = int(np.argmin(np.abs(places - centre).sum(axis=1)))
            values[0, nearest, :4] = (*(centre - places[nearest]), np.ptp(columns) + 1, np.ptp(rows) + 1)
            logits[0, nearest] = self.logit
        return values, logits


def whole_square(rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], side: int) -> bool:
    """Whether the bright pixels fill their box, and none touches the tile's edge."""
    within = min(rows.min(), columns.min()) > 0 and max(rows.max(), columns.max()) < side - 1
    return bool(within and len(rows) > 0.8 * np.ptp(rows) * np.ptp(columns))


def card() -> Card:
    found = registry.card("face_detector")
    ungrown = dict.fromkeys(("left", "up", "right", "down"), 0.0)
    return replace(found, parameters={**found.parameters, **ungrown})


def detector(*, near: float = 4.0, far: float = 4.0, found: Card | None = None) -> FaceDetector:
    return FaceDetector(found or card(), SeesSquares(128, 896, logit=near), SeesSquares(192, 2304, logit=far))


def with_square(size: tuple[int, int], left: int, top: int, side: int) -> npt.NDArray[np.uint8]:
    image = np.full((size[1], size[0], 3), 60, dtype=np.uint8)
    image[top : top + side, left : left + side] = 255
    return image


def box(finding: Finding, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    points = np.asarray(finding.polygon) * size
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


@pytest.mark.parametrize(
    ("size", "left", "top", "side"),
    [
        ((640, 480), 100, 200, 40),
        ((640, 480), 4, 4, 40),
        ((640, 480), 596, 436, 40),
        ((640, 480), 310, 230, 20),
        ((640, 480), 60, 60, 300),
        ((200, 900), 80, 700, 60),
        ((100, 100), 30, 30, 30),
        ((40, 40), 10, 10, 20),
    ],
)
def test_face_is_found_once_where_it_is(size: tuple[int, int], left: int, top: int, side: int) -> None:
    prediction = detector().predict(with_square(size, left, top, side))
    assert (prediction.width, prediction.height) == size
    (finding,) = prediction.findings
    assert finding.label == "face"
    assert finding.score == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-3)
    truth = np.array([[left, top, left + side, top + side]], dtype=float)
    assert iou(box(finding, size)[None], truth)[0, 0] > 0.8


def test_two_faces_are_two() -> None:
    image = with_square((640, 480), 100, 100, 40)
    image[300:360, 450:510] = 255
    assert len(detector().predict(image).findings) == 2


def test_box_is_grown_by_the_card() -> None:
    grown = replace(card(), parameters={**card().parameters, "up": 0.5, "left": -0.25})
    image = with_square((640, 480), 200, 200, 80)
    plain, other = (detector(found=one).predict(image).findings[0] for one in (card(), grown))
    left, top, right, bottom = box(plain, (640, 480))
    moved = box(other, (640, 480)) - (left, top, right, bottom)
    assert moved == pytest.approx([0.25 * (right - left), -0.5 * (bottom - top), 0, 0], abs=1e-6)


def test_either_network_may_refuse() -> None:
    image = with_square((640, 480), 200, 200, 40)
    assert detector(far=-9).predict(image).findings == ()
    assert detector(near=-9).predict(image).findings == ()


def test_propose_reaches_below_the_threshold_that_predict_keeps() -> None:
    image = with_square((640, 480), 200, 200, 40)
    model = detector(far=-9)
    (finding,) = model.propose(image, floor=0.3).findings
    assert 0.3 <= finding.score < model.card.thresholds["score"]


def test_nothing_is_looked_at_twice_where_there_is_nothing() -> None:
    near, far = SeesSquares(128, 896), SeesSquares(192, 2304)
    model = FaceDetector(card(), near, far)
    assert model.predict(np.full((480, 640, 3), 60, dtype=np.uint8)).findings == ()
    assert far.calls == 0
    assert near.calls > 50


@pytest.mark.parametrize(
    ("size", "closest", "count"),
    [
        ((640, 480), 1.5, 4),
        ((4000, 3000), 1.0, 6),
        ((8000, 6250), 0.49, 6),
        ((100, 100), 1.5, 2),
        ((1, 1), 128.0, 1),
        ((128, 128), 1.5, 2),
    ],
)
def test_photo_is_looked_at_from_near_to_whole(size: tuple[int, int], closest: float, count: int) -> None:
    scales = detector().scales(*size)
    assert scales[0] == pytest.approx(closest, abs=0.001)
    assert scales[-1] == pytest.approx(128 / max(size))
    assert len(scales) == count
    assert all(1 < before / after <= 2.001 for before, after in itertools.pairwise(scales))


@given(st.integers(200, 12000), st.integers(200, 12000))
def test_work_on_large_photos_is_bounded(width: int, height: int) -> None:
    assert width * height * detector().scales(width, height)[0] ** 2 <= 12e6 * 1.001


@pytest.mark.parametrize(("side", "count", "first"), [(128, 896, 4.0), (192, 2304, 2.0)])
def test_anchors_are_centres_of_cells(side: int, count: int, first: float) -> None:
    places = anchors(side, count)
    assert places.shape == (count, 2)
    assert places[0].tolist() == [first, first]
    assert places.min() > 0
    assert places.max() < side
    assert places.mean() == pytest.approx(side / 2)


def test_network_with_unknown_anchors_is_refused() -> None:
    with pytest.raises(KeyError):
        Eye(SeesSquares(128, 100))


def faces(*rows: tuple[float, ...]) -> Faces:
    values = np.array(rows, dtype=float).reshape(-1, 5)
    return Faces(values[:, :4], values[:, 4])


def test_boxes_of_one_face_become_their_weighted_mean() -> None:
    found = joined(faces((0, 0, 10, 10, 0.5), (2, 0, 12, 10, 1.0), (50, 50, 60, 60, 0.7)), overlap=0.3, limit=10)
    assert found.scores.tolist() == [1.0, 0.7]
    assert found.boxes[0] == pytest.approx([4 / 3, 0, 34 / 3, 10])


def test_no_more_faces_than_the_limit() -> None:
    rows = [(20.0 * index, 0.0, 20.0 * index + 10, 10.0, 0.5 + index / 100) for index in range(5)]
    assert joined(faces(*rows), overlap=0.3, limit=2).scores.tolist() == [0.54, 0.53]


@given(
    st.lists(
        st.tuples(st.floats(0, 50), st.floats(0, 50), st.floats(1, 40), st.floats(1, 40), st.floats(0.01, 1)),
        max_size=12,
    )
)
def test_joined_faces_do_not_hide_the_best_and_stay_within_their_boxes(
    rows: list[tuple[float, float, float, float, float]],
) -> None:
    given_ = faces(*((left, top, left + width, top + height, score) for left, top, width, height, score in rows))
    found = joined(given_, overlap=0.3, limit=100)
    assert len(found.scores) <= len(rows)
    assert (np.diff(found.scores) <= 0).all()
    if rows:
        assert found.scores[0] == given_.scores.max()
        assert (found.boxes.min(axis=0) >= given_.boxes.min(axis=0) - 1e-6).all()
        assert (found.boxes.max(axis=0) <= given_.boxes.max(axis=0) + 1e-6).all()


def test_part_of_a_better_face_is_left_out() -> None:
    found = whole(faces((0, 0, 40, 40, 0.9), (5, 5, 15, 15, 0.8), (100, 0, 110, 10, 0.3)))
    assert found.scores.tolist() == [0.9, 0.3]
    assert whole(faces((0, 0, 40, 40, 0.3), (5, 5, 15, 15, 0.8))).scores.tolist() == [0.8]


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 1000))
def test_any_photo_gives_boxes_within_it(width: int, height: int, seed: int) -> None:
    bright = np.random.default_rng(seed).integers(0, 2, (height, width, 1), dtype=np.uint8).repeat(3, axis=2)
    image = np.where(bright, 255, 0).astype(np.uint8)
    prediction = detector().propose(image, floor=0.02)
    assert all(0 <= value <= 1 for finding in prediction.findings for point in finding.polygon for value in point)


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), [[1]]], ids=repr)
def test_what_is_no_photo_is_refused(image: Any) -> None:
    with pytest.raises(ImageError):
        detector().predict(image)


def shipped() -> FaceDetector:
    model = registry.load("face_detector", threads=1)
    assert isinstance(model, FaceDetector)
    return model


PORTRAIT = np.array([[180.0, 76.0, 264.0, 176.0]])


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.25])
def test_portrait_has_one_face_where_it_is(scale: float) -> None:
    side = round(512 * scale)
    picture = np.asarray(Image.fromarray(data.astronaut()).resize((side, side), Image.Resampling.LANCZOS))
    (finding,) = shipped().predict(picture).findings
    assert iou(box(finding, (side, side))[None], PORTRAIT * scale)[0, 0] > 0.6


def test_small_face_on_a_large_photo_is_found() -> None:
    photo = np.full((960, 1280, 3), 90, dtype=np.uint8)
    head = Image.fromarray(data.astronaut()[8:200, 148:310]).resize((49, 58), Image.Resampling.LANCZOS)
    photo[500:558, 900:949] = np.asarray(head)
    (finding,) = shipped().predict(photo).findings
    truth = np.array([[909.6, 520.5, 935, 550.7]])
    assert iou(box(finding, (1280, 960))[None], truth)[0, 0] > 0.5


def test_profile_in_grey_is_found() -> None:
    best = shipped().predict(np.repeat(data.camera()[..., None], 3, axis=2)).findings[0]
    assert iou(box(best, (512, 512))[None], np.array([[195.0, 115.0, 256.0, 195.0]]))[0, 0] > 0.5


@pytest.mark.parametrize("name", ["chelsea", "coffee", "rocket", "page", "clock", "text"])
def test_pictures_without_people_have_no_faces(name: str) -> None:
    picture = np.asarray(getattr(data, name)())
    picture = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    assert shipped().predict(picture[..., :3].copy()).findings == ()
