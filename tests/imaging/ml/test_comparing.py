"""Two versions on one photo: masks by their overlap, views by the angle between them, wheels as things."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.ml.comparing import MASKS, MASKS_AGREE, THINGS, VIEWS, Sight, masks_iou
from imaging.ml.matching import Pair, Standing
from imaging.ml.model import Model
from imaging.ml.models.vehicle_mask import build
from imaging.ml.models.view_and_wheels import VIEWS as ALL_VIEWS
from imaging.ml.models.view_and_wheels import WHOLE
from imaging.ml.types import Finding, Mask
from tests.imaging.ml.test_vehicle_mask import RedNetwork, card, photo
from tests.models import ChosenModel, square


def mask(*box: float, cells: int = 100, score: float = 0.9) -> Mask:
    """A mask that covers a box (left, top, right, bottom; 0..1), or nothing."""
    soft = np.zeros((cells, cells), np.float32)
    if box:
        left, top, right, bottom = (round(cells * edge) for edge in box)
        soft[top:bottom, left:right] = 0.9
    return Mask("vehicle_mask", "1", 640, 480, soft, score if box else 0.0)


def sight(found: Mask) -> Sight:
    return Sight((square(0.1, 0.1, label="vehicle"),) if found.score else (), found)


def seen(view: str | None, *wheels: float) -> Sight:
    """A view, if one is named, and wheels at these places from the left, the surest first."""
    named = () if view is None else (Finding(view, 0.7, WHOLE),)
    return Sight((*(square(left, 0.6, label="wheel", score=0.9) for left in wheels[:1]), *named,
                  *(square(left, 0.6, label="wheel", score=0.5) for left in wheels[1:])))  # fmt: skip


# --- masks ---


def test_overlap_is_what_both_cover_of_what_either_does() -> None:
    assert masks_iou(mask(0, 0, 0.5, 1), mask(0, 0, 0.5, 1)) == 1
    assert masks_iou(mask(0, 0, 0.5, 1), mask(0.25, 0, 0.75, 1)) == pytest.approx(1 / 3)
    assert masks_iou(mask(0, 0, 0.5, 1), mask(0.5, 0, 1, 1)) == 0
    assert masks_iou(mask(), mask()) == 0


@pytest.mark.parametrize("cells", [50, 192, 640])
def test_masks_of_different_resolution_are_brought_together(cells: int) -> None:
    assert masks_iou(mask(0.2, 0.2, 0.8, 0.8), mask(0.2, 0.2, 0.8, 0.8, cells=cells)) > 0.95


@pytest.mark.parametrize(("right", "standing"), [(0.95, Standing.AGREED), (0.85, Standing.KIND_DIFFERS)])
def test_masks_agree_from_the_limit_on(right: float, standing: Standing) -> None:
    found = MASKS.compare(sight(mask(0, 0, 1, 1)), sight(mask(0, 0, right, 1)))
    assert found.pairs == (Pair(standing, 0, 0),)
    assert found.overlap == pytest.approx(right)
    assert found.overlap is not None
    assert (found.overlap >= MASKS_AGREE) == (standing == Standing.AGREED)


def test_a_vehicle_that_one_alone_sees_is_a_disagreement() -> None:
    some, none = sight(mask(0, 0, 0.5, 1)), sight(mask())
    assert MASKS.compare(some, none).pairs == (Pair(Standing.ONLY_CURRENT, 0, None),)
    assert MASKS.compare(none, some).pairs == (Pair(Standing.ONLY_CANDIDATE, None, 0),)
    assert MASKS.compare(none, none).pairs == ()
    assert MASKS.compare(none, some).overlap is None


def test_the_mask_and_its_outline_come_from_one_look() -> None:
    network = RedNetwork()
    model = build(card(), network)
    found = MASKS.look(cast("Model", model), photo(320, 160, (80, 40, 240, 120)))
    assert network.asked == 1
    assert found.mask is not None
    assert found.findings == model.outline(found.mask)
    assert found.findings[0].label == "vehicle"


# --- views and wheels ---


@pytest.mark.parametrize(
    ("other", "standing"),
    [
        ("front", Standing.AGREED), ("front_left", Standing.NEAR), ("front_right", Standing.NEAR),
        ("left", Standing.KIND_DIFFERS), ("rear", Standing.KIND_DIFFERS),
    ],
)  # fmt: skip
def test_views_are_the_same_or_near_or_others(other: str, standing: Standing) -> None:
    assert VIEWS.compare(seen("front"), seen(other)).pairs == (Pair(standing, 0, 0),)


def test_a_car_that_one_alone_sees_is_a_disagreement() -> None:
    assert VIEWS.compare(seen("front"), seen(None)).pairs == (Pair(Standing.ONLY_CURRENT, 0, None),)
    assert VIEWS.compare(seen(None), seen("front")).pairs == (Pair(Standing.ONLY_CANDIDATE, None, 0),)
    assert VIEWS.compare(seen(None), seen(None)).pairs == ()


def test_wheels_are_matched_apart_from_the_view() -> None:
    # The surest wheel comes before the view on one side, and there is none on the other's right.
    found = VIEWS.compare(seen("left", 0.1, 0.7), seen("left", 0.11))
    assert found.pairs == (
        Pair(Standing.AGREED, 1, 1), Pair(Standing.AGREED, 0, 0), Pair(Standing.ONLY_CURRENT, 2, None),
    )  # fmt: skip
    assert (found.wheels_agreed, found.wheels_alone) == (1, 1)


def test_a_view_is_never_taken_for_a_wheel() -> None:
    """Its outline is the whole photo, in which every wheel lies."""
    found = VIEWS.compare(seen("left"), seen(None, 0.4))
    assert [pair.standing for pair in found.pairs] == [Standing.ONLY_CURRENT, Standing.ONLY_CANDIDATE]
    assert (found.wheels_agreed, found.wheels_alone) == (0, 1)


_places = st.sampled_from([0.0, 0.05, 0.1, 0.15, 0.3, 0.5, 0.9])
_sights = st.builds(seen, st.none() | st.sampled_from(ALL_VIEWS), _places, _places)


@given(_sights, _sights)
def test_each_finding_stands_in_exactly_one_pair(current: Sight, candidate: Sight) -> None:
    found = VIEWS.compare(current, candidate)
    places: Any = [[getattr(pair, side) for pair in found.pairs] for side in ("current", "candidate")]
    for side, whole in zip(places, (current, candidate), strict=True):
        assert sorted(place for place in side if place is not None) == list(range(len(whole.findings)))
    wheels = sum(finding.label == "wheel" for finding in (*current.findings, *candidate.findings))
    assert 2 * found.wheels_agreed + found.wheels_alone == wheels
    alike = VIEWS.compare(current, current)
    assert {pair.standing for pair in alike.pairs} <= {Standing.AGREED} or _is_doubled(current)


def _is_doubled(found: Sight) -> bool:
    """Whether two wheels lie so near that either could be the other."""
    lefts = [finding.polygon[0][0] for finding in found.findings if finding.label == "wheel"]
    return len(lefts) == 2 and abs(lefts[0] - lefts[1]) < 0.11


def test_things_are_what_a_model_says() -> None:
    model = ChosenModel(lambda _image: [square(0.1, 0.1)])
    assert THINGS.look(cast("Model", model), photo(64, 64)).findings == (square(0.1, 0.1),)
