"""`manage.py inspect`: the models on local files."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError
from PIL import Image
from pytest_django import Settings

from imaging.gate import REASONS, Eyes
from imaging.ml import registry
from imaging.services.candidates import model_promote
from inspection_platform import inspecting
from tests import candidates, factories, media
from tests.models import ChosenEyes, ChosenModel, square

pytestmark = pytest.mark.django_db


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
    assert out.splitlines()[3:] == ["Looked with damage_detector test-1, vehicle_mask test-1."]
    assert (err, seeing.asked) == ("", 1)


def test_json_tells_the_same(tmp_path: Path, seeing: ChosenModel) -> None:
    photo = tmp_path / "car.jpg"
    photo.write_bytes(media.car_photo(seed=1, width=1000, height=800))
    (found,) = json.loads(run(photo, "--json")[0])
    assert (found["photo"], found["width"], found["height"], found["flags"]) == (str(photo), 1000, 800, [])
    assert (found["reasons"], found["view"], found["scores"]["vehicle"]) == ([], "front_left", 0.98)
    assert found["damages"][0]["box"] == {"x": 100, "y": 160, "width": 120, "height": 80}
    assert found["damages"][1]["label"] == "dent"
    assert found["models"] == [
        {"name": name, "version": "test-1", "promoted": False} for name in ("damage_detector", "vehicle_mask")
    ]


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
    assert json.loads(run(black, "--json")[0])[0]["models"] == []
    assert seeing.asked == 0


def test_the_shipped_model_looks_at_a_photo_of_any_size(tmp_path: Path) -> None:
    photo = tmp_path / "small.png"
    photo.write_bytes(media.png(320, 200))
    (found,) = json.loads(run(photo, "--json")[0])
    assert found["model"].startswith("damage_detector ")
    assert all(0 < damage["confidence"] <= 1 for damage in found["damages"])


# --- which versions look ---


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "small.png"
    path.write_bytes(media.png(320, 200))
    return path


@pytest.fixture
def promoted(ours: factories.House, own_storage: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Path:
    """A damage model 9.0.0 was promoted here; returns its file in storage."""
    settings.MODEL_CACHE_DIR = own_storage / "copies"
    candidates.no_probe(monkeypatch)
    row = candidates.received(ours.global_admin)
    model_promote(version=row, by=ours.global_admin, reason="better", instead_of=None)
    for copy in settings.MODEL_CACHE_DIR.iterdir():
        copy.unlink()
    return own_storage / str(row.files.get().file.name)


def spoke(photo: Path, *arguments: str) -> dict[str, tuple[str, bool]]:
    (found,) = json.loads(run(photo, "--json", *arguments)[0])
    assert found["model"] == f"damage_detector {found['models'][0]['version']}"
    return {one["name"]: (one["version"], one["promoted"]) for one in found["models"]}


def release(name: str) -> tuple[str, bool]:
    return registry.card(name).version, False


def test_promoted_versions_look_unless_the_release_s_are_asked_for(photo: Path, promoted: Path) -> None:
    found = spoke(photo)
    assert found["damage_detector"] == ("9.0.0", True)
    assert {name: found[name] for name in ("vehicle_mask", "view_and_wheels")} == {
        name: release(name) for name in ("vehicle_mask", "view_and_wheels")
    }
    assert "Looked with damage_detector 9.0.0 (promoted), vehicle_mask " in run(photo)[0]
    assert spoke(photo, "--release") == {name: release(name) for name in found}


def test_a_promoted_version_that_cannot_be_loaded_is_told_with_the_way_out(photo: Path, promoted: Path) -> None:
    promoted.unlink()
    with pytest.raises(CommandError, match=r"promoted version of damage_detector cannot be loaded.*--release"):
        run(photo)
    assert spoke(photo, "--release")["damage_detector"] == release("damage_detector")


def test_a_database_that_cannot_be_asked_keeps_nobody_from_looking(
    photo: Path, seeing: ChosenModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> dict[str, UUID]:
        raise OperationalError("no such\ntable")

    monkeypatch.setattr(inspecting, "promoted_ids", fail)
    out, err = run(photo)
    assert err == "The database cannot be asked (no such table): the models of the release look.\n"
    assert "damage_detector test-1" in out
    assert run(photo, "--release")[1] == ""


@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_without_any_database(photo: Path, tmp_path: Path, where: str) -> None:
    """In a process of its own, as on a machine that has the code and nothing else."""
    missing = tmp_path / "none.sqlite3"
    url = {"sqlite": f"sqlite:///{missing}", "postgres": "postgres://nobody@127.0.0.1:1/none"}[where]
    done = subprocess.run(
        [sys.executable, "manage.py", "inspect", str(photo), "--json"], cwd=settings.BASE_DIR, capture_output=True,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "inspection_platform.settings", "DATABASE_URL": url}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert {one["version"] for one in found["models"] if one["name"] == "damage_detector"} == {
        release("damage_detector")[0]
    }
    assert ("cannot be asked" in done.stderr.decode()) == (where == "postgres")
    assert not missing.exists()
