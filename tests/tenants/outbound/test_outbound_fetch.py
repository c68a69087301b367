"""Fetching a file from real servers, kind and unkind."""

import gzip
import hashlib
import io
import logging
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tenants.outbound import Fetched, OutboundError, OutboundFailed, OutboundRefused, fetch_to_file
from tenants.outbound.client import MAX_REDIRECTS
from tests.tenants.outbound.peers import Peer, Received, Talk, answer, redirect

MakePeer = Callable[..., Peer]
PHOTO = bytes(range(256)) * 1000

pytestmark = pytest.mark.usefixtures("loopback_allowed")


def fetch(
    url: str,
    file: io.BytesIO | None = None,
    *,
    max_bytes: int = 10_000_000,
    deadline_s: float = 20,
    bearer: str | None = None,
) -> Fetched:
    file = io.BytesIO() if file is None else file
    return fetch_to_file(url, file, max_bytes=max_bytes, deadline_s=deadline_s, bearer=bearer)


def chunked(*chunks: bytes) -> bytes:
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body


def test_file_arrives_whole_with_its_facts(peer: MakePeer) -> None:
    server = peer(answer(PHOTO, headers=("Content-Type: Image/JPEG; charset=binary",)))
    file = io.BytesIO()
    fetched = fetch(server.url("/a%20b.jpg?sig=x%2Fy#part"), file)
    assert file.getvalue() == PHOTO
    assert fetched == Fetched(
        status=200,
        content_type="image/jpeg",
        size=len(PHOTO),
        sha256=hashlib.sha256(PHOTO).hexdigest(),
        final_url=server.url("/a%20b.jpg?sig=x%2Fy#part"),
    )
    (asked,) = server.received
    assert (asked.method, asked.target) == ("GET", "/a%20b.jpg?sig=x%2Fy")
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"
    assert asked.headers["accept-encoding"] == "identity"
    assert "authorization" not in asked.headers
    assert "cookie" not in asked.headers


@pytest.mark.parametrize(
    "wire",
    [chunked(b"ab", b"c" * 70000, b"d"), b"HTTP/1.0 200 OK\r\n\r\nab" + b"c" * 70000 + b"d"],
    ids=["chunked", "until the connection closes"],
)
def test_file_without_a_length_arrives(wire: bytes, peer: MakePeer) -> None:
    file = io.BytesIO()
    fetched = fetch(peer(wire).url(), file)
    assert file.getvalue() == b"ab" + b"c" * 70000 + b"d"
    assert (fetched.size, fetched.content_type) == (70003, "")


def test_file_is_written_where_the_file_stands(peer: MakePeer) -> None:
    file = io.BytesIO(b"head")
    file.seek(4)
    fetch(peer(answer(b"tail")).url(), file)
    assert file.getvalue() == b"headtail"


@pytest.mark.parametrize("size", [0, 999, 1000])
def test_size_limit_includes_itself(size: int, peer: MakePeer) -> None:
    assert fetch(peer(answer(b"x" * size)).url(), max_bytes=1000).size == size


