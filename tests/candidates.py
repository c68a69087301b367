"""Candidates for tests: the released damage model under another version, with another threshold if wanted."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any, Final

import pytest

from damages.taxonomy import MODEL_LABELS
from imaging.ml import registry
from imaging.ml.probe import Probe
from imaging.models import ModelVersion
from imaging.services import candidates
from imaging.services.candidate_intake import Sent
from tenants.models import User

NAME: Final = "damage_detector"
LABELS: Final = {NAME: MODEL_LABELS}


def card(version: str = "9.0.0", *, name: str = NAME, **changes: Any) -> dict[str, Any]:
    """The released card as a candidate's; `changes` replace whole keys."""
    return copy.deepcopy(dict(registry.card(name).raw)) | {"version": version} | changes


def contents(name: str = NAME) -> dict[str, bytes]:
    """The released files by name."""
    return {file.path.name: file.path.read_bytes() for file in registry.card(name).files if file.package is None}


def sent(raw: Mapping[str, Any] | bytes, files: Mapping[str, bytes] | None = None) -> list[Sent]:
    """An upload of a card and its files."""
    text = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    models = contents() if files is None else files
    return [Sent("card.json", io.BytesIO(text)), *(Sent(name, io.BytesIO(data)) for name, data in models.items())]


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Files as a zip."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe that models work: trying one takes seconds."""
    monkeypatch.setattr(candidates, "probe", lambda _card, *, seconds: Probe(""))


def received(by: User, version: str = "9.0.0", **changes: Any) -> ModelVersion:
    """A candidate in storage; of another model than the one of damages if `name` is among the changes."""
    raw = card(version, **changes)
    files = contents(raw["name"])
    return candidates.candidate_receive(sent=sent(raw, files), by=by, known_labels=LABELS)
