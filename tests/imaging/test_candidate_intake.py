"""What people upload as a candidate: files that are not what they seem, and cards that do not fit."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from imaging.ml import registry
from imaging.services.candidate_intake import Sent, Unpacked, candidate_unpack
from tenants.errors import Invalid
from tests import candidates

MOST = 60_000_000


def unpack(sent: list[Sent], most: int = MOST) -> Unpacked:
    return candidate_unpack(sent, known_labels=candidates.LABELS, most_bytes=most)


def refused(sent: list[Sent], most: int = MOST) -> str:
    with pytest.raises(Invalid) as refusal:
        unpack(sent, most)
    return refusal.value.message


def one(data: bytes, name: str = "upload.zip") -> list[Sent]:
    return [Sent(name, io.BytesIO(data))]


def whole() -> dict[str, bytes]:
    """Card and files, as they lie in a zip."""
    return {"damage_detector.json": json.dumps(candidates.card()).encode(), **candidates.contents()}


def test_a_card_and_its_file_are_taken() -> None:
    found = unpack(candidates.sent(candidates.card("9.1.0")))
    assert (found.card.name, found.card.version) == ("damage_detector", "9.1.0")
    assert found.contents == candidates.contents()


def test_a_zip_is_taken_apart() -> None:
    assert unpack(one(candidates.zipped(whole()))).contents == candidates.contents()


def test_files_are_told_by_content_whatever_their_names() -> None:
    files = {f"{name} (1)": data for name, data in candidates.contents().items()}
    assert unpack(candidates.sent(candidates.card(), files)).contents == candidates.contents()
    card = Sent("download", io.BytesIO(json.dumps(candidates.card()).encode()))
    assert unpack([card, *candidates.sent(candidates.card())[1:]]).card.version == "9.0.0"


@pytest.mark.parametrize("name", registry.names())
def test_every_released_model_could_come_as_a_candidate(name: str) -> None:
    found = unpack(candidates.sent(candidates.card(name=name), candidates.contents(name)))
    assert found.contents.keys() == {file.path.name for file in registry.card(name).files if file.package is None}


# --- files ---


def test_nothing_is_too_little() -> None:
    assert "Choose a card" in refused([])


def test_a_card_alone_lacks_its_file() -> None:
    assert "damage_detector.tflite is missing" in refused(candidates.sent(candidates.card(), {}))


def test_a_model_alone_lacks_its_card() -> None:
    assert "Send one card" in refused(candidates.sent(candidates.card())[1:])


def test_two_cards_are_one_too_many() -> None:
    sent = candidates.sent(candidates.card())
    assert "only one card" in refused([*sent, Sent("b.json", io.BytesIO(b"{}"))])


@pytest.mark.parametrize(
    "data",
    [b"", b"TFL3", b"\x1c\0\0\0TFL2" + b"\0" * 100, b"\x89PNG\r\n\x1a\n" + b"\0" * 64, b"PK\x03\x04" + b"\0" * 64],
    ids=["empty", "mark at the wrong place", "another mark", "picture", "zip"],
)
def test_what_is_no_tflite_file_is_refused(data: bytes) -> None:
    assert "no TensorFlow Lite file" in refused(candidates.sent(candidates.card(), {"damage_detector.tflite": data}))


def test_another_file_than_the_card_s_is_refused() -> None:
    changed = {name: data[:-1] + b"\x01" for name, data in candidates.contents().items()}
    assert "its sha256 differs" in refused(candidates.sent(candidates.card(), changed))


def test_a_file_that_the_card_does_not_name_is_refused() -> None:
    more = candidates.contents() | {"more.tflite": b"\x1c\0\0\0TFL3 more"}
    assert "does not name more.tflite" in refused(candidates.sent(candidates.card(), more))


def test_too_many_files_are_refused() -> None:
    assert "at most 12 files" in refused([Sent(f"{number}.tflite", io.BytesIO(b"x")) for number in range(13)])


class Endless(io.RawIOBase):
    """A file of 100 MB that is nowhere; tells how much of it was read."""

    def __init__(self) -> None:
        self.told = 0

    def read(self, size: int = -1) -> bytes:
        """The next zeros."""
        assert size >= 0, "nobody reads it to the end"
        size = min(size, 100_000_000 - self.told)
        self.told += size
        return bytes(size)


def test_a_file_of_100_mb_is_refused_before_it_is_read_to_the_end() -> None:
    file = Endless()
    assert "larger than 60 MB" in refused([Sent("big.tflite", file)])  # type: ignore[arg-type]  # it reads like one
    assert file.told <= MOST + 1


# --- zips ---


def test_a_zip_bomb_is_not_unpacked() -> None:
    bomb = candidates.zipped({"damage_detector.json": b"{}", "damage_detector.tflite": bytes(50_000_000)})
    assert len(bomb) < 100_000
    assert "larger than 1 MB" in refused(one(bomb), most=1_000_000)


def test_a_zip_that_lies_about_its_sizes_is_refused() -> None:
    data = bytearray(candidates.zipped({"a.json": b"{}" + b" " * 5000}))
    # The size in the central directory: 24 bytes after its mark (APPNOTE 4.3.12).
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (1).to_bytes(4, "little")
    assert refused(one(bytes(data)))


@pytest.mark.parametrize("name", ["../damage_detector.json", "/etc/x.json", "a/b.json", "a\\b.json", "c:x.json", "a/"])
def test_paths_in_a_zip_are_refused(name: str) -> None:
    assert "without folders" in refused(one(candidates.zipped(whole() | {name: b"{}"})))


def test_a_zip_of_many_files_is_refused() -> None:
    assert "more than 12" in refused(one(candidates.zipped({f"{number}.json": b"" for number in range(13)})))


def test_a_damaged_zip_is_refused() -> None:
    data = candidates.zipped(whole())
    broken = bytearray(data)
    broken[200:400] = bytes(200)
    for one_ in (data[:5000], data[:-30], bytes(broken)):
        assert "zip file is damaged" in refused(one(one_))


def test_an_encrypted_zip_is_refused() -> None:
    data = bytearray(candidates.zipped({"a.json": b"{}"}))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + flags] |= 1
    assert "encrypted" in refused(one(bytes(data)))


def test_a_zip_in_a_zip_is_not_opened() -> None:
    inner = candidates.zipped(whole())
    assert refused(one(candidates.zipped({"inner.zip": inner})))
    with zipfile.ZipFile(io.BytesIO(inner)) as archive:
        assert archive.testzip() is None


# --- cards ---


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", "not JSON"),
        (b"{" + b" " * 1_000_001, "larger than 1 MB"),
        (b'{"a":' * 100_000, "not JSON"),
        (b'{"a":' * 60 + b"1" + b"}" * 60, "nested too deeply"),
        (b'{"name": NaN}', "not JSON"),
        (b'{"name": 1e999}', "not JSON"),
        (b'{"name": "\\u0000"}', "not JSON"),
        (b'{"name": "\\ud800"}', "not JSON"),
        (b'{"name": "\xff"}', "not JSON"),
        (b"{}", "does not tell"),
    ],
)
def test_what_is_no_card_is_refused(data: bytes, words: str) -> None:
    assert words in refused(candidates.sent(data))


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (lambda: candidates.card(failures=[]), "does not tell: failures"),
        (lambda: candidates.card() | {"name": "mind_reader"}, "no model 'mind_reader'"),
        (lambda: candidates.card() | {"name": "../damage_detector"}, "no model"),
        (lambda: candidates.card("version one"), "A version is"),
        (lambda: candidates.card("../../1"), "A version is"),
        (lambda: candidates.card("1" * 41), "A version is"),
        (lambda: candidates.card(labels=["scratch", "unicorn"]), "understands the labels unicorn"),
        (lambda: candidates.card(thresholds={"score": 2}), "thresholds.score"),
        (lambda: candidates.card(thresholds={"grow": 0.5}), "no threshold"),
        (
            lambda: candidates.card(name="view_and_wheels", thresholds={"vehicle": 0.5, "wheel": 0.3}),
            "no threshold “contrary”",
        ),
        (lambda: candidates.card(files=[]), "files must be"),
        (lambda: candidates.card(files=[{**candidates.card()["files"][0], "runtimes": ["tflite"]}]), "no file for"),
        (lambda: candidates.card(files=[{**candidates.card()["files"][0], "file": "../x.tflite"}]), "beside its card"),
        (
            lambda: candidates.card(
                files=[candidates.card()["files"][0], {**candidates.card()["files"][0], "sha256": "0" * 64}]
            ),
            "two checksums",
        ),
    ],
)
def test_a_card_that_does_not_fit_is_refused(card: Any, words: str) -> None:
    assert words in refused(candidates.sent(card()))


def test_models_without_a_crosswalk_keep_their_labels() -> None:
    raw = candidates.card(name="plate_detector", labels=["plate", "sign"])
    assert "labels sign" in refused(candidates.sent(raw, candidates.contents("plate_detector")))
