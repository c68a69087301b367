"""Accepting 99 photos of 1 MB in one multipart request, against writing and hashing the same bytes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import httpx

from bench.figure import Figure, paired
from bench.server import served
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
    """Time and memory of one large request, from its first byte sent to its answer read."""
    key, photos = _access_key(), _photos()
    scratch = Path(os.environ["BENCH_SCRATCH"]) / "bare"
    parts = _file_parts(photos)
    with served() as server, httpx.Client(base_url=server.url, timeout=300) as client:
        requests = [_request(client, key, parts) for _ in range(ROUNDS + 1)]
        _send(client, requests.pop())
        idle = server.reset_peak()
        ours, bare, ratio = paired(lambda: _send(client, requests.pop()), lambda: _bare(scratch, photos), rounds=ROUNDS)
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


def _request(client: httpx.Client, key: str, parts: list[bytes]) -> httpx.Request:
    """A request ready to be sent, with a session of its own: making it is the client's work, not the server's.

    It goes out in small pieces: httpcore copies what is left of a piece each time the socket takes some of it.
    """
    tokens = client.post("/inspektlabs/api/authenticate", json={"key": key}).raise_for_status().json()
    head = _field_parts(tokens["session"])
    headers = {
        "Authorization": f"Bearer {tokens['access_token']}",
        "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
        "Content-Length": str(len(head) + sum(map(len, parts))),
    }
    return client.build_request("POST", "/inspektlabs/api/upload", content=[head, *parts], headers=headers)


def _send(client: httpx.Client, request: httpx.Request) -> None:
    client.send(request).raise_for_status()


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


def _field_parts(session: str) -> bytes:
    fields = {"type": "file", "session": session, "case_id": "bench", "callback_url": "https://client.example/hook"}
    return b"".join(
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    )


def _file_parts(photos: list[bytes]) -> list[bytes]:
    body = b"".join(_file_part(number, photo) for number, photo in enumerate(photos)) + f"--{_BOUNDARY}--\r\n".encode()
    return [body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK)]


def _file_part(number: int, photo: bytes) -> bytes:
    head = f'Content-Disposition: form-data; name="files"; filename="{number}.jpg"\r\nContent-Type: image/jpeg'
    return f"--{_BOUNDARY}\r\n{head}\r\n\r\n".encode() + photo + b"\r\n"


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
