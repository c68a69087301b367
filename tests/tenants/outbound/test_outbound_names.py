"""Host names: one look-up, every answer judged, TLS bound to the name."""

import contextlib
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from pytest_django import Settings

from tenants.outbound import OutboundFailed, OutboundRefused, fetch_to_file
from tenants.outbound.transport import MAX_CONNECT_TRIES, tls_context
from tests.tenants.outbound.peers import Names, Peer, answer, redirect

MakePeer = Callable[..., Peer]

pytestmark = pytest.mark.usefixtures("loopback_allowed")


def fetch(url: str, *, deadline_s: float = 20) -> bytes:
    file = io.BytesIO()
    fetch_to_file(url, file, max_bytes=1000, deadline_s=deadline_s)
    return file.getvalue()


def test_name_is_looked_up_once_and_its_checked_address_called(peer: MakePeer, names: Names) -> None:
    """DNS rebinding: the second answer would be the inner host, and would be accepted by a client that asks again."""
    server = peer(answer(b"outer"))
    inner = peer(answer(b"inner"), host="127.0.0.2", port=server.port)
    names.answers["rebind.test"] = [["127.0.0.1"], ["127.0.0.2"]]
    assert fetch(server.url(host="rebind.test")) == b"outer"
    assert names.asked == ["rebind.test"]
    assert inner.connections == 0
    assert server.received[0].headers["host"] == f"rebind.test:{server.port}"


def test_name_is_judged_again_at_every_redirect(peer: MakePeer, names: Names) -> None:
    server = peer(redirect("/again"))
    inner = peer(answer(b"inner"), host="127.0.0.2", port=server.port)
    names.answers["rebind.test"] = [["127.0.0.1"], ["127.0.0.2"]]
    with pytest.raises(OutboundRefused, match=r"rebind\.test leads to an address that is not public"):
        fetch(server.url(host="rebind.test"))
    assert names.asked == ["rebind.test", "rebind.test"]
    assert (len(server.received), inner.connections) == (1, 0)


@pytest.mark.parametrize(
    "bad",
    [
        "10.0.0.1",
        "127.0.0.2",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "::ffff:10.0.0.1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "64:ff9b::7f00:1",
        "2002:a00:1::",
    ],
)
def test_one_bad_address_refuses_the_name(bad: str, peer: MakePeer, names: Names) -> None:
    server = peer(answer(b"outer"))
    for order in (["127.0.0.1", bad], [bad, "127.0.0.1"]):
        names.answers["mixed.test"] = [order]
        with pytest.raises(OutboundRefused, match=r"mixed\.test") as caught:
            fetch(server.url(host="mixed.test"))
        assert bad not in caught.value.reason
    assert server.connections == 0


def test_bad_address_beyond_those_tried_refuses_the_name_too(peer: MakePeer, names: Names) -> None:
    server = peer(answer(b"outer"))
    names.answers["many.test"] = [["127.0.0.1"] * (MAX_CONNECT_TRIES + 1) + ["10.0.0.1"]]
    with pytest.raises(OutboundRefused):
        fetch(server.url(host="many.test"))
    assert server.connections == 0


def test_next_address_is_tried_when_the_first_does_not_answer(peer: MakePeer, names: Names, settings: Settings) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    server = peer(answer(b"outer"))
    names.answers["two.test"] = [["127.0.0.3", "127.0.0.1"]]
    assert fetch(server.url(host="two.test")) == b"outer"


