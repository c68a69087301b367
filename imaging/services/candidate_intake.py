"""What people upload as a candidate: files of unknown kind, taken apart and judged before anything is loaded."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, NoReturn

from imaging.ml import registry, runtime
from imaging.ml.card import Card, CardError, ModelFile, card_parse
from tenants.errors import Invalid

#: A flatbuffer names its kind from its fifth byte on (FlatBuffers, "File identification"; the TFLite schema: TFL3).
_TFLITE: Final = b"TFL3"
_TFLITE_AT: Final = slice(4, 8)
_ZIP: Final = b"PK\x03\x04"
#: Files in one upload: a card, and a model's parts in several number formats.
_MOST_FILES: Final = 12
_MOST_CARD_BYTES: Final = 1_000_000
#: Thresholds that trying a model does not ask for, and what they mean.
_ASKED_LATER: Final = {
    "score": "what the model says counts",
    "contrary": "the car is surely seen from another side than the one asked for",
}
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,39}")
#: What the table of versions can hold.
_MOST_DEEP: Final = 40


@dataclass(frozen=True, slots=True)
class Sent:
    """A file as it came: its name as the sender gave it, and its content, open for reading."""

    name: str
    file: IO[bytes]


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A card, checked, and the bytes of the files it names, by those names."""

    card: Card
    contents: Mapping[str, bytes]


def candidate_unpack(sent: Sequence[Sent], *, known_labels: Mapping[str, Collection[str]], most_bytes: int) -> Unpacked:
    """Take an upload apart: a card and its files, or one zip of them. Nothing is loaded.

    `known_labels`: the words that others understand, by the model's name; a model that is not among them keeps the
    labels of the release. Raises Invalid saying what is wrong.
    """
    pieces = _read(sent, most_bytes)
    if len(pieces) == 1 and pieces[0][1].startswith(_ZIP):
        pieces = _unzipped(pieces[0][1], most_bytes)
    cards = [content for name, content in pieces if _is_card(name, content)]
    models = {name: content for name, content in pieces if not _is_card(name, content)}
    if len(cards) != 1:
        raise Invalid("Send one card: the .json file that describes the model." if not cards else "Send only one card.")
    for name, content in models.items():
        if content[_TFLITE_AT] != _TFLITE:
            raise Invalid(f"{name} is no TensorFlow Lite file.")
    card = _card_of(cards[0])
    _check_card(card, known_labels)
    return Unpacked(card, _matched(card, models))


# --- taking it apart ---


def _read(sent: Sequence[Sent], most_bytes: int) -> list[tuple[str, bytes]]:
    if not sent:
        raise Invalid("Choose a card and its model, or a zip file of both.")
    if len(sent) > _MOST_FILES:
        raise Invalid(f"Send at most {_MOST_FILES} files.")
    return _within(((one.name, one.file) for one in sent), most_bytes)


def _within(files: Iterable[tuple[str, IO[bytes]]], most_bytes: int) -> list[tuple[str, bytes]]:
    """Read files, and no more of them than all may have together."""
    found, left = [], most_bytes
    for name, file in files:
        content = file.read(left + 1)
        left -= len(content)
        if left < 0:
            raise Invalid(f"The files are larger than {most_bytes / 1e6:.0f} MB.")
        found.append((name, content))
    return found


def _unzipped(content: bytes, most_bytes: int) -> list[tuple[str, bytes]]:
    """The files of a zip. What it says of their sizes is not believed: reading stops at the limit."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > _MOST_FILES:
                raise Invalid(f"The zip file holds more than {_MOST_FILES} files.")
            for entry in entries:
                _check_entry(entry)
            return _within(((entry.filename, archive.open(entry)) for entry in entries), most_bytes)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise Invalid("The zip file is damaged, encrypted or of a kind that is not read here.") from error


def _check_entry(entry: zipfile.ZipInfo) -> None:
    if entry.is_dir() or set("/\\\0:") & set(entry.orig_filename) or entry.filename.startswith("."):
        raise Invalid("Put the files at the top of the zip file, without folders.")


def _is_card(name: str, content: bytes) -> bool:
    return name.lower().endswith(".json") or content.lstrip()[:1] == b"{"


# --- the card ---


def _card_of(content: bytes) -> Card:
    if len(content) > _MOST_CARD_BYTES:
        raise Invalid("The card is larger than 1 MB.")
    try:
        raw = json.loads(content.decode("utf-8-sig"), parse_constant=_no_number)
        if _depth(raw) > _MOST_DEEP:
            raise Invalid("The card is nested too deeply.")
        _check_storable(raw)
        return card_parse(raw, Path())
    except CardError as error:
        raise Invalid(f"The card is not in order: {error}.") from error
    except (ValueError, RecursionError) as error:
        raise Invalid("The card is not JSON.") from error


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _check_storable(raw: Any) -> None:
    """ValueError for what no database keeps as JSON: endless numbers, halves of characters, and the character 0."""
    text = json.dumps(raw, allow_nan=False, ensure_ascii=False)
    text.encode()
    if "\\u0000" in text:
        raise ValueError("the character 0 is in it")


def _depth(value: Any) -> int:
    """How deep lists and objects lie in one another."""
    level, depth = [value], 0
    while level:
        inner = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level, depth = [value for values in inner for value in values], depth + 1
    return depth


def _check_card(card: Card, known_labels: Mapping[str, Collection[str]]) -> None:
    if card.name not in registry.names():
        raise Invalid(f"There is no model {card.name!r} here; there are {', '.join(registry.names())}.")
    if not _VERSION.fullmatch(card.version):
        raise Invalid("A version is up to 40 letters, digits, dots, pluses and hyphens, such as 0.3.0.")
    released = registry.card(card.name)
    _check_labels(card, known_labels.get(card.name, released.labels))
    for threshold, meaning in _ASKED_LATER.items():
        if threshold in released.thresholds and threshold not in card.thresholds:
            raise Invalid(f"The card names no threshold “{threshold}”, from which on {meaning}.")
    for name in runtime.installed():
        for part in ("", *card.parts):
            _check_file_for(card, name, part)


def _check_labels(card: Card, known: Collection[str]) -> None:
    if unknown := [label for label in card.labels if label not in known]:
        raise Invalid(f"Nobody here understands the labels {', '.join(unknown)}; known are {', '.join(sorted(known))}.")


def _check_file_for(card: Card, name: str, part: str) -> None:
    try:
        card.file_for(name, part)
    except CardError as error:
        raise Invalid(f"The card is not in order: {error}.") from error


# --- its files ---


def _matched(card: Card, models: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files by the names that the card gives them. They are told by their digests: browsers rename files."""
    by_digest = {_sha256(content): (name, content) for name, content in models.items()}
    wanted: dict[str, ModelFile] = {}
    for file in card.files:
        known = wanted.setdefault(file.path.name, file) if file.package is None else file
        if known.sha256 != file.sha256:
            raise Invalid(f"The card gives {file.path.name} two checksums.")
    for name, file in wanted.items():
        if file.sha256 not in by_digest:
            raise Invalid(f"{name} is {'not the file of the card: its sha256 differs' if models else 'missing'}.")
    digests = {file.sha256 for file in wanted.values()}
    for digest, (name, _content) in by_digest.items():
        if digest not in digests:
            raise Invalid(f"The card does not name {name} (SHA-256 {digest[:12]}…).")
    return {name: by_digest[file.sha256][1] for name, file in wanted.items()}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
