"""Asking real servers a question, kind and unkind ones."""

import gzip
import logging
import socket
import threading
import time
from collections.abc import Callable

import pytest
from pytest_django import Settings

from tenants.outbound import JsonAnswer, OutboundFailed, OutboundRefused, fetch_json
from tests.tenants.outbound.peers import Peer, Received, answer, redirect

MakePeer = Callable[..., Peer]

pytestmark = pytest.mark.usefixtures("loopback_allowed")


def ask(url: str, *, max_bytes: int = 10_000, deadline_s: float = 20, **headers: str) -> JsonAnswer:
    return fetch_json(url, headers=headers, max_bytes=max_bytes, deadline_s=deadline_s)


def test_an_answer_is_read_whole(peer: MakePeer) -> None:
    server = peer(answer('{"list": [{"name": "Škoda"}]}'.encode()))
    assert ask(server.url("/cars?plate=AB%2012"), Authorization="Apikey x") == JsonAnswer(
        200, {"list": [{"name": "Škoda"}]}
    )
    (asked,) = server.received
    assert (asked.method, asked.target, asked.body) == ("GET", "/cars?plate=AB%2012", b"")
    assert asked.headers["authorization"] == "Apikey x"


@pytest.mark.parametrize(
    "status", ["204 No Content", "201 Created", "400 Bad", "401 No", "404 None", "429 Slow", "503 No"]
)
def test_every_other_status_is_an_answer_without_data(status: str, peer: MakePeer) -> None:
    assert ask(peer(answer(b'{"a": 1}', status=status)).url()) == JsonAnswer(int(status[:3]), None)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": ', b"\xff\xfe", b"[" * 9000, b"1" * 5000])
def test_what_is_no_json_is_a_failure(body: bytes, peer: MakePeer) -> None:
    with pytest.raises(OutboundFailed, match="not JSON") as failed:
        ask(peer(answer(body)).url())
    assert failed.value.status == 200


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(status: str, peer: MakePeer) -> None:
    other = peer(answer(b"{}"))
    with pytest.raises(OutboundFailed, match="redirects"):
        ask(peer(redirect(other.url(), status)).url(), Authorization="secret")
    assert other.connections == 0


def test_a_large_answer_is_refused_before_it_is_read(peer: MakePeer) -> None:
    with pytest.raises(OutboundFailed, match="larger than 100 bytes"):
        ask(peer(answer(b'"' + b"x" * 200 + b'"')).url(), max_bytes=100)


def test_an_endless_answer_is_left(peer: MakePeer) -> None:
    def flood(conn: socket.socket, _request: Received, stop: threading.Event) -> None:
        conn.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        while not stop.is_set():
            conn.sendall(b" " * 65536)

    with pytest.raises(OutboundFailed, match="larger than 100000 bytes"):
        ask(peer(flood).url(), max_bytes=100_000)


def test_an_answer_that_breaks_off_is_a_failure(peer: MakePeer) -> None:
    with pytest.raises(OutboundFailed, match="no complete HTTP answer"):
        ask(peer(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}").url())


def test_a_compressed_answer_is_refused(peer: MakePeer) -> None:
    packed = answer(gzip.compress(b"{}"), headers=("Content-Encoding: gzip",))
    with pytest.raises(OutboundFailed, match="compressed"):
        ask(peer(packed).url())


def test_a_silent_server_costs_the_deadline_and_no_more(peer: MakePeer) -> None:
    def silent(_conn: socket.socket, _request: Received, stop: threading.Event) -> None:
        stop.wait(20)

    def drip(conn: socket.socket, _request: Received, stop: threading.Event) -> None:
        conn.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        while not stop.wait(0.05):
            conn.sendall(b" ")

    for talk in (silent, drip):
        started = time.monotonic()
        with pytest.raises(OutboundFailed, match=r"within 0\.3 s"):
            ask(peer(talk).url(), deadline_s=0.3)
        assert time.monotonic() - started < 5


def test_private_addresses_and_bad_headers_are_refused(peer: MakePeer, settings: Settings) -> None:
    server = peer(answer(b"{}"))
    with pytest.raises(OutboundRefused):
        ask(server.url(), Host="elsewhere")
    with pytest.raises(OutboundRefused):
        ask(server.url(), Authorization="a\r\nb: c")
    settings.OUTBOUND_ALLOW = []
    with pytest.raises(OutboundRefused, match="not a public address"):
        ask(server.url())
    assert server.connections == 0


def test_neither_address_nor_secret_reaches_the_log(peer: MakePeer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(OutboundFailed) as failed:
        ask(peer(answer(b"oops")).url("/cars?plate=AB12345"), Authorization="Apikey hidden")
    for secret in ("AB12345", "hidden"):
        assert secret not in caplog.text + failed.value.reason
