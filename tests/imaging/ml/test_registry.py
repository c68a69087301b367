"""Every shipped model: its card and one load per process. What its networks answer is in test_every_model."""

from __future__ import annotations

import itertools
import json
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from imaging.ml import registry, runtime
from imaging.ml.card import CardError
from imaging.ml.registry import UnknownModelError
from imaging.training.metrics import iou

MODELS = registry.names()
# The figures of a reader, of boxes, of a mask, and of views.
FIGURES = (
    {"exact", "characters"},
    {"precision", "recall", "AP50", "AP30"},
    {"IoU", "boundary_IoU"},
    {"view", "wheel_recall"},
)


SCRATCH = (200, 220, 350, 260)


def panel() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A painted panel of 640 x 480 pixels with an uneven scratch in the box SCRATCH."""
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[0:480, 0:640]
    paint = 110 + 50 * np.sin(columns / 200 + rows / 300)
    image = np.stack([paint * 0.45, paint * 0.5, paint * 0.95], axis=2)
    path = [(200 + 150 * step, 220 + 40 * step**2 + rng.normal(0, 0.6)) for step in np.linspace(0, 1, 200)]
    canvas = Image.new("L", (640, 480))
    for piece in itertools.pairwise(path):
        ImageDraw.Draw(canvas).line(piece, fill=int(rng.uniform(120, 255)), width=int(rng.integers(2, 5)))
    bare = np.asarray(canvas.filter(ImageFilter.GaussianBlur(0.7)))[..., None] / 255.0
    scratched = image * (1 - bare) + 215 * bare + rng.normal(0, 2, image.shape)
    return np.asarray(np.clip(scratched, 0, 255), dtype=np.uint8)


def test_damage_detector_is_there() -> None:
    assert "damage_detector" in MODELS


@pytest.mark.parametrize("name", MODELS)
def test_card_tells_what_was_measured(name: str) -> None:
    card = registry.card(name)
    assert any(figures <= set(card.raw["metrics"]) for figures in FIGURES)
    assert "pending" not in card.raw["timing"]
    main = card.thresholds["vehicle" if "wheel" in card.labels else "score"]
    assert 0 < main < 1


@pytest.mark.parametrize("name", MODELS)
def test_every_runtime_has_a_file_with_the_right_digest(name: str) -> None:
    card = registry.card(name)
    for one in runtime.installed():
        registry.build(card, runtime=one)


@pytest.mark.parametrize("name", MODELS)
def test_no_file_lies_there_without_a_card(name: str) -> None:
    listed = {file.path.name for file in registry.card(name).files if file.package is None}
    assert {path.name for path in registry.FOLDER.glob(f"{name}*.tflite")} == listed


def test_both_runtimes_are_installed_here() -> None:
    assert set(runtime.installed()) == {"litert", "tflite"}


def test_network_refuses_another_shape() -> None:
    content = registry.card("damage_detector").file_for("tflite").path.read_bytes()
    with pytest.raises(ValueError, match="wants"):
        runtime.Network(content).run(np.zeros((1, 8, 8, 3), dtype=np.float32))


def test_scratch_is_found_where_it_is() -> None:
    prediction = registry.load("damage_detector", threads=1).predict(panel())
    assert prediction.findings
    points = np.asarray(prediction.findings[0].polygon) * (640, 480)
    found = np.concatenate([points.min(axis=0), points.max(axis=0)])
    assert iou(found[None], np.array([SCRATCH], dtype=float))[0, 0] > 0.3


def test_plain_panel_has_no_damage() -> None:
    plain = np.repeat(panel()[:1], 480, axis=0)
    assert registry.load("damage_detector", threads=1).predict(plain).findings == ()


def test_model_is_loaded_once_for_many_threads() -> None:
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(registry.load("damage_detector", threads=1))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(model) for model in found}) == 1


def test_threads_share_a_model_and_get_their_own_answers() -> None:
    model = registry.load("damage_detector", threads=1)
    photos = [panel(), panel()[:, ::-1].copy(), np.full((64, 64, 3), 127, dtype=np.uint8)]
    expected = [model.predict(photo) for photo in photos]
    answers: dict[int, object] = {}

    def work(index: int) -> None:
        answers[index] = model.predict(photos[index % 3])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answers[index] for index in range(6)] == expected + expected


def test_unknown_model_is_refused() -> None:
    with pytest.raises(UnknownModelError):
        registry.load("mind_reader")


def test_exchanged_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in registry.FOLDER.glob("damage_detector*"):
        if path.suffix != ".py":
            shutil.copy(path, tmp_path)
    for path in tmp_path.glob("*.tflite"):
        path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    monkeypatch.setattr(registry, "FOLDER", tmp_path)
    with pytest.raises(CardError, match="sha256 differs"):
        registry.build(registry.card("damage_detector"))


def test_card_of_another_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = json.loads((registry.FOLDER / "damage_detector.json").read_text())
    (tmp_path / "impostor.json").write_text(json.dumps(raw))
    monkeypatch.setattr(registry, "FOLDER", tmp_path)
    with pytest.raises(CardError, match="card of damage_detector"):
        registry.card("impostor")
