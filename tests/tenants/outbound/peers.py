"""Real servers on loopback, and a resolver whose answers a test writes down."""

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Received:
    """A request as it came over the wire; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Talk = Callable[[socket.socket, Received, threading.Event], None]


def answer(body: bytes = b"", *, status: str = "200 OK", headers: tuple[str, ...] = ()) -> bytes:
    """Return a whole HTTP answer that closes the connection."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    """Return an HTTP redirect."""
    return answer(status=status, headers=(f"Location: {location}",))


@dataclass
class Peer:
    """A server that records what it is asked and answers by `talk`: bytes, bytes by target, or a function."""

    talk: bytes | dict[str, bytes] | Talk
    host: str = "127.0.0.1"
    port: int = 0
    tls: ssl.SSLContext | None = None
    received: list[Received] = field(default_factory=list)
    server_names: list[str | None] = field(default_factory=list)
    connections: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self._listener = socket.create_server((self.host, self.port))
        self.port = self._listener.getsockname()[1]
        if self.tls:
            self.tls.sni_callback = lambda _sock, name, _context: self.server_names.append(name)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.stop.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        return f"{'https' if self.tls else 'http'}://{host or self.host}:{self.port}{path}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                conn, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self.tls:
                conn = self.tls.wrap_socket(conn, server_side=True)
            with conn:
                request = _read(conn)
                self.received.append(request)
                if callable(self.talk):
                    self.talk(conn, request, self.stop)
                else:
                    conn.sendall(self.talk if isinstance(self.talk, bytes) else self.talk[request.target])


def _read(conn: socket.socket) -> Received:
    data = b""
    while b"\r\n\r\n" not in data:
        data += conn.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += conn.recv(65536)
    method, target, _ = first.split(" ")
    return Received(method, target, headers, body)


@dataclass
class Names:
    """The resolver of a test: every look-up of a name takes its next answer, the last one stays."""

    answers: dict[str, list[list[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    before: Callable[[], object] = lambda: None

    def look_up(self, host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        self.asked.append(host)
        self.before()
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        queue = self.answers[host]
        return [_info(text, port) for text in (queue.pop(0) if len(queue) > 1 else queue[0])]


def _info(text: str, port: int) -> tuple[Any, ...]:
    if ipaddress.ip_address(text).version == 4:
        return socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)
    return socket.AF_INET6, socket.SOCK_STREAM, 6, "", (text, port, 0, 0)
