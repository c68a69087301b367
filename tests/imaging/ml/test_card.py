"""A card that leaves something out, or a file that is not its own, is refused with the reason."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from imaging.ml import card as cards
from imaging.ml.card import CardError, card_parse, card_read, file_check

CONTENT = b"weights"


def document() -> dict[str, Any]:
    return {
        "name": "thing_detector",
        "version": "1.2.0",
        "title": "Things",
        "input": "photo",
        "output": "findings",
        "labels": ["thing", "other"],
        "thresholds": {"score": 0.4},
        "parameters": {"zoom": 1.5},
        "files": [
            {
                "file": "thing.int8.tflite",
                "sha256": "0" * 64,
                "precision": "int8",
                "runtimes": ["litert"],
            },
            {
                "file": "thing.tflite",
                "sha256": hashlib.sha256(CONTENT).hexdigest(),
                "precision": "float16",
                "runtimes": ["litert", "tflite"],
            },
        ],
        "training": {"seed": 1},
        "metrics": {"recall": 0.5},
        "timing": {"litert": 50},
        "failures": ["dents in the dark"],
    }


def test_good_card_is_parsed(tmp_path: Path) -> None:
    card = card_parse(document(), tmp_path)
    assert (card.name, card.version, card.labels) == ("thing_detector", "1.2.0", ("thing", "other"))
    assert card.thresholds == {"score": 0.4}
    assert card.sha256 == "0" * 64
    assert card.raw["metrics"] == {"recall": 0.5}


def test_file_is_chosen_by_runtime(tmp_path: Path) -> None:
    card = card_parse(document(), tmp_path)
    assert card.file_for("litert").precision == "int8"
    assert card.file_for("tflite").precision == "float16"
    with pytest.raises(CardError, match="no file for the runtime onnx"):
        card.file_for("onnx")


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("name",), "", "name must be a text"),
        (("version",), 3, "version must be a text"),
        (("title",), "", "does not tell: title"),
        (("metrics",), {}, "does not tell: metrics"),
        (("failures",), None, "does not tell: failures"),
        (("labels",), [], "labels must be a list"),
        (("labels",), ["a", "a"], "labels must differ"),
        (("thresholds", "score"), 1.5, r"thresholds.score must be a number from 0.0 to 1.0"),
        (("thresholds", "score"), True, "thresholds.score must be a number"),
        (("parameters",), [1], "parameters must be an object"),
        (("files",), [], "files must be a list"),
        (("files", 0), "thing.tflite", "a file is an object"),
        (("files", 0, "file"), "../thing.tflite", "lies beside its card"),
        (("files", 0, "sha256"), "abc", "64 hexadecimal"),
        (("files", 0, "precision"), "int4", "precision must be one of"),
        (("files", 0, "runtimes"), ["onnx"], "runtimes must be some of"),
        (("files", 0, "runtimes"), [], "runtimes must be some of"),
        (("files", 0, "part"), "", "part must be a text"),
        (("files", 0, "part"), "a b", "not the name of a part"),
        (("files", 0, "package"), "", "package must be a text"),
        (("files", 0, "package"), "..", "not the name of a package"),
        (("files", 0, "package"), "@scope/../weights", "not the name of a package"),
        (("files", 0, "package"), "@scope", "not the name of a package"),
        (("files", 0, "package"), "/weights", "not the name of a package"),
        (("files", 0, "package"), "@scope/weights", "package_version must be a text"),
    ],
)
def test_bad_card_is_refused(path: tuple[Any, ...], value: object, reason: str, tmp_path: Path) -> None:
    raw = copy.deepcopy(document())
    place: Any = raw
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(CardError, match=reason):
        card_parse(raw, tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '"card"'])
def test_what_is_no_card_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_text(text)
    with pytest.raises(CardError):
        card_read(path)


def test_missing_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="nowhere"):
        card_read(tmp_path / "nowhere.json")


def test_file_is_checked_against_its_digest(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(json.dumps(document()))
    file = card_read(tmp_path / "card.json").file_for("tflite")
    with pytest.raises(CardError, match="cannot be read"):
        file_check(file)
    file.path.write_bytes(CONTENT)
    assert file_check(file) == CONTENT
    file.path.write_bytes(CONTENT + b"!")
    with pytest.raises(CardError, match="sha256 differs"):
        file_check(file)


def packaged() -> dict[str, Any]:
    """A card whose second file belongs to a package."""
    raw = document()
    raw["files"][1] |= {"package": "@scope/weights", "package_version": "1.2.3"}
    return raw


def test_file_of_a_package_lies_in_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "PACKAGES", tmp_path / "node_modules")
    file = card_parse(packaged(), tmp_path / "models").file_for("tflite")
    assert file.path == tmp_path / "node_modules" / "@scope" / "weights" / "thing.tflite"
    assert file.package == "@scope/weights@1.2.3"
    file.path.parent.mkdir(parents=True)
    file.path.write_bytes(CONTENT)
    assert file_check(file) == CONTENT


def test_missing_package_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "PACKAGES", tmp_path)
    with pytest.raises(CardError, match=r"@scope/weights@1\.2\.3: run make setup"):
        file_check(card_parse(packaged(), tmp_path).file_for("tflite"))


def test_file_is_chosen_by_part(tmp_path: Path) -> None:
    raw = document()
    assert card_parse(raw, tmp_path).parts == ()
    raw["files"][0] |= {"part": "check"}
    card = card_parse(raw, tmp_path)
    assert card.parts == ("check",)
    assert card.file_for("litert").precision == "float16"
    assert card.file_for("litert", "check").precision == "int8"
    with pytest.raises(CardError, match="runtime tflite and the part check"):
        card.file_for("tflite", "check")


def test_packages_lie_where_the_lock_file_is() -> None:
    assert (cards.PACKAGES.parent / "package-lock.json").is_file()
