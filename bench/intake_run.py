"""Accepting 99 photos of 1 MB in one multipart request, against writing and hashing the same bytes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import httpx

from bench.figure import Figure, paired
from bench.server import Server, served
from tenants.models import Family
from tenants.services.keys import api_key_issue
from tenants.services.settings import tenant_create
from tests.media import jpeg

PHOTOS = 99
SIZE = 1_000_000
ROUNDS = 5
TIME_GOAL = 3.0
MEMORY_GOAL = 150_000_000
_CHUNK = 64 * 1024
_BOUNDARY = "bench-boundary-7MA4YWxkTrZu0gW"


def figures() -> list[Figure]:
    """Time and memory of one large request."""
    token, photos = _access_key(), _photos()
    scratch = Path(os.environ["BENCH_SCRATCH"]) / "bare"
    with served() as server:
        headers = {"Authorization": f"Bearer {_authenticate(server, token)}"}
        _upload(server, headers, token, photos)
        idle = server.reset_peak()
        ours, bare, ratio = paired(
            lambda: _upload(server, headers, token, photos), lambda: _bare(scratch, photos), rounds=ROUNDS
        )
        above = server.peak() - idle
    name = f"accept {PHOTOS} photos of 1 MB / write + hash them"
    return [
        Figure(name, ratio, f"<= {TIME_GOAL:g}", ratio <= TIME_GOAL, f"{ours:.2f} s against {bare:.2f} s"),
        Figure(
            "memory above idle / the request's bytes",
            above / (PHOTOS * SIZE),
            "< 150 MB above idle",
            above < MEMORY_GOAL,
            f"{above / 1e6:.0f} MB above {idle / 1e6:.0f} MB",
        ),
    ]


def _access_key() -> str:
    return api_key_issue(tenant=tenant_create(name="Bench"), family=Family.INSPEKTLABS).value


def _authenticate(server: Server, key: str) -> str:
    answer = httpx.post(f"{server.url}/inspektlabs/api/authenticate", json={"key": key}, timeout=30).json()
    return str(answer["access_token"])


def _session(server: Server, key: str) -> str:
    answer = httpx.post(f"{server.url}/inspektlabs/api/authenticate", json={"key": key}, timeout=30).json()
    return str(answer["session"])


def _photos() -> list[bytes]:
    """Different photos of just 1 MB: one real JPEG, made unique and long enough by comment segments."""
    base = jpeg(1600, 1200, 1)
    return [_padded(base, number) for number in range(PHOTOS)]


def _padded(base: bytes, number: int) -> bytes:
    missing = SIZE - len(base)
    comments = b""
    while missing > len(comments):
        length = min(65_000, max(8, missing - len(comments) - 4))
        filler = hashlib.sha256(f"{number}:{len(comments)}".encode()).digest() * (length // 32 + 1)
        comments += b"\xff\xfe" + (length + 2).to_bytes(2, "big") + filler[:length]
    return base[:2] + comments + base[2:]


def _upload(server: Server, headers: dict[str, str], key: str, photos: list[bytes]) -> None:
    """One request, its body made beforehand, so that the client's own work is small."""
    body = _multipart(_session(server, key), photos)
    kind = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
    answer = httpx.post(f"{server.url}/inspektlabs/api/upload", content=body, headers=headers | kind, timeout=300)
    if answer.status_code != httpx.codes.OK:
        raise RuntimeError(answer.text)


def _multipart(session: str, photos: list[bytes]) -> bytes:
    fields = {"type": "file", "session": session, "case_id": "bench", "callback_url": "https://client.example/hook"}
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for number, photo in enumerate(photos):
        head = f'Content-Disposition: form-data; name="files"; filename="{number}.jpg"\r\nContent-Type: image/jpeg'
        parts.append(f"--{_BOUNDARY}\r\n{head}\r\n\r\n".encode() + photo + b"\r\n")
    return b"".join([*parts, f"--{_BOUNDARY}--\r\n".encode()])


def _bare(folder: Path, photos: list[bytes]) -> None:
    folder.mkdir(exist_ok=True)
    for number, photo in enumerate(photos):
        digest = hashlib.sha256()
        with (folder / f"{number}.jpg").open("wb") as file:
            for start in range(0, len(photo), _CHUNK):
                chunk = photo[start : start + _CHUNK]
                file.write(chunk)
                digest.update(chunk)
        digest.hexdigest()