def test_declared_size_above_the_limit_fails_before_the_body(peer: MakePeer) -> None:
    file = io.BytesIO()
    with pytest.raises(OutboundFailed, match="larger than 1000 bytes"):
        fetch(peer(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\nhardly begun").url(), file, max_bytes=1000)
    assert file.getvalue() == b""


@pytest.mark.parametrize("wire", [chunked(*[b"x" * 600] * 2), b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 1001])
def test_undeclared_size_above_the_limit_fails_and_writes_no_more(wire: bytes, peer: MakePeer) -> None:
    file = io.BytesIO()
    with pytest.raises(OutboundFailed, match="larger than 1000 bytes"):
        fetch(peer(wire).url(), file, max_bytes=1000)
    assert len(file.getvalue()) <= 1000


def test_endless_body_is_cut_at_the_limit(peer: MakePeer) -> None:
    def flood(conn: socket.socket, _request: Received, stop: threading.Event) -> None:
        conn.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        while not stop.is_set():
            conn.sendall(b"x" * 65536)

    file = io.BytesIO()
    with pytest.raises(OutboundFailed, match="larger than"):
        fetch(peer(flood).url(), file, max_bytes=1_000_000)
    assert len(file.getvalue()) <= 1_000_000


def test_compressed_body_is_refused_not_unpacked(peer: MakePeer) -> None:
    bomb = gzip.compress(b"\0" * 5_000_000)
    file = io.BytesIO()
    with pytest.raises(OutboundFailed, match="compressed"):
        fetch(peer(answer(bomb, headers=("Content-Encoding: gzip",))).url(), file)
    assert file.getvalue() == b""


@pytest.mark.parametrize(
    ("wire", "why"),
    [
        (answer(b"x" * 10).replace(b"Length: 10", b"Length: 11"), "no complete HTTP answer"),
        (answer(b"x").replace(b"Length: 1", b"Length: -1"), "no complete HTTP answer"),
        (answer(b"x").replace(b"Length: 1", b"Length: one"), "no complete HTTP answer"),
        (answer(b"xx", headers=("Content-Length: 1",)), "no complete HTTP answer"),
        (chunked(b"abc")[:-5], "no complete HTTP answer"),
        (chunked(b"abc").replace(b"3\r\n", b"zz\r\n"), "no complete HTTP answer"),
        (b"", "no complete HTTP answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no complete HTTP answer"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"\r\n", "no complete HTTP answer"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "no complete HTTP answer"),
        (answer(b"<h1>gone</h1>", status="404 Not Found"), "status 404"),
        (answer(status="204 No Content"), "status 204"),
        (answer(b"part", status="206 Partial Content"), "status 206"),
        (answer(status="304 Not Modified"), "status 304"),
        (answer(status="503 Busy"), "status 503"),
        (answer(status="302 Found"), "redirect without a target"),
    ],
)
def test_broken_answer_is_a_failure_and_no_file(wire: bytes, why: str, peer: MakePeer) -> None:
    with pytest.raises(OutboundFailed, match=why):
        fetch(peer(wire).url())


def test_failure_tells_the_status(peer: MakePeer) -> None:
    with pytest.raises(OutboundFailed) as caught:
        fetch(peer(answer(status="410 Gone")).url())
    assert caught.value.status == 410


def test_length_shorter_than_the_body_ends_the_file_there(peer: MakePeer) -> None:
    file = io.BytesIO()
    wire = answer(b"abcdef").replace(b"Length: 6", b"Length: 4")
    assert fetch(peer(wire).url(), file).size == 4
    assert file.getvalue() == b"abcd"


# --- the clock -------------------------------------------------------------------------------------------------------


def silent(_conn: socket.socket, _request: Received, stop: threading.Event) -> None:
    stop.wait()


def drip(head: bytes, drop: bytes) -> Talk:
    """Send `head`, then `drop` again and again: every single read is quick, the whole never ends."""

    def talk(conn: socket.socket, _request: Received, stop: threading.Event) -> None:
        conn.sendall(head)
        while not stop.wait(0.02):
            conn.sendall(drop)

    return talk


@pytest.mark.parametrize(
    "talk",
    [
        silent,
        drip(b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"z"),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nz\r\n"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["silent", "headers drip", "body drips", "chunks drip", "endless 100"],
)
def test_deadline_bounds_the_whole_call(talk: Talk, peer: MakePeer) -> None:
    started = time.monotonic()
    with pytest.raises(OutboundFailed, match=r"no complete answer within 0\.4 s"):
        fetch(peer(talk).url(), deadline_s=0.4)
    assert time.monotonic() - started < 3


def test_deadline_covers_all_redirects_together(peer: MakePeer) -> None:
    def slow_redirect(conn: socket.socket, _request: Received, stop: threading.Event) -> None:
        stop.wait(0.25)
        conn.sendall(redirect("/again"))

    with pytest.raises(OutboundFailed, match=r"within 0\.6 s"):
        fetch(peer(slow_redirect).url(), deadline_s=0.6)


def test_tls_handshake_that_never_comes_ends_with_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(OutboundFailed, match="no complete answer"):
        fetch(f"https://127.0.0.1:{listener.getsockname()[1]}/", deadline_s=0.3)


def test_closed_port_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OutboundFailed, match="cannot connect"):
        fetch(f"http://127.0.0.1:{port}/")


# --- redirects -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_redirect_is_followed(status: str, peer: MakePeer) -> None:
    server = peer({"/a/b": redirect("../c?x=1", status), "/c?x=1": answer(PHOTO)})
    fetched = fetch(server.url("/a/b"))
    assert fetched.final_url == server.url("/c?x=1")
    assert [request.method for request in server.received] == ["GET", "GET"]


def test_five_redirects_are_followed_and_six_are_not(peer: MakePeer) -> None:
    steps = {f"/{n}": redirect(f"/{n + 1}") for n in range(6)}
    server = peer({**steps, "/6": answer(PHOTO)})
    assert fetch(server.url("/1")).size == len(PHOTO)
    with pytest.raises(OutboundFailed, match="more than 5 redirects"):
        fetch(server.url("/0"))
    assert len(server.received) == 2 * (MAX_REDIRECTS + 1)
    assert "/6" not in [request.target for request in server.received[MAX_REDIRECTS + 1 :]]


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "http://127.0.0.2:{port}/",
        "//127.0.0.2:{port}/",
        "http://localhost.:22/",
        "http://0x7f000002:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:10.0.0.1]/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "http://user:pw@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}\\@10.0.0.1/",
        "http://[::1/",
    ],
)
def test_redirect_is_judged_like_the_first_url(location: str, peer: MakePeer) -> None:
    server = peer(answer(PHOTO))
    inner = peer(answer(b"secret of the inner net"), host="127.0.0.2", port=server.port)
    server.talk = redirect(location.format(port=server.port))
    file = io.BytesIO()
    with pytest.raises(OutboundRefused):
        fetch(server.url(), file)
    assert (len(server.received), inner.connections, file.getvalue()) == (1, 0, b"")


