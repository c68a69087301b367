"""Delivering a message to real receivers."""

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from tenants.outbound import Answer, OutboundFailed, OutboundRefused, check_headers, secret_new, send, sign, verify
from tenants.outbound.client import EXCERPT_BYTES
from tests.tenants.outbound.peers import Peer, Received, answer, redirect

MakePeer = Callable[..., Peer]

pytestmark = pytest.mark.usefixtures("loopback_allowed")


def post(url: str, body: bytes = b"{}", headers: Mapping[str, str] | None = None, deadline_s: float = 20) -> Answer:
    return send("POST", url, body=body, headers=headers or {}, deadline_s=deadline_s)


def test_signed_message_arrives_and_verifies(peer: MakePeer) -> None:
    server, secret = peer(answer(b'{"ok":true}', status="202 Accepted")), secret_new()
    body = json.dumps({"Größe": 1}).encode()
    headers = sign([secret], msg_id="msg_1", timestamp=datetime.now(UTC), body=body)
    got = post(server.url("/hook?x=1"), body, {**headers, "Content-Type": "application/json"})
    assert (got.status, got.ok, got.excerpt) == (202, True, '{"ok":true}')
    assert 0 < got.elapsed_s < 20
    (asked,) = server.received
    assert (asked.method, asked.target, asked.body) == ("POST", "/hook?x=1", body)
    assert asked.headers["content-length"] == str(len(body))
    assert asked.headers["content-type"] == "application/json"
    verify([secret], headers=asked.headers, body=asked.body)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
def test_method_and_headers_are_the_callers(method: str, peer: MakePeer) -> None:
    server = peer(answer())
    send(method, server.url(), body=b"x=1", headers={"Authorization": "Basic eDp5", "user-agent": "u"}, deadline_s=20)
    (asked,) = server.received
    assert (asked.method, asked.body) == (method, b"x=1")
    assert (asked.headers["authorization"], asked.headers["user-agent"]) == ("Basic eDp5", "u")


@pytest.mark.parametrize("status", ["400 Bad", "401 No", "404 Gone", "410 Gone", "500 Oops", "503 Busy"])
def test_every_status_is_an_answer(status: str, peer: MakePeer) -> None:
    got = post(peer(answer(b"why", status=status)).url())
    assert (got.status, got.ok, got.excerpt) == (int(status[:3]), False, "why")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_redirect_is_not_followed_and_not_a_success(status: str, peer: MakePeer) -> None:
    other = peer(answer())
    got = post(peer(redirect(other.url(), status)).url())
    assert (got.status, got.ok, other.connections) == (int(status[:3]), False, 0)


def test_excerpt_is_short_and_fit_for_a_database(peer: MakePeer) -> None:
    got = post(peer(answer(b"a\0b\x1b[2J\xff\n" + "é".encode() * 100_000)).url())
    assert got.excerpt.startswith("a\ufffdb\ufffd[2J\ufffd\néé")
    assert len(got.excerpt.encode()) <= EXCERPT_BYTES + 16


def test_endless_answer_is_read_to_the_excerpt_only(peer: MakePeer) -> None:
    def flood(conn: socket.socket, _request: Received, stop: threading.Event) -> None:
        conn.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        while not stop.is_set():
            conn.sendall(b"x" * 65536)

    assert post(peer(flood).url()).excerpt == "x" * EXCERPT_BYTES


def test_answer_that_breaks_off_after_its_status_counts(peer: MakePeer) -> None:
    got = post(peer(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\npart").url())
    assert (got.ok, got.excerpt) == (True, "part")


def test_answer_whose_body_never_ends_counts_at_the_deadline(peer: MakePeer) -> None:
    def hang(conn: socket.socket, _request: Received, stop: threading.Event) -> None:
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\npart")
        stop.wait()

    got = post(peer(hang).url(), deadline_s=0.4)
    assert (got.ok, got.excerpt) == (True, "part")
    assert got.elapsed_s < 3


def test_receiver_that_never_answers_is_a_failure(peer: MakePeer) -> None:
    def hang(_conn: socket.socket, _request: Received, stop: threading.Event) -> None:
        stop.wait()

    with pytest.raises(OutboundFailed, match=r"within 0\.3 s"):
        post(peer(hang).url(), deadline_s=0.3)


def test_receiver_that_does_not_read_is_a_failure() -> None:
    """The kernel takes the connection and some megabytes; the rest of the message waits, up to the deadline."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = time.monotonic()
        with pytest.raises(OutboundFailed, match="no complete answer"):
            post(f"http://127.0.0.1:{listener.getsockname()[1]}/", b"x" * 50_000_000, deadline_s=0.4)
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://127.0.0.2/", "http://[::1]/", "ftp://127.0.0.1/"])
def test_private_receiver_is_refused(url: str) -> None:
    with pytest.raises(OutboundRefused):
        post(url)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "inner.test"},
        {"content-length": "0"},
        {"Transfer-Encoding": "chunked"},
        {"Connection": "keep-alive"},
        {"X-A": "b\r\nX-Evil: 1"},
        {"X-A": "b\nc"},
        {"X-A": "s\0"},
        {"X-A": "käse"},
        {"X A": "b"},
        {"X-A:": "b"},
        {"": "b"},
        {"X-A\r\nX-Evil": "b"},
    ],
)
def test_header_that_would_bend_the_request_is_refused(headers: dict[str, str], peer: MakePeer) -> None:
    server = peer(answer())
    with pytest.raises(OutboundRefused):
        check_headers(headers)
    with pytest.raises(OutboundRefused):
        post(server.url(), headers=headers)
    assert server.connections == 0


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "post", "GET / HTTP/1.1\r\nX: y", ""])
def test_other_methods_are_refused(method: str, peer: MakePeer) -> None:
    server = peer(answer())
    with pytest.raises(OutboundRefused):
        send(method, server.url(), body=b"", headers={}, deadline_s=20)
    assert server.connections == 0
