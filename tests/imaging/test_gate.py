"""The quality gate: scores, flags and reasons; no flag of the car where nobody looked for one."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage.measure import blur_effect

from imaging.gate import REASONS, Eyes, photo_judge, reasons
from imaging.ops.decode import decode_reduced
from imaging.ops.quality import Quality, blur, measure
from imaging.services.gate import file_judge
from tests import media
from tests.models import ChosenEyes, seen

FINE = Quality(
    width=4000, height=3000, blur=0.3, coarse_blur=0.3, luma_mean=0.5, contrast=0.2, shadows=0.05, highlights=0.95
)
SHARE = st.floats(0, 1)


@pytest.mark.parametrize(
    ("changes", "flags", "view"),
    [
        ({}, (), "front_left"),
        ({"car": None, "vehicle": 0.1, "present": 0.4}, ("no_vehicle",), ""),
        ({"car": (0.1, 0.1, 0.9, 0.9), "vehicle": 0.1, "present": 0.4}, ("no_vehicle",), ""),
        ({"car": None, "vehicle": 0.1}, (), ""),
        ({"present": 0.4}, (), "front_left"),
        ({"car": None, "vehicle": 0.9}, ("car_too_small",), "front_left"),
        ({"car": (0.4, 0.4, 0.6, 0.6)}, ("car_too_small",), "front_left"),
        ({"car": (0.0, 0.2, 0.9, 0.8)}, ("car_cut",), "front_left"),
        ({"car": (0.0, 0.45, 0.2, 0.55)}, ("car_too_small",), "front_left"),
        ({"car": (0.0, 0.3, 0.125, 0.7)}, ("car_too_small", "car_cut"), "front_left"),
        # A close view of a panel: no side of the car is named there.
        ({"car": (0.0, 0.0, 1.0, 1.0), "vehicle": 0.01}, (), ""),
    ],
)
def test_what_is_wrong_with_the_car(changes: dict[str, Any], flags: tuple[str, ...], view: str) -> None:
    said = photo_judge(FINE, seen=seen(**changes))
    assert (said.flags, said.view, said.usable) == (flags, view, True)


def test_a_rig_sees_parts_of_cars() -> None:
    assert photo_judge(FINE, seen=seen(car=(0.0, 0.3, 0.125, 0.7)), is_rig=True).flags == ()
    assert photo_judge(FINE, seen=seen(car=None, vehicle=0.1, present=0.1), is_rig=True).flags == ("no_vehicle",)


def test_another_side_is_said_only_of_a_car() -> None:
    assert photo_judge(FINE, seen=seen(), is_contrary=True).flags == ("wrong_view",)
    assert photo_judge(FINE, seen=seen(vehicle=0.0, present=0.1), is_contrary=True).flags == ("no_vehicle",)


def test_without_models_nothing_is_said_of_a_car() -> None:
    said = photo_judge(FINE)
    assert (said.flags, said.view) == ((), "")
    assert set(said.scores) == {"sharpness", "light", "contrast", "resolution"}


@given(
    st.builds(
        Quality, width=st.integers(1, 9000), height=st.integers(1, 9000), blur=SHARE, coarse_blur=SHARE,
        luma_mean=SHARE, contrast=SHARE, shadows=SHARE, highlights=SHARE,
    ),
    SHARE,
    SHARE,
)  # fmt: skip
def test_scores_are_shares_and_flags_have_reasons(quality: Quality, score: float, vehicle: float) -> None:
    said = photo_judge(quality, seen=seen(present=score, vehicle=vehicle))
    assert all(0 <= value <= 1 for value in said.scores.values())
    assert len(reasons(said.flags)) == len(said.flags)
    assert said.usable is quality.usable


@pytest.mark.parametrize(
    ("change", "score"),
    [({"blur": 0.65}, "sharpness"), ({"luma_mean": 0.15}, "light"), ({"luma_mean": 0.88}, "light"),
     ({"contrast": 0.06}, "contrast"), ({"height": 320}, "resolution")],
)  # fmt: skip
def test_a_score_is_a_half_where_its_flag_begins(change: dict[str, Any], score: str) -> None:
    at_it = replace(FINE, **change)
    assert photo_judge(at_it).scores[score] == pytest.approx(0.5, abs=0.001)
    assert photo_judge(at_it).flags == ()


def test_every_reason_is_a_sentence_or_two() -> None:
    assert all(text[0].isupper() and text.endswith(".") for text in REASONS.values())
    assert reasons(["black", "no word of ours"]) == [REASONS["black"]]


@given(st.integers(4, 60), st.integers(4, 60), st.integers(0, 2**32 - 1))
def test_blur_is_that_of_scikit_image(height: int, width: int, seed: int) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    assert blur(grey) == pytest.approx(blur_effect(grey / 255), abs=1e-5)


def test_a_file_is_judged_as_its_pixels_are() -> None:
    scene = media.scene(2400, 1600, 3)
    file = io.BytesIO()
    Image.fromarray(scene).save(file, "JPEG", quality=92)
    eyes: Any = ChosenEyes()
    said = file_judge(file, eyes=eyes, max_pixels=10_000_000)
    whole = photo_judge(measure(scene), seen=seen())
    assert said.flags == whole.flags == ()
    assert said.scores == pytest.approx(whole.scores, abs=0.08)
    assert eyes.asked == 1


def test_a_black_file_is_not_shown_to_the_models() -> None:
    file = io.BytesIO()
    Image.new("RGB", (800, 600)).save(file, "JPEG")
    eyes: Any = ChosenEyes()
    assert file_judge(file, eyes=eyes, max_pixels=10_000_000).flags == ("black",)
    assert eyes.asked == 0


def test_a_large_jpeg_is_never_decoded_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    file, sizes = io.BytesIO(), []
    Image.new("RGB", (4000, 3000), "navy").save(file, "JPEG")
    original = Image.Image.load

    def load(picture: Image.Image) -> Any:
        sizes.append(picture.size)
        return original(picture)

    monkeypatch.setattr(Image.Image, "load", load)
    decode_reduced(file, max_pixels=20_000_000, max_side=512)
    assert sizes
    assert max(max(size) for size in sizes) <= 512


def test_a_neighbour_at_the_edge_does_not_cut_the_car() -> None:
    coarse = np.zeros((32, 32), np.float32)
    coarse[8:24, 6:24] = 1
    coarse[:, 30:] = 1
    view = replace(seen().view, coarse=coarse)
    side: Any = SimpleNamespace(view=lambda _small: view, name="view_and_wheels", version="1")
    found = Eyes(side).look(media.scene(64, 48))
    assert found.cut == 0
    assert found.area == pytest.approx(16 * 18 / 32**2)
    assert photo_judge(FINE, seen=found).flags == ()