@pytest.fixture
def full_listener() -> Iterator[tuple[str, int]]:
    """A port whose queue is full: the kernel drops every further SYN, so that connecting hangs."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.3", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()


def test_hanging_connect_ends_with_the_deadline(full_listener: tuple[str, int], settings: Settings) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    started = time.monotonic()
    with pytest.raises(OutboundFailed, match=r"within 0\.3 s"):
        fetch(f"http://{full_listener[0]}:{full_listener[1]}/", deadline_s=0.3)
    assert time.monotonic() - started < 3


def test_hanging_address_leaves_time_for_the_next(
    full_listener: tuple[str, int], peer: MakePeer, names: Names, settings: Settings
) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    server = peer(answer(b"outer"), port=full_listener[1])
    names.answers["two.test"] = [["127.0.0.3", "127.0.0.1"]]
    assert fetch(server.url(host="two.test"), deadline_s=2) == b"outer"


def test_name_that_does_not_exist_is_a_failure(names: Names) -> None:
    with pytest.raises(OutboundFailed, match=r"missing\.test cannot be resolved"):
        fetch("http://missing.test/")


def test_slow_look_up_ends_with_the_deadline(names: Names) -> None:
    release = threading.Event()
    names.before = release.wait
    started = time.monotonic()
    with pytest.raises(OutboundFailed, match=r"within 0\.3 s"):
        fetch("http://slow.test/", deadline_s=0.3)
    release.set()
    assert time.monotonic() - started < 3


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[trustme.CA]:
    """A certificate authority the operating system is told to trust, in the way an operator would."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    tls_context.cache_clear()
    yield authority
    tls_context.cache_clear()


def served_by(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_tls_asks_for_and_verifies_the_name_not_the_address(
    peer: MakePeer, names: Names, authority: trustme.CA
) -> None:
    server = peer(answer(b"safe"), tls=served_by(authority, "photos.test"))
    names.answers["photos.test"] = [["127.0.0.1"]]
    assert fetch(server.url(host="photos.test")) == b"safe"
    assert server.server_names == ["photos.test"]
    assert names.asked == ["photos.test"]


def test_certificate_of_another_name_is_refused(peer: MakePeer, names: Names, authority: trustme.CA) -> None:
    server = peer(answer(b"safe"), tls=served_by(authority, "other.test"))
    names.answers["photos.test"] = [["127.0.0.1"]]
    with pytest.raises(OutboundFailed, match="certificate is not valid: Hostname mismatch"):
        fetch(server.url(host="photos.test"))
    assert server.received == []


def test_certificate_of_the_address_does_not_stand_for_the_name(
    peer: MakePeer, names: Names, authority: trustme.CA
) -> None:
    server = peer(answer(b"safe"), tls=served_by(authority, "127.0.0.1"))
    names.answers["photos.test"] = [["127.0.0.1"]]
    with pytest.raises(OutboundFailed, match="certificate is not valid"):
        fetch(server.url(host="photos.test"))
    names.answers["127.0.0.1"] = [["127.0.0.1"]]
    assert fetch(server.url()) == b"safe"


def test_certificate_of_an_unknown_authority_is_refused(peer: MakePeer, names: Names) -> None:
    server = peer(answer(b"safe"), tls=served_by(trustme.CA(), "photos.test"))
    names.answers["photos.test"] = [["127.0.0.1"]]
    with pytest.raises(OutboundFailed, match="certificate is not valid"):
        fetch(server.url(host="photos.test"))


def test_plain_http_behind_https_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            conn, _ = listener.accept()
            with conn:
                conn.sendall(answer(b"plain"))
                conn.recv(65536)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(OutboundFailed, match="no secure connection"):
            fetch(f"https://127.0.0.1:{port}/")
        thread.join(10)


def test_redirect_from_https_to_http_loses_the_bearer(peer: MakePeer, names: Names, authority: trustme.CA) -> None:
    plain = peer(answer(b"file"))
    secure = peer(redirect(plain.url(host="photos.test")), tls=served_by(authority, "photos.test"))
    names.answers["photos.test"] = [["127.0.0.1"]]
    fetch_to_file(secure.url(host="photos.test"), io.BytesIO(), max_bytes=100, deadline_s=20, bearer="t0ken")
    assert secure.received[0].headers["authorization"] == "Bearer t0ken"
    assert "authorization" not in plain.received[0].headers
