"""The development receiver: only what is signed gets in."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from inspection_platform.receiver import Receiver
from tenants.outbound import secret_new, sign

SECRET = secret_new()


@pytest.fixture
def heard() -> list[dict[str, Any]]:
    """What the receiver let in."""
    return []


@pytest.fixture
def address(heard: list[dict[str, Any]]) -> Iterator[str]:
    """A receiver for SECRET."""
    server = Receiver(port=0, secrets=lambda: [SECRET], hear=heard.append)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return sign([secret], msg_id="msg-1", timestamp=datetime.now(UTC), body=body)


def test_a_signed_message_gets_in(address: str, heard: list[dict[str, Any]]) -> None:
    body = json.dumps({"status": "Available", "caseId": "ø"}).encode()
    assert httpx.post(address, content=body, headers=signed(body)).status_code == 204
    assert heard == [{"status": "Available", "caseId": "ø"}]


@pytest.mark.parametrize(
    ("body", "signed_body", "secret", "status"),
    [
        (b'{"a": 1}', None, SECRET, 401),
        (b'{"a": 1}', b'{"a": 1}', secret_new(), 401),
        (b'{"a": 2}', b'{"a": 1}', SECRET, 401),
        (b"no json", b"no json", SECRET, 400),
        (b"", None, SECRET, 400),
    ],
    ids=["unsigned", "signed by another", "changed on the way", "no JSON", "empty"],
)
def test_anything_else_stays_outside(
    address: str, heard: list[dict[str, Any]], body: bytes, signed_body: bytes | None, secret: str, status: int
) -> None:
    headers = {} if signed_body is None else signed(signed_body, secret)
    assert httpx.post(address, content=body, headers=headers).status_code == status
    assert heard == []
