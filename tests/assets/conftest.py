"""Files as services get them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from django.core.files.storage import default_storage
from django.db.models.fields.files import FieldFile

from assets.services.submissions import IncomingFile
from inspection_platform.api.incoming import IncomingPart

Incoming = Callable[..., IncomingFile]


@pytest.fixture
def incoming() -> Iterator[Incoming]:
    """Makes files that have just arrived on disk; closed at the end, as a request does."""
    with ExitStack() as stack:

        def make(content: bytes, *, name: str = "photo.jpg", kind: str = "jpeg") -> IncomingFile:
            part = IncomingPart(name, "image/jpeg", None)
            stack.callback(part.close)
            part.add(content, most=10**9)
            part.seek(0)
            sha256 = hashlib.sha256(content).hexdigest()
            return IncomingFile(name, part, size=len(content), sha256=sha256, kind=kind, width=4, height=3)

        yield make


def received(image_set_id: object) -> list[str]:
    """The names of a set's files in storage."""
    folder = f"received/{image_set_id}"
    return sorted(default_storage.listdir(folder)[1]) if default_storage.exists(folder) else []


def content(file: FieldFile) -> bytes:
    """What a stored file holds."""
    with file.open() as opened:
        data: bytes = opened.read()
        return data
