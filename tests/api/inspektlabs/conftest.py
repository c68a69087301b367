"""A client of the Inspektlabs-shaped family, and requests as its clients send them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests import media
from tests.factories import House

CALLBACK = "https://client.example/callback"
#: What the test client answers with (the stubs give it no public name).
Answer = Any
MIME = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "jfif": "image/jpeg", "png": "image/png", "heic": "image/heic",
    "mp4": "video/mp4", "webm": "video/webm", "mov": "video/quicktime", "mkv": "video/x-matroska",
    "avi": "video/x-msvideo",
}  # fmt: skip


def part(name: str, content: bytes, content_type: str | None = None) -> SimpleUploadedFile:
    """A file part; the declared type is what the extension says, unless given."""
    declared = MIME.get(name.rpartition(".")[2].lower(), "application/octet-stream")
    return SimpleUploadedFile(name, content, content_type=declared if content_type is None else content_type)


def photo(number: int = 1, name: str = "") -> SimpleUploadedFile:
    """A small photo; another number, another content."""
    return part(name or f"photo-{number}.jpg", media.jpeg(320, 240, seed=number))


@dataclass(slots=True)
class Caller:
    """Somebody with a key: authenticates and uploads."""

    http: Client
    key: str
    token: str = ""
    session: str = ""

    def authenticate(self) -> dict[str, Any]:
        """Get a session and tokens; both are kept for the next upload."""
        response = self.http.post("/inspektlabs/api/authenticate", {"key": self.key}, content_type="application/json")
        assert response.status_code == 200, response.content
        body: dict[str, Any] = response.json()
        self.token, self.session = body["access_token"], body["session"]
        return body

    @property
    def headers(self) -> dict[str, str]:
        """What shows the token."""
        return {"Authorization": f"Bearer {self.token}"}

    def files(self, *parts: SimpleUploadedFile, **fields: Any) -> Answer:
        """Upload files; a field given as None is left out."""
        given = {"type": "file", "session": self.session, "case_id": "case_001", "callback_url": CALLBACK} | fields
        data = {name: value for name, value in given.items() if value is not None} | {"files": list(parts)}
        return self.http.post("/inspektlabs/api/upload", data, headers=self.headers)

    def urls(self, **fields: Any) -> Answer:
        """Upload addresses; a field given as None is left out."""
        given = {"type": "urls", "session": self.session, "case_id": "case_001", "callback_url": CALLBACK} | fields
        return self.json({name: value for name, value in given.items() if value is not None})

    def json(self, body: object) -> Answer:
        """POST any JSON to the upload."""
        return self.raw(json.dumps(body).encode(), "application/json")

    def raw(self, body: bytes, content_type: str, **environ: Any) -> Answer:
        """POST any bytes to the upload."""
        return self.http.generic(
            "POST", "/inspektlabs/api/upload", body, content_type=content_type, headers=self.headers, **environ
        )


@pytest.fixture
def caller(ours: House, client: Client) -> Caller:
    """Our client, with a fresh session."""
    client.raise_request_exception = False
    made = Caller(client, ours.keys["inspektlabs"])
    made.authenticate()
    return made


@pytest.fixture
def stranger(outsider: House) -> Caller:
    """The other tenant's client, with a fresh session of its own."""
    made = Caller(Client(raise_request_exception=False), outsider.keys["inspektlabs"])
    made.authenticate()
    return made


def stored_files() -> list[str]:
    """The keys of all received files in storage."""
    if not default_storage.exists("received"):
        return []
    folders = default_storage.listdir("received")[0]
    return [
        f"received/{folder}/{name}" for folder in folders for name in default_storage.listdir(f"received/{folder}")[1]
    ]


def incoming_files() -> list[str]:
    """The names of what lies in the directory of half-received files."""
    assert settings.FILE_UPLOAD_TEMP_DIR
    return default_storage.listdir(".incoming")[1]
