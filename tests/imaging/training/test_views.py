"""Labels, samples and figures of views and wheels."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imaging.ml.models.view_and_wheels import VIEWS
from imaging.ml.types import Finding, View
from imaging.training import view_photos
from imaging.training.mask_photos import Masked
from imaging.training.mask_samples import Sources
from imaging.training.view_photos import CLOSE, NOTHING, Viewed, viewed_read
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


def test_our_parts_without_a_vehicle_are_parts_of_labelled_photos() -> None:
    parts = [(name, file, part) for name, files in LABELS["beside"].items() for file, part in files.items()]
    assert len(parts) > 100
    for name, file, (left, top, right, bottom) in parts:
        assert file in LABELS["views"][name]
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1


def test_only_the_part_is_read(tmp_path: Path) -> None:
    pixels = photo_of(10).copy()
    pixels[:48, :64] = 250
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (viewed_read(Viewed(tmp_path / "a.png", NOTHING, (), (0.0, 0.0, 0.5, 0.5))) == 250).all()
    assert viewed_read(Viewed(tmp_path / "a.png", "left", None)).shape == (96, 128, 3)


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
    assert not sample.known.any(), "nobody asked vehicle_mask about this photo"


def masked_photo() -> Masked:
    """A photo whose middle is the car."""
    mask = np.zeros((96, 128), dtype=np.float32)
    mask[24:72, 32:96] = 1
    pixels = np.where(mask[..., None] > 0, 200, 60).astype(np.uint8).repeat(3, axis=2)
    return Masked("x", pixels, mask, np.ones_like(mask))


def test_a_composed_sample_knows_the_car_and_no_side() -> None:
    masked = Sources([masked_photo()], [], [photo_of(120)], [photo_of(30)])
    made = [sample_make([source()], np.ones(1), 64, np.random.default_rng([5, n]), masked=masked) for n in range(200)]
    composed = [one for one in made if one.vehicle < 0 or (one.present == 0 and one.marked == 0)]
    assert len(composed) > 8
    assert all(one.view == -1 and one.marked == 0 for one in composed)
    assert any(one.present == 1 and one.car.max() > 0.9 for one in composed)
    assert any(one.present == 0 and not one.car.any() for one in composed)
    assert {one.car.shape for one in made} == {one.known.shape for one in made} == {(8, 8)}


def photo_of(grey: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.full((96, 128, 3), grey, dtype=np.uint8)


def test_a_part_without_a_vehicle_says_so_everywhere() -> None:
    nothing = Source(Viewed(Path("x"), NOTHING, ()), photo_of(90))
    for seed in range(10):
        sample = sample_make([nothing], np.ones(1), 64, np.random.default_rng(seed))
        assert (sample.view, sample.vehicle, sample.present, sample.marked) == (-1, 0, 0, 1)
        assert sample.known.all()
        assert not sample.car.any()


def test_the_car_is_told_where_the_mask_is_sure_and_mirrored_with_the_photo() -> None:
    car = np.zeros((96, 128), dtype=np.uint8)
    car[:, :64] = 255
    car[:, 64:80] = 128
    known = replace(source(), car=car)
    for seed in range(20):
        sample = sample_make([known], np.ones(1), 64, np.random.default_rng(seed))
        if sample.view >= 0:
            assert (sample.car[:, 0].mean() > 0.9) == (VIEWS[sample.view] == "left")
            assert sample.present == 1
            edge = np.abs(sample.car - 0.5) < 0.01
            assert not sample.known[edge].any(), "all of these cells are what the mask is not sure of"
            assert sample.known[:, [0, -1]].all()


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
    true: str,
    said: str,
    chance: float = 0.9,
    wheels: tuple[tuple[float, float], ...] = (),
    vehicle: float = 0.9,
    present: float = 0.9,
) -> Seen:
    rest = (1 - chance) / 7
    chances = ((said, chance), *((view, rest) for view in VIEWS if view != said))
    boxes = tuple(
        Finding("wheel", 0.9, ((x - 0.05, y - 0.05), (x + 0.05, y - 0.05), (x + 0.05, y + 0.05), (x - 0.05, y + 0.05)))
        for x, y in wheels
    )
    answer = View("m", "1", 100, 100, said, chance, chances, vehicle, boxes, present, np.zeros((4, 4), np.float32))
    return Seen(Viewed(Path("x"), true, ((0.3, 0.7, 0.07), (0.8, 0.7, 0.07))), answer)


def test_figures_of_views() -> None:
    photos = [seen("left", "left"), seen("left", "front_left"), seen("left", "right"), seen(CLOSE, "left", vehicle=0.1)]
    others = [seen(NOTHING, "left", vehicle=0.1, present=there) for there in (0.2, 0.7)]
    figures = view_figures([*photos, *others])
    assert (figures["present"], figures["absent"]) == (1, 0.5)
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
