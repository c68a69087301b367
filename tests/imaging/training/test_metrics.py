"""Matching, curves and average precision against hand-made cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.training.metrics import Judged, at_iou, curve, iou, loose, match

Box = tuple[float, float, float, float]


def judged(boxes: list[Box], scores: list[float], labels: list[Box]) -> Judged:
    return Judged(
        boxes=np.array(boxes, dtype=float).reshape(-1, 4),
        scores=np.array(scores, dtype=float),
        labels=np.array(labels, dtype=float).reshape(-1, 4),
    )


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1.0),
        ((0, 0, 10, 10), (5, 0, 15, 10), 1 / 3),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0.0),
        ((0, 0, 10, 10), (30, 30, 40, 40), 0.0),
        ((0, 0, 0, 0), (0, 0, 0, 0), 0.0),
        ((0, 0, 10, 10), (2, 2, 4, 4), 0.04),
    ],
)
def test_iou_by_table(one: Box, other: Box, expected: float) -> None:
    assert iou(np.array([one], dtype=float), np.array([other], dtype=float))[0, 0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("box", "hit"),
    [
        ((45, 45, 55, 55), True),  # small, centre inside, IoU 0.01
        ((80, 0, 130, 100), True),  # centre outside, IoU 0.15
        ((95, 0, 195, 100), False),  # IoU 0.03, centre outside
        ((0, 0, 400, 400), False),  # the label's centre lies in the box: that does not count
    ],
)
def test_loose_rule_by_table(box: Box, hit: bool) -> None:
    found = match(judged([box], [0.9], [(0, 0, 100, 100)]), loose)
    assert bool(found[0] == 0) == hit


def test_second_proposal_on_a_label_is_a_false_alarm() -> None:
    found = match(judged([(0, 0, 9, 9), (0, 0, 10, 10)], [0.5, 0.9], [(0, 0, 10, 10)]), loose)
    assert found.tolist() == [-1, 0]


def test_each_takes_the_label_it_covers_best() -> None:
    labels: list[Box] = [(0, 0, 10, 10), (4, 0, 14, 10)]
    found = match(judged([(4, 0, 14, 10), (0, 0, 10, 10)], [0.9, 0.8], labels), loose)
    assert found.tolist() == [1, 0]


def test_curve_counts_over_photos() -> None:
    photos = [
        judged([(0, 0, 10, 10), (50, 50, 60, 60)], [0.9, 0.6], [(0, 0, 10, 10)]),
        judged([(0, 0, 10, 10)], [0.7], [(0, 0, 10, 10), (80, 80, 90, 90)]),
        judged([], [], []),
    ]
    found = curve(photos, at_iou(0.5))
    assert found.at(0.95) == (0.0, 0.0, 0.0)
    assert found.at(0.7) == pytest.approx((1.0, 2 / 3, 0.0))
    assert found.at(0.6) == pytest.approx((2 / 3, 2 / 3, 1 / 3))
    assert found.average_precision() == pytest.approx(2 / 3)


def test_average_precision_takes_the_envelope() -> None:
    # Hits at ranks 1 and 3 of two labels: 1 * 0.5 + 2/3 * 0.5.
    boxes: list[Box] = [(0, 0, 10, 10), (50, 50, 60, 60), (80, 80, 90, 90)]
    found = curve([judged(boxes, [0.9, 0.8, 0.7], [boxes[0], boxes[2]])], at_iou(0.5))
    assert found.average_precision() == pytest.approx(0.5 + 1 / 3)


@pytest.mark.parametrize(("allowed", "expected"), [(0.0, 0.9), (0.5, 0.9), (1.0, 0.7), (2.0, 0.6)])
def test_threshold_for_alarms(allowed: float, expected: float) -> None:
    boxes: list[Box] = [(0, 0, 10, 10), (50, 0, 60, 10), (0, 50, 10, 60), (50, 50, 60, 60)]
    found = curve([judged(boxes, [0.9, 0.8, 0.7, 0.6], [boxes[0], boxes[2]])], at_iou(0.5))
    assert found.threshold_for(allowed) == expected


def test_threshold_never_splits_a_tie() -> None:
    boxes: list[Box] = [(0, 0, 10, 10), (50, 0, 60, 10), (0, 50, 10, 60)]
    found = curve([judged(boxes, [0.9, 0.7, 0.7], [boxes[0]])], at_iou(0.5))
    assert found.threshold_for(1.0) == 0.9
    assert found.at(found.threshold_for(1.0))[2] == 0.0


def test_no_good_threshold_is_infinite() -> None:
    assert curve([judged([(0, 0, 1, 1)], [0.9], [])], loose).threshold_for(0.5) == float("inf")


def test_empty_set_is_zero() -> None:
    found = curve([], loose)
    assert found.average_precision() == 0.0
    assert found.at(0.0) == (0.0, 0.0, 0.0)


scored = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90), st.floats(0, 1)), max_size=8)


@given(scored, st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90)), max_size=5), st.floats(0, 3))
def test_curve_keeps_its_promises(
    proposals: list[tuple[int, int, float]], labels: list[tuple[int, int]], allowed: float
) -> None:
    photo = judged(
        [(x, y, x + 10, y + 10) for x, y, _ in proposals],
        [score for *_, score in proposals],
        [(x, y, x + 10, y + 10) for x, y in labels],
    )
    found = curve([photo], loose)
    hits = match(photo, loose)
    taken = hits[hits >= 0]
    assert len(set(taken.tolist())) == len(taken) <= len(labels)
    assert 0.0 <= found.average_precision() <= 1.0 + 1e-9
    assert found.at(found.threshold_for(allowed))[2] <= allowed
