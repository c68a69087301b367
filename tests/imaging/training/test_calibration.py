"""Chances out of scores: fitted on known ones, told and drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imaging.ml.models.damage_detector import DamageDetector
from imaging.training.calibration import (
    Hits,
    Scores,
    calibration_error,
    chance,
    lines_of,
    logit,
    platt_fit,
    plot_write,
    proposals,
    reliability,
    told,
)
from imaging.training.coco import coco_load
from imaging.training.evaluate import Look, look, photo_level, recall_by_kind
from imaging.training.recipes.damage_detector import calibrated
from tests.imaging.ml.test_damage_detector import BrightNetwork, card
from tests.imaging.training.drawn import set_write
from tests.imaging.training.test_evaluate import two_photos


def drawn_scores(slope: float, offset: float, count: int = 20_000) -> tuple[Scores, Hits]:
    """Scores and hits whose true chance is sigmoid(slope * logit + offset)."""
    rng = np.random.default_rng(4)
    scores = rng.uniform(0.05, 0.95, count)
    return scores, rng.random(count) < chance(scores, slope, offset)


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (2.5, -3.0), (0.4, 1.0)])
def test_a_known_curve_is_found_again(slope: float, offset: float) -> None:
    scores, hits = drawn_scores(slope, offset)
    found = platt_fit(scores, hits)
    assert found == pytest.approx((slope, offset), abs=0.15)
    assert calibration_error(reliability(chance(scores, *found), hits)) < 0.02


def test_calibration_mends_chances_that_are_off() -> None:
    scores, hits = drawn_scores(2.5, -3.0)
    before = calibration_error(reliability(scores, hits))
    assert before > 5 * calibration_error(reliability(chance(scores, *platt_fit(scores, hits)), hits))


@pytest.mark.parametrize("hits", [[True] * 4, [False] * 4, [True, True, False, False]])
def test_what_cannot_be_fitted_stays_as_it_is(hits: list[bool]) -> None:
    assert platt_fit(np.array([0.1, 0.2, 0.8, 0.9]), np.array(hits)) == (1.0, 0.0)


def test_logits_are_finite() -> None:
    assert np.isfinite(logit(np.array([0.0, 1.0, 0.5]))).all()


def test_bins_count_and_the_last_holds_one() -> None:
    rows = reliability(np.array([0.0, 0.05, 0.95, 1.0]), np.array([False, True, True, True]))
    assert [(row.low, row.count, row.observed) for row in rows] == [(0.0, 2, 0.5), (0.9, 2, 1.0)]
    table = told(np.array([0.0, 0.05, 0.95, 1.0]), np.array([False, True, True, True]))
    assert table["proposals"] == 4
    assert table["mean_error"] == pytest.approx((0.475 * 2 + 0.025 * 2) / 4, abs=1e-3)
    assert len(table["bins"]) == 2
    assert len(lines_of(np.array([0.5]), np.array([True]))) == 2


def test_plot_is_drawn_also_of_nothing(tmp_path: Path) -> None:
    scores, hits = drawn_scores(1.0, 0.0, 500)
    sizes = set()
    for name, values in {"some": (scores, hits), "none": (np.zeros(0), np.zeros(0, dtype=bool))}.items():
        plot_write(*values, tmp_path / "deeper" / f"{name}.png")
        with Image.open(tmp_path / "deeper" / f"{name}.png") as picture:
            sizes.add(len(picture.convert("RGB").getcolors(1 << 16) or ()))
    assert min(sizes) > 2


def seen(tmp_path: Path) -> Look:
    return look(DamageDetector(card(), BrightNetwork()), coco_load(two_photos(tmp_path)))


def test_proposals_of_a_look_with_their_hits(tmp_path: Path) -> None:
    scores, hits = proposals(seen(tmp_path))
    assert scores == pytest.approx([0.9] * 3)
    assert sorted(hits) == [False, True, True]
    assert proposals(Look((), 1.0))[0].shape == (0,)


def test_a_calibrated_card_proposes_the_same_at_its_threshold(tmp_path: Path) -> None:
    found = seen(tmp_path)
    thresholds = {"score": 0.5, "grow": 0.3, "floor": 0.5}
    made = calibrated(replace(card(), thresholds=thresholds), [one.judged for one in found.seen], 0.9)
    again = DamageDetector(made, BrightNetwork())
    assert made.thresholds["floor"] <= made.thresholds["score"] <= 1
    for one in found.seen:
        image = np.asarray(Image.open(one.photo.path).convert("RGB"))
        assert len(again.predict(image).findings) == len(one.findings)


def test_photos_with_damage_are_told_from_clean_ones(tmp_path: Path) -> None:
    damaged = seen(tmp_path / "damaged")
    model = DamageDetector(card(), BrightNetwork())
    clean = look(model, coco_load(set_write(tmp_path / "clean", [[], [], [], [(20, 20, 30, 30)]])))
    row = photo_level(damaged, clean, 0.5, 0.25)
    assert (row["damaged"], row["clean"]) == (2, 4)
    assert (row["recall"], row["alarms"]) == (1.0, 0.25)
    assert row["recall_at_alarms"] == 1.0
    # Not one clean photo may alarm: the best of them is the limit, and nothing here is better.
    assert photo_level(damaged, clean, 0.5, 0.0)["recall_at_alarms"] == 0.0
    assert photo_level(damaged, Look((), 1.0), 0.5, 0.1)["clean"] == 0


def test_recall_by_kind_joins_categories(tmp_path: Path) -> None:
    rows = recall_by_kind(seen(tmp_path), 0.5, {"minor-dent": "dent", "minor-scratch": "scratch"})
    assert rows == {"dent": {"labels": 1, "recall": 1.0}, "scratch": {"labels": 2, "recall": 0.5}}
