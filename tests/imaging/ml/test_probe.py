"""Trying a file in a process of its own: what works, what is refused, what crashes or hangs."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imaging.ml.probe import probe, shapes_differ
from tests import candidates

Placed = Callable[..., Path]


@pytest.fixture
def placed(tmp_path: Path) -> Placed:
    """A card with its files in a folder; `model` replaces the bytes of all of them."""

    def place(card: dict[str, Any], model: bytes | None = None) -> Path:
        for name, data in candidates.contents(card["name"]).items():
            (tmp_path / name).write_bytes(data if model is None else model)
        if model is not None:
            for file in card["files"]:
                file["sha256"] = hashlib.sha256(model).hexdigest()
        path = tmp_path / "card.json"
        path.write_text(json.dumps(card))
        return path

    return place


def test_a_released_model_works(placed: Placed) -> None:
    found = probe(placed(candidates.card()), seconds=240)
    assert found.fault == ""
    assert found.seconds > 0


@pytest.mark.parametrize(
    ("other", "words"),
    [
        pytest.param("plate_detector", "shapes", id="another model's map"),
        pytest.param("plate_reader", "shapes", id="a reader's line"),
    ],
)
def test_a_network_of_other_shapes_is_refused(placed: Placed, other: str, words: str) -> None:
    model = next(iter(candidates.contents(other).values()))
    found = probe(placed(candidates.card(), model), seconds=240)
    assert words in found.fault


def test_fewer_labels_than_channels_are_refused(placed: Placed) -> None:
    found = probe(placed(candidates.card(labels=["scratch", "dent"])), seconds=240)
    assert "no channels for the labels" in found.fault


def test_a_card_without_what_the_code_needs_is_refused(placed: Placed) -> None:
    parameters = {name: value for name, value in candidates.card()["parameters"].items() if name != "stride"}
    found = probe(placed(candidates.card(parameters=parameters)), seconds=240)
    assert found.fault == "The card lacks 'stride', which the model's code needs."


def damaged() -> list[Any]:
    whole = next(iter(candidates.contents().values()))
    return [
        pytest.param(whole[: len(whole) // 2], id="truncated"),
        pytest.param(whole[:40], id="only its beginning"),
        pytest.param(whole[:8] + os.urandom(200_000), id="noise after the mark"),
        pytest.param(b"\xff\xff\xff\x7fTFL3" + b"\xff" * 4096, id="offsets out of the file"),
    ]


@pytest.mark.parametrize("model", damaged())
def test_a_damaged_file_takes_only_its_own_process_along(placed: Placed, model: bytes) -> None:
    assert probe(placed(candidates.card(), model), seconds=240).fault


def child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str) -> None:
    """Put a program in the place of the interpreter."""
    program = tmp_path / "child"
    program.write_text(f"#!{sys.executable}\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


def test_a_model_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    child(monkeypatch, tmp_path, "import time; time.sleep(600)")
    assert "did not answer within" in probe(tmp_path / "card.json", seconds=1).fault


def test_a_crash_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    child(monkeypatch, tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert "SIGSEGV" in probe(tmp_path / "card.json", seconds=30).fault


def test_the_child_knows_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY", "hidden")
    body = "import json, os; print('noise'); print(json.dumps({'fault': ' '.join(os.environ), 'seconds': 0}))"
    child(monkeypatch, tmp_path, body)
    said = probe(tmp_path / "card.json", seconds=30).fault
    assert "OMP_NUM_THREADS" in said
    assert "SECRET_KEY" not in said


def test_a_child_that_says_nonsense_is_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    child(monkeypatch, tmp_path, "import sys; print('[]'); sys.exit('out of luck')")
    assert "out of luck" in probe(tmp_path / "card.json", seconds=30).fault


class Shaped:
    """A network's shapes alone."""

    def __init__(self, given: tuple[int, ...], *made: tuple[int, ...]) -> None:
        self.input_shape = given
        self.output_shapes = made


KNOWN = Shaped((1, 64, 64, 3), (1, 16, 16, 4))


@pytest.mark.parametrize(
    ("network", "more", "words"),
    [
        (Shaped((1, 64, 64, 3), (1, 16, 16, 4)), 0, ""),
        (Shaped((1, 96, 128, 3), (1, 24, 32, 4)), 0, ""),
        (Shaped((1, 64, 64, 3), (1, 16, 16, 5)), 1, ""),
        (Shaped((1, 64, 64, 1), (1, 16, 16, 4)), 0, "input"),
        (Shaped((2, 64, 64, 3), (2, 16, 16, 4)), 0, "input"),
        (Shaped((64, 64, 3), (1, 16, 16, 4)), 0, "input"),
        (Shaped((1, 64, 64, 3), (1, 16, 16, 4), (1, 2)), 0, "2 outputs"),
        (Shaped((1, 64, 64, 3), (1, 32, 32, 4)), 0, "output"),
        (Shaped((1, 64, 64, 3), (1, 16, 16, 5)), 0, "output"),
        (Shaped((1, 64, 64, 3), (1, 256, 4)), 0, "output"),
        (Shaped((1, 64, 64, 3), (1, 16, 16, 4)), 1, "no channels"),
        (Shaped((1, 64, 64, 3), (1, 16, 16, 9)), 1, "output"),
    ],
)
def test_shapes_by_table(network: Any, more: int, words: str) -> None:
    reason = shapes_differ(network, KNOWN, more=more)  # type: ignore[arg-type]  # shapes are all that is looked at
    assert words in reason
    assert bool(reason) == bool(words)
