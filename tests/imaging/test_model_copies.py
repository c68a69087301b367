"""Copies of models on a machine: which the clean-up takes, which it leaves, and what a worker does about it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from imaging.ml import registry
from imaging.ml.card import CardError, ModelFile, file_check
from imaging.models import ModelVersion
from imaging.services import model_files
from imaging.services.candidates import candidate_drop, model_promote, shadow_end, shadow_start
from imaging.services.model_files import card_local
from imaging.services.model_versions import load, version_load
from inspection_platform.cleanup import STEPS
from tenants.models import User
from tests import candidates, factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage")]

DAYS = timedelta(days=1)


@pytest.fixture
def copies(settings: Settings, tmp_path: Path) -> Path:
    """An empty place for copies, and a process that has loaded nothing."""
    settings.MODEL_CACHE_DIR = tmp_path / "copies"
    registry._loaded.forget()
    return tmp_path / "copies"


@pytest.fixture
def row(ours: factories.House, copies: Path, monkeypatch: pytest.MonkeyPatch) -> ModelVersion:
    """A candidate whose copy is here, as after a look in shadow that is over."""
    candidates.no_probe(monkeypatch)
    row = shadow_start(version=candidates.received(ours.global_admin), tenants=[], for_all=True, by=ours.global_admin)
    return shadow_end(version=row, by=ours.global_admin)


@pytest.fixture
def admin(ours: factories.House) -> User:
    return ours.global_admin


def aged(folder: Path, days: float) -> None:
    """All that lies there was asked for last so many days ago."""
    then = (timezone.now() - days * DAYS).timestamp()
    for path in folder.iterdir():
        os.utime(path, (then, then))


def touched(row: ModelVersion, days: float) -> None:
    """The last thing was done with the version so many days ago."""
    ModelVersion.objects.filter(pk=row.pk).update(modified_at=timezone.now() - days * DAYS)


def cleaned(*, dry_run: bool = False) -> int:
    """How many copies the daily clean-up takes."""
    step: Callable[..., int] = dict(STEPS)["copies of models that no version needs, on this machine"]
    return step(timezone.now(), dry_run)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.django_db(transaction=True)
def test_a_dropped_version_s_copy_goes(row: ModelVersion, admin: User, copies: Path) -> None:
    candidate_drop(version=row, by=admin, reason="worse")
    assert cleaned() == 0, "a worker may be about to read it"
    aged(copies, 2)
    assert cleaned(dry_run=True) == 1
    assert names(copies) == [f"{row.sha256}.tflite"]
    assert cleaned() == 1
    assert names(copies) == []
    assert cleaned() == 0


@pytest.mark.parametrize("stands", ["current", "shadow"])
def test_what_speaks_or_looks_in_shadow_stays_for_ever(
    row: ModelVersion, admin: User, copies: Path, stands: str
) -> None:
    if stands == "current":
        model_promote(version=row, by=admin, reason="better", instead_of=None)
    else:
        shadow_start(version=row, tenants=[], for_all=True, by=admin)
    touched(row, 400)
    aged(copies, 400)
    assert cleaned() == 0
    assert names(copies) == [f"{row.sha256}.tflite"]


def test_what_was_rolled_back_long_ago_goes_and_comes_again_when_wanted(
    row: ModelVersion, admin: User, copies: Path
) -> None:
    row = model_promote(version=row, by=admin, reason="better", instead_of=None)
    model_promote(version=_released(), by=admin, reason="worse", instead_of=row.pk)
    aged(copies, 40)
    assert cleaned() == 0, "it was rolled back just now"
    touched(row, 31)
    assert cleaned() == 1
    model_promote(version=row, by=admin, reason="better after all", instead_of=None)
    assert load("damage_detector", threads=1).version == "9.0.0"
    assert names(copies) == [f"{row.sha256}.tflite"]


def _released() -> ModelVersion:
    return ModelVersion.objects.get(version=registry.card("damage_detector").version)


def test_a_file_that_two_versions_share_stays_for_the_other(row: ModelVersion, admin: User, copies: Path) -> None:
    other = candidates.received(admin, "9.1.0")
    model_promote(version=other, by=admin, reason="better", instead_of=None)
    candidate_drop(version=row, by=admin, reason="worse")
    aged(copies, 2)
    assert cleaned() == 0


def test_asking_for_a_copy_keeps_it(row: ModelVersion, copies: Path) -> None:
    touched(row, 31)
    aged(copies, 2)
    card_local(row)
    assert cleaned() == 0
    aged(copies, 2)
    assert cleaned() == 1


def test_a_copy_asked_for_while_the_clean_up_looks_stays(
    row: ModelVersion, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched(row, 31)
    aged(copies, 2)
    needed = model_files._needed

    def ask_meanwhile(*, since: datetime) -> set[str]:
        card_local(row)
        return needed(since=since)

    monkeypatch.setattr(model_files, "_needed", ask_meanwhile)
    cleaned()
    assert names(copies) == [f"{row.sha256}.tflite"]


def test_a_worker_whose_copy_goes_before_it_is_read_asks_again(
    row: ModelVersion, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Path] = []

    def take_first(file: ModelFile) -> bytes:
        if not taken:
            taken.append(file.path)
            file.path.unlink()
        return file_check(file)

    monkeypatch.setattr("imaging.ml.registry.file_check", take_first)
    assert version_load("damage_detector", row.pk, threads=1).version == "9.0.0"
    assert taken == [copies / f"{row.sha256}.tflite"]


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_had_is_an_error_all_the_same(row: ModelVersion, admin: User, copies: Path) -> None:
    candidate_drop(version=row, by=admin, reason="worse")
    with pytest.raises(CardError, match="was not uploaded"):
        version_load("damage_detector", row.pk, threads=1)


def test_a_loaded_model_goes_on_without_its_copy(row: ModelVersion, copies: Path) -> None:
    before = version_load("damage_detector", row.pk, threads=1)
    touched(row, 31)
    aged(copies, 2)
    assert cleaned() == 1
    assert version_load("damage_detector", row.pk, threads=1) is before


def test_only_what_is_ours_goes(copies: Path) -> None:
    assert cleaned() == 0, "there is no such folder yet"
    copies.mkdir()
    cut_off = "tmpabcdefgh.part"
    for name in (cut_off, f"{'0' * 64}.tflite", "notes.txt", "model.tflite"):
        (copies / name).write_bytes(b"x")
    assert cleaned() == 0
    aged(copies, 2)
    assert cleaned() == 2
    assert names(copies) == ["model.tflite", "notes.txt"]
