"""The models by name: which there are, their cards, and each loaded once per process."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from imaging.ml.card import Card, CardError, card_read, file_check
from imaging.ml.model import Model
from imaging.ml.runtime import Network, preferred

FOLDER = Path(__file__).parent / "models"
#: Versions of one model, besides the released one, that a process keeps: the current one and one in shadow.
KEPT = 2


class UnknownModelError(KeyError):
    """No model has this name."""


def names() -> tuple[str, ...]:
    """Names of all models, sorted: each has a card in `imaging/ml/models`."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def card(name: str) -> Card:
    """Return the checked card of `name`; UnknownModelError or CardError otherwise."""
    if name not in names():
        raise UnknownModelError(name)
    found = card_read(FOLDER / f"{name}.json")
    if found.name != name:
        raise CardError(f"{name}.json is the card of {found.name}")
    return found


def load(name: str, *, threads: int | None = None) -> Model:
    """Return the model `name`, loading it at the first call of this process.

    `threads`: how many the interpreter uses, by default the machine's cores; another number loads another one.
    Raises UnknownModelError, CardError (also when the file is not the one of its card) or RuntimeMissingError.
    """
    return _loaded.get(name, _threads(threads), find=lambda: card(name))


def load_version(name: str, key: str, *, find: Callable[[], Card], threads: int | None = None) -> Model:
    """Return the version of `name` that is known by `key`, loading it at the first call of this process.

    `find` gives its card, with files that are on this machine; it is asked only where the version has to be loaded. The
    versions used last stay loaded, `KEPT` of each model. Raises what `load` raises, and what `find` does.
    """
    return _loaded.get(name, _threads(threads), find=find, key=key)


def _threads(wanted: int | None) -> int:
    return wanted if wanted is not None else os.cpu_count() or 1


def build(
    found: Card,
    *,
    runtime: str | None = None,
    threads: int = 1,
    around: Callable[[Network], Any] = lambda network: network,
) -> Model:
    """Load the model of a card on `runtime` (default: the preferred one), outside the registry's memory.

    The networks of a card's parts are handed over by the parts' names. `around` may wrap each network, to listen.
    """
    chosen = runtime if runtime is not None else preferred()

    def network(part: str) -> Any:
        return around(Network(file_check(found.file_for(chosen, part)), runtime=chosen, threads=threads))

    module = importlib.import_module(f"imaging.ml.models.{found.name}")
    model: Model = module.build(found, network(""), **{part: network(part) for part in found.parts})
    return model


class _Loaded:
    """The models of this process. A forked child starts empty: an interpreter's threads do not survive a fork."""

    def __init__(self) -> None:
        self.forget()
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        self._lock = threading.Lock()
        self._models: dict[tuple[str, str, int], Model] = {}

    def get(self, name: str, threads: int, *, find: Callable[[], Card], key: str = "") -> Model:
        with self._lock:
            place = (name, key, threads)
            if place not in self._models:
                self._models[place] = build(find(), threads=threads)
                self._forget_old(name)
            if key:
                self._models[place] = self._models.pop(place)  # to the end: it was used last
            return self._models[place]

    def _forget_old(self, name: str) -> None:
        """Let go of the versions of a model that were not used for the longest time; what was released stays."""
        versions = [place for place in self._models if place[0] == name and place[1]]
        for place in versions[:-KEPT]:
            del self._models[place]


_loaded = _Loaded()
