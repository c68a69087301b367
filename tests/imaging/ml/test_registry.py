"""Every shipped model: its card, its file's digest, one load per process, equal outputs on both runtimes."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imaging.ml import registry, runtime
from imaging.ml.card import CardError
from imaging.ml.registry import UnknownModelError

MODELS = registry.names()


def panel(width: int = 700, height: int = 500) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A painted panel with a bright scratch on it."""
    rows, columns = np.mgrid[0:height, 0:width]
    paint = 90 + 30 * np.sin(columns / 120) + rows / 20
    image = np.stack([paint * 0.5, paint * 0.6, paint * 1.2], axis=2)
    image[200:206, 150:330] = 235
    return np.asarray(image, dtype=np.uint8)


def test_damage_detector_is_there() -> None:
    assert "damage_detector" in MODELS


@pytest.mark.parametrize("name", MODELS)
def test_card_tells_what_was_measured(name: str) -> None:
    card = registry.card(name)
    assert {"precision", "recall", "AP50", "AP30", "alarms_per_image"} <= set(card.raw["metrics"])
    assert "pending" not in card.raw["timing"]
    assert 0 < card.thresholds["score"] < 1


@pytest.mark.parametrize("name", MODELS)
def test_every_runtime_has_a_file_with_the_right_digest(name: str) -> None:
    card = registry.card(name)
    for one in runtime.installed():
        registry.build(card, runtime=one)


@pytest.mark.parametrize("name", MODELS)
def test_no_file_lies_there_without_a_card(name: str) -> None:
    listed = {file.path.name for file in registry.card(name).files}
    assert {path.name for path in registry.FOLDER.glob(f"{name}*.tflite")} == listed


def test_both_runtimes_are_installed_here() -> None:
    assert set(runtime.installed()) == {"litert", "tflite"}


@pytest.mark.parametrize("name", MODELS)
def test_both_runtimes_see_the_same(name: str) -> None:
    """The file that both may run gives equal numbers on both."""
    card = registry.card(name)
    content = card.file_for("tflite").path.read_bytes()
    networks = [runtime.Network(content, runtime=one) for one in ("litert", "tflite")]
    side = networks[0].input_shape[1]
    batch = np.resize(panel(), (1, side, side, 3)).astype(np.float32)
    one, other = (network.run(batch) for network in networks)
    assert one.std() > 0
    np.testing.assert_allclose(one, other, atol=2e-3)


def test_network_refuses_another_shape() -> None:
    content = registry.card("damage_detector").file_for("tflite").path.read_bytes()
    with pytest.raises(ValueError, match="wants"):
        runtime.Network(content).run(np.zeros((1, 8, 8, 3), dtype=np.float32))


def test_damage_is_found_on_a_scratched_panel_and_places_fit() -> None:
    prediction = registry.load("damage_detector", threads=1).predict(panel())
    assert prediction.findings
    assert all(len(finding.polygon) >= 3 for finding in prediction.findings)
    left, right = (
        edge(value[0] for finding in prediction.findings for value in finding.polygon) for edge in (min, max)
    )
    assert left < 330 / 700
    assert right > 150 / 700


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
