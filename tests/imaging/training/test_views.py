"""Labels, samples and figures of views and wheels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from imaging.ml.models.view_and_wheels import VIEWS
from imaging.ml.types import Finding, View
from imaging.training import view_photos
from imaging.training.view_photos import CLOSE, Viewed
from imaging.training.view_samples import STRIDE, Source, mirrored, sample_make
from imaging.training.viewed import (
    Seen,
    calibration,
    confusion,
    contrary_least,
    temperature_best,
    view_figures,
    wheel_figures,
)

LABELS = json.loads(view_photos.OURS.read_text(encoding="utf-8"))


def test_our_labels_are_words_we_know() -> None:
    words = {view for photos in LABELS["views"].values() for view in photos.values()}
    assert words == {*VIEWS, CLOSE}


def test_our_wheels_lie_on_the_photos() -> None:
    wheels = [one for photos in LABELS["wheels"].values() for marked in photos.values() for one in marked]
    assert len(wheels) > 400
    assert all(0 <= x <= 1 and 0 <= y <= 1 and 0 < radius < 0.3 for x, y, radius in wheels)


def test_no_photo_is_in_two_splits() -> None:
    root = Path("nowhere")
    splits = [view_photos.train_photos(root), view_photos.choosing_photos(root), view_photos.card_photos(root)]
    paths = [{one.path for one in split} for split in splits]
    assert all(paths)
    assert not paths[0] & paths[1]
    assert not (paths[0] | paths[1]) & paths[2]


def test_photos_of_the_card_with_a_side_are_about_a_hundred() -> None:
    assert len(view_photos.whole(view_photos.card_photos(Path("nowhere")))) >= 100


def test_mirror_image_changes_sides() -> None:
    assert [mirrored(view) for view in ("left", "front_right", "rear", CLOSE)] == ["right", "front_left", "rear", CLOSE]
    assert all(mirrored(mirrored(view)) == view for view in VIEWS)


def source(view: str = "left", wheels: tuple[tuple[float, float, float], ...] | None = ((0.3, 0.7, 0.08),)) -> Source:
    """A photo whose left half is bright, with a dark disc where its tyre is."""
    pixels = np.full((96, 128, 3), 40, dtype=np.uint8)
    pixels[:, :64] = 220
    return Source(Viewed(Path("x"), view, wheels), pixels)


@pytest.mark.parametrize("seed", range(20))
def test_sample_and_its_labels_are_mirrored_together(seed: int) -> None:
    sample = sample_make([source()], np.ones(1), 64, np.random.default_rng(seed))
    assert (sample.image.shape, sample.heat.shape, sample.box.shape) == ((64, 64, 3), (8, 8), (8, 8, 3))
    if sample.view >= 0:
        bright_left = sample.image[:, :16].mean() > sample.image[:, -16:].mean()
        assert VIEWS[sample.view] == ("left" if bright_left else "right")
        peaks = np.argwhere(sample.heat > 0.99)
        assert all((column < 4) == bright_left for _, column in peaks)
    assert sample.vehicle == float(sample.view >= 0)


def test_cell_of_a_tyre_points_to_its_centre() -> None:
    for seed in range(40):
        sample = sample_make([source()], np.ones(1), 64, np.random.default_rng([3, seed]))
        for row, column in np.argwhere(sample.inside > 0):
            right, down, size = sample.box[row, column]
            assert abs(right) < 2
            assert abs(down) < 2
            assert 0.079 < np.exp(size) < 0.15, "a part of the photo shows it larger"
    assert STRIDE == 8


def test_unmarked_wheels_teach_nothing() -> None:
    sample = sample_make([source(wheels=None)], np.ones(1), 64, np.random.default_rng(1))
    assert sample.marked == 0
    assert not sample.inside.any()


def seen(
    true: str, said: str, chance: float = 0.9, wheels: tuple[tuple[float, float], ...] = (), vehicle: float = 0.9
) -> Seen:
    rest = (1 - chance) / 7
    chances = ((said, chance), *((view, rest) for view in VIEWS if view != said))
    boxes = tuple(
        Finding("wheel", 0.9, ((x - 0.05, y - 0.05), (x + 0.05, y - 0.05), (x + 0.05, y + 0.05), (x - 0.05, y + 0.05)))
        for x, y in wheels
    )
    answer = View("m", "1", 100, 100, said, chance, chances, vehicle, boxes)
    return Seen(Viewed(Path("x"), true, ((0.3, 0.7, 0.07), (0.8, 0.7, 0.07))), answer)


def test_figures_of_views() -> None:
    photos = [seen("left", "left"), seen("left", "front_left"), seen("left", "right"), seen(CLOSE, "left", vehicle=0.1)]
    figures = view_figures(photos)
    assert figures["view"] == pytest.approx(1 / 3)
    assert figures["view_within_45"] == pytest.approx(2 / 3)
    assert figures["vehicle"] == 1
    assert confusion(photos) == {"left": {"left": 1, "front_left": 1, "right": 1}}


def test_figures_of_wheels_by_the_length_of_the_car() -> None:
    """Radius 0.07: a car 0.91 of the photo's height long, so 5 % of it are 0.0455."""
    figures = wheel_figures([seen("left", "left", wheels=((0.33, 0.7), (0.9, 0.7), (0.1, 0.1)))])
    assert figures["wheel_recall"] == pytest.approx(1 / 2)
    assert figures["wheel_precision"] == pytest.approx(1 / 3)
    assert wheel_figures([seen("left", "left")])["wheel_recall"] == 0


def test_confidence_that_keeps_its_word_has_no_gap() -> None:
    photos = [seen("left", "left", 0.75)] * 3 + [seen("left", "right", 0.75)]
    told = calibration(photos)
    assert told["expected_gap"] == pytest.approx(0)
    assert told["by_confidence"]["0.7 to 0.8"]["photos"] == 4
    assert calibration([seen("left", "right", 1.0)])["expected_gap"] == pytest.approx(1)


def test_temperature_makes_boasting_modest() -> None:
    boast = np.array([8.0, 0, 0, 0, 0, 0, 0, 0, 0], dtype=np.float32)
    assert temperature_best([(boast, 0), (boast, 4)]) > 2
    assert temperature_best([(boast / 4, 0)] * 5) < 1


def test_nobody_would_be_refused_for_showing_what_was_wanted() -> None:
    assert contrary_least([seen("left", "left", 0.9)]) == 0.8
    assert contrary_least([seen("left", "right", 0.93)]) == 0.98
