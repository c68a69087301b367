"""`manage.py inspect`: the models on local files."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from imaging.gate import REASONS, Eyes
from inspection_platform import inspecting
from tests import media
from tests.models import ChosenEyes, ChosenModel, square


@pytest.fixture
def seeing(monkeypatch: pytest.MonkeyPatch) -> ChosenModel:
    """A model that sees two overlapping pieces of one scratch and a dent."""
    model = ChosenModel(
        lambda _pixels: [square(0.1, 0.2), square(0.12, 0.2, score=0.6), square(0.7, 0.7, label="dent", score=0.55)]
    )
    monkeypatch.setattr(inspecting, "load", lambda _name, *, threads: model)
    monkeypatch.setattr(Eyes, "of", lambda _load: ChosenEyes())
    return model


def run(*arguments: object) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("inspect", *map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_damages_are_printed_with_category_confidence_and_box(tmp_path: Path, seeing: ChosenModel) -> None:
    photo = tmp_path / "car.jpg"
    photo.write_bytes(media.car_photo(seed=1, width=1000, height=800))
    out, err = run(photo)
    assert out.splitlines()[0] == f"{photo} (front left): 2 damages"
    assert out.splitlines()[1].split() == ["areaScratches", "0.80", "120", "x", "80", "px", "at", "100,160"]
    assert out.splitlines()[2].split()[:2] == ["dents", "0.55"]
    assert (err, seeing.asked) == ("", 1)


def test_json_tells_the_same(tmp_path: Path, seeing: ChosenModel) -> None:
    photo = tmp_path / "car.jpg"
    photo.write_bytes(media.car_photo(seed=1, width=1000, height=800))
    (found,) = json.loads(run(photo, "--json")[0])
    assert (found["photo"], found["width"], found["height"], found["flags"]) == (str(photo), 1000, 800, [])
    assert (found["reasons"], found["view"], found["scores"]["vehicle"]) == ([], "front_left", 0.98)
    assert found["damages"][0]["box"] == {"x": 100, "y": 160, "width": 120, "height": 80}
    assert found["damages"][1]["label"] == "dent"


def test_copies_carry_the_outlines_and_originals_stay(tmp_path: Path, seeing: ChosenModel) -> None:
    data = media.car_photo(seed=1)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "car.jpg").write_bytes(data)
    run(tmp_path / "a" / "car.jpg", tmp_path / "b" / "car.jpg", "--out", tmp_path / "a")

    assert (tmp_path / "a" / "car.jpg").read_bytes() == data
    drawn = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert drawn == ["car-2.jpg", "car-3.jpg", "car.jpg"]
    before = np.asarray(Image.open(io.BytesIO(data)), np.int16)
    after = np.asarray(Image.open(tmp_path / "a" / "car-2.jpg"), np.int16)
    x, y = int(0.7 * 1280), int(0.75 * 960)
    assert after[y, x, 0] - before[y, x, 0] > 60  # the left edge of the dent's outline is red
    assert after[y, x, 1] < 110
    assert seeing.asked == 2


def test_photos_that_cannot_be_read_are_named_and_the_others_looked_at(tmp_path: Path, seeing: ChosenModel) -> None:
    good, broken, missing = tmp_path / "good.jpg", tmp_path / "broken.jpg", tmp_path / "missing.jpg"
    good.write_bytes(media.car_photo(seed=2))
    broken.write_bytes(media.truncated(media.car_photo(seed=3)))
    out, err = run(broken, missing, good)
    assert out.startswith(f"{good} (front left): 2 damages")
    assert [line.partition(":")[0] for line in err.splitlines()] == [str(broken), str(missing)]
    assert seeing.asked == 1


def test_nothing_readable_is_a_failure(tmp_path: Path, seeing: ChosenModel) -> None:
    page = tmp_path / "page.jpg"
    page.write_bytes(media.disguised())
    with pytest.raises(CommandError, match="None of the photos could be read"):
        run(page)
    assert seeing.asked == 0


def test_a_black_photo_is_flagged_and_not_shown_to_the_model(tmp_path: Path, seeing: ChosenModel) -> None:
    black = tmp_path / "black.png"
    Image.fromarray(np.zeros((400, 600, 3), np.uint8)).save(black)
    assert run(black)[0].splitlines() == [f"{black}: no damages", f"  {REASONS['black']}"]
    assert seeing.asked == 0


def test_the_shipped_model_looks_at_a_photo_of_any_size(tmp_path: Path) -> None:
    photo = tmp_path / "small.png"
    photo.write_bytes(media.png(320, 200))
    (found,) = json.loads(run(photo, "--json")[0])
    assert found["model"].startswith("damage_detector ")
    assert all(0 < damage["confidence"] <= 1 for damage in found["damages"])
