"""Many photos matched together give what each gives by itself."""

from __future__ import annotations

import json
import random

import numpy as np

from damages.matched_photos import MatchedPhotos, boxes_of_texts
from imaging.ml.matching import assign, boxes_around, loose

Outline = list[list[float]]


def outline(source: random.Random) -> Outline:
    left, top = source.uniform(0, 0.8), source.uniform(0, 0.8)
    return [[left + source.uniform(0, 0.2), top + source.uniform(0, 0.2)] for _ in range(source.randint(3, 9))]


def test_texts_give_the_same_boxes_as_lists() -> None:
    source = random.Random(1)
    outlines = [outline(source) for _ in range(50)] + [[[0, 1], [1, 1e-7], [1, 0]]]
    assert np.array_equal(boxes_of_texts([json.dumps(one) for one in outlines]), boxes_around(outlines))


def test_each_photo_is_matched_by_itself() -> None:
    source = random.Random(2)
    photos: MatchedPhotos[int, tuple[int, int]] = MatchedPhotos()
    expected: dict[tuple[int, int], bool] = {}
    for photo in range(150):
        wanted = [outline(source) for _ in range(source.randint(1, 4))]
        offered = [(source.random(), outline(source)) for _ in range(source.randint(0, 4))]
        for place, one in enumerate(wanted):
            photos.want(photo, (photo, place), json.dumps(one))
        for score, one in offered:
            photos.offer(photo, score, json.dumps(one))
        scores = np.array([score for score, _ in offered], dtype=np.float64)
        hits = set(assign(boxes_around([one for _, one in offered]), scores, boxes_around(wanted), loose).tolist())
        expected |= {(photo, place): place in hits for place in range(len(wanted))}
    assert dict(photos.results()) == expected
    assert set(expected.values()) == {True, False}


def test_findings_where_nothing_is_wanted_are_forgotten() -> None:
    photos: MatchedPhotos[int, str] = MatchedPhotos()
    photos.want(1, "scratch", json.dumps([[0.1, 0.1], [0.2, 0.2]]))
    photos.offer(2, 0.9, json.dumps([[0.1, 0.1], [0.2, 0.2]]))
    assert list(photos) == [1]
    assert list(photos.results()) == [("scratch", False)]