# --- credentials -----------------------------------------------------------------------------------------------------


def authorizations(server: Peer) -> list[str | None]:
    return [request.headers.get("authorization") for request in server.received]


def test_bearer_goes_to_the_origin_and_along_its_own_redirects(peer: MakePeer) -> None:
    server = peer({"/": redirect("/next"), "/next": answer(PHOTO)})
    fetch(server.url(), bearer="t0ken")
    assert authorizations(server) == ["Bearer t0ken", "Bearer t0ken"]


def test_bearer_never_reaches_another_origin_nor_comes_back(peer: MakePeer) -> None:
    home = peer({"/back": answer(PHOTO)})
    other = peer(redirect(home.url("/back")))
    home.talk = {"/": redirect(other.url()), "/back": answer(PHOTO)}
    fetch(home.url(), bearer="t0ken")
    assert authorizations(other) == [None]
    assert authorizations(home) == ["Bearer t0ken", None]


def test_cookies_are_not_kept(peer: MakePeer) -> None:
    first = redirect("/next").replace(b"\r\n\r\n", b"\r\nSet-Cookie: sid=1; Path=/\r\n\r\n")
    server = peer({"/": first, "/next": answer(PHOTO)})
    fetch(server.url())
    assert "cookie" not in server.received[1].headers


@pytest.mark.parametrize("bearer", ["a\r\nX-Evil: 1", "a\nb", "tökén", "a\0b", "trailing "])
def test_bearer_that_no_header_can_carry_is_refused_before_a_connection(bearer: str, peer: MakePeer) -> None:
    server = peer(answer(PHOTO))
    with pytest.raises(OutboundRefused) as caught:
        fetch(server.url(), bearer=bearer)
    assert server.connections == 0
    assert bearer not in str(caught.value)


def test_environment_names_no_proxy_and_no_password(
    peer: MakePeer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proxy, server = peer(answer(b"from the proxy")), peer(answer(PHOTO))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url())
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret")
    monkeypatch.setenv("NETRC", str(netrc))
    assert fetch(server.url()).size == len(PHOTO)
    assert (proxy.connections, authorizations(server)) == (0, [None])


@pytest.mark.parametrize(
    "wire",
    [
        answer(status="500 Oops"),
        redirect("http://10.0.0.1/?k=s3cret"),
        redirect("http://s3cret@x/"),
        b"HTTP/1.1 200 OK\r\ns3cret\r\n\r\n",
        answer(b"x" * 2000),
    ],
)
def test_neither_reason_nor_log_tells_a_secret(wire: bytes, peer: MakePeer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(OutboundError) as caught:
        fetch(peer(wire).url("/p?token=s3cret"), bearer="s3cret", max_bytes=1000)
    assert caught.value.reason
    assert "s3cret" not in str(caught.value) + caught.value.reason + caplog.text


def test_failing_disk_is_the_callers_error_not_the_networks(peer: MakePeer) -> None:
    class FullDisk(io.BytesIO):
        def write(self, data: object, /) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        fetch(peer(answer(PHOTO)).url(), FullDisk())
