"""Model cards: the JSON beside each model, parsed and checked before anything is loaded."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

RUNTIMES = frozenset({"litert", "tflite"})
# weights8: weights of 8 bits, computed with in floats; int8: integers all through.
PRECISIONS = frozenset({"float32", "float16", "weights8", "int8"})
# A card without these does not tell what a person must know before trusting the model.
TOLD = ("title", "input", "output", "training", "metrics", "timing", "failures")

# Where `npm ci` puts the locked packages.
PACKAGES: Final = Path(__file__).resolve().parents[2] / "node_modules"
# Names as npm allows them, with or without a scope: no way out of the folder.
_PACKAGE = re.compile(r"(@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*")


class CardError(ValueError):
    """A card is missing something, or a file is not the one its card describes."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model: where it lies, its digest, its number format and the runtimes it is meant for.

    `package`: the locked package that it belongs to, as `name@version`; none for a file beside its card. `part`: which
    of its networks a model of several means by it; empty for the first one.
    """

    path: Path
    sha256: str
    precision: str
    runtimes: frozenset[str]
    package: str | None = None
    part: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A checked card. `sha256` is the first file's; `parameters` are the numbers the model's code needs;
    `raw` is the whole document."""

    name: str
    version: str
    labels: tuple[str, ...]
    thresholds: Mapping[str, float]
    parameters: Mapping[str, float]
    files: tuple[ModelFile, ...]
    raw: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """Digest of the model's first file."""
        return self.files[0].sha256

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the networks besides the first one, sorted."""
        return tuple(sorted({file.part for file in self.files} - {""}))

    def file_for(self, runtime: str, part: str = "") -> ModelFile:
        """Return the first file of `part` meant for `runtime` ("litert" or "tflite"); CardError when there is none."""
        for file in self.files:
            if runtime in file.runtimes and file.part == part:
                return file
        raise CardError(f"{self.name} has no file for the runtime {runtime}{part and f' and the part {part}'}")


def card_read(path: Path) -> Card:
    """Read and check the card at `path`; CardError says what is wrong with it."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CardError(f"{path.name}: {error}") from error
    return card_parse(raw, path.parent)


def card_parse(raw: object, folder: Path) -> Card:
    """Check a card's document; its files lie in `folder` or in a locked package."""
    if not isinstance(raw, dict):
        raise CardError("a card is a JSON object")
    missing = [key for key in TOLD if not raw.get(key)]
    if missing:
        raise CardError(f"the card does not tell: {', '.join(missing)}")
    return Card(
        name=_text(raw, "name"),
        version=_text(raw, "version"),
        labels=_labels(raw),
        thresholds=_numbers(raw, "thresholds", low=0.0, high=1.0),
        parameters=_numbers(raw, "parameters"),
        files=_files(raw, folder),
        raw=raw,
    )


def file_check(file: ModelFile) -> bytes:
    """Return the file's bytes if they are the ones the card describes; CardError otherwise."""
    try:
        content = file.path.read_bytes()
    except OSError as error:
        hint = f"; it belongs to {file.package}: run make setup" if file.package else ""
        raise CardError(f"{file.path.name} cannot be read: {error.strerror}{hint}") from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise CardError(f"{file.path.name} is not the file of its card: the sha256 differs")
    return content


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value:
        raise CardError(f"{key} must be a text")
    return value


def _labels(raw: Mapping[str, Any]) -> tuple[str, ...]:
    labels = raw.get("labels")
    if not isinstance(labels, list) or not labels or not all(isinstance(label, str) and label for label in labels):
        raise CardError("labels must be a list of words")
    if len(set(labels)) != len(labels):
        raise CardError("labels must differ")
    return tuple(labels)


def _numbers(
    raw: Mapping[str, Any], key: str, *, low: float = float("-inf"), high: float = float("inf")
) -> dict[str, float]:
    values = raw.get(key)
    if not isinstance(values, dict):
        raise CardError(f"{key} must be an object of numbers")
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise CardError(f"{key}.{name} must be a number from {low} to {high}")
    return {name: float(value) for name, value in values.items()}


def _files(raw: Mapping[str, Any], folder: Path) -> tuple[ModelFile, ...]:
    entries = raw.get("files")
    if not isinstance(entries, list) or not entries:
        raise CardError("files must be a list of files")
    return tuple(_file(entry, folder) for entry in entries)


def _file(entry: object, folder: Path) -> ModelFile:
    if not isinstance(entry, dict):
        raise CardError("a file is an object")
    name, digest = _text(entry, "file"), _text(entry, "sha256")
    if Path(name).name != name:
        raise CardError(f"{name}: a file lies beside its card or at the top of its package")
    if len(digest) != hashlib.sha256().digest_size * 2 or set(digest) - set("0123456789abcdef"):
        raise CardError(f"{name}: sha256 must be 64 hexadecimal digits")
    precision = _text(entry, "precision")
    if precision not in PRECISIONS:
        raise CardError(f"{name}: precision must be one of {', '.join(sorted(PRECISIONS))}")
    runtimes = entry.get("runtimes")
    if not isinstance(runtimes, list) or not runtimes or not set(runtimes) <= RUNTIMES:
        raise CardError(f"{name}: runtimes must be some of {', '.join(sorted(RUNTIMES))}")
    package = _package(entry)
    place = folder if package is None else PACKAGES / package
    locked = None if package is None else f"{package}@{_text(entry, 'package_version')}"
    return ModelFile(place / name, digest, precision, frozenset(runtimes), locked, _part(entry))


def _part(entry: Mapping[str, Any]) -> str:
    """Name of the network that a file holds: an argument of the model's `build`."""
    part = _text(entry, "part") if "part" in entry else ""
    if part and not part.isidentifier():
        raise CardError(f"{part} is not the name of a part")
    return part


def _package(entry: Mapping[str, Any]) -> str | None:
    """Name of the npm package that a file belongs to, if it does."""
    if "package" not in entry:
        return None
    package = _text(entry, "package")
    if not _PACKAGE.fullmatch(package):
        raise CardError(f"{package} is not the name of a package")
    return package
