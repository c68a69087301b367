# ruff: noqa: ARG002 - httpcore fixes the signatures of a backend and its streams
"""One TCP connection to a checked address, under one clock.

`GuardedBackend` is the network half of an httpcore connection. It looks a name up once, refuses the whole name if any
of its addresses is forbidden, and connects to an address out of that very answer, so a name that changes its mind
between check and connect (DNS rebinding) gains nothing. TLS keeps the host name: httpcore passes it to `start_tls`.
"""

import contextlib
import functools
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from ipaddress import ip_address
from typing import Any

import certifi
import httpcore

from tenants.outbound.addresses import IPNetwork, is_public
from tenants.outbound.errors import OutboundFailed, OutboundRefused

# A name may have any number of addresses; all are judged, but only so many are tried.
MAX_CONNECT_TRIES = 4

AddressInfo = tuple[socket.AddressFamily, tuple[Any, ...]]


class Deadline:
    """The one clock of a call: look-up, connect, TLS, request, answer and redirects together."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left, always more than 0. Raises OutboundFailed when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.error()
        return left

    def error(self) -> OutboundFailed:
        """Return the error that says the time is up."""
        return OutboundFailed(f"no complete answer within {self.seconds:g} s")


def resolve(host: str, port: int, deadline: Deadline) -> list[AddressInfo]:
    """Look `host` up, once, as the system does. Raises OutboundFailed if it has no address or time runs out."""
    answer: Future[list[Any]] = Future()

    def look_up() -> None:
        try:
            answer.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)

    # getaddrinfo takes no timeout. A daemon thread can be left behind; it ends with the resolver's own limit.
    threading.Thread(target=look_up, name="outbound-resolve", daemon=True).start()
    try:
        return [(info[0], info[4]) for info in answer.result(deadline.left())]
    except TimeoutError:
        raise deadline.error() from None
    except (OSError, UnicodeError):
        raise OutboundFailed(f"the host name {host} cannot be resolved") from None


def check_addresses(host: str, infos: Iterable[AddressInfo], allow: Sequence[IPNetwork]) -> None:
    """Raise OutboundRefused unless every address of `host` may be reached. The address itself is not told."""
    if not all(is_public(ip_address(sockaddr[0]), allow) for _, sockaddr in infos):
        raise OutboundRefused(f"{host} leads to an address that is not public")


def connect(host: str, infos: Sequence[AddressInfo], deadline: Deadline) -> socket.socket:
    """Connect to the first address that answers; each try gets an even share of the time left."""
    tries = infos[:MAX_CONNECT_TRIES]
    for tried, (family, sockaddr) in enumerate(tries):
        share = deadline.left() / (len(tries) - tried)
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(share)
            sock.connect(sockaddr)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            sock.close()
        else:
            return sock
    deadline.left()
    raise OutboundFailed(f"cannot connect to {host}")


class _Stream(httpcore.NetworkStream):
    """A socket whose every operation ends with the deadline; the timeouts httpcore passes are not used.

    httpcore's own stream gives the full timeout to each `send` and `recv`, so a peer that takes a byte at a time could
    hold it for ever.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with self._bounded(httpcore.ReadError):
            return self._sock.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            with self._bounded(httpcore.WriteError):
                rest = rest[self._sock.send(rest) :]

    def close(self) -> None:
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            with self._bounded(httpcore.ConnectError):
                return _Stream(ssl_context.wrap_socket(self._sock, server_hostname=server_hostname), self._deadline)
        except BaseException:
            self._sock.close()
            raise

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object" and isinstance(self._sock, ssl.SSLSocket):
            return self._sock
        return None

    @contextlib.contextmanager
    def _bounded(self, kind: type[httpcore.NetworkError]) -> Iterator[None]:
        """Run one socket operation under the deadline; socket errors become `kind`, as httpcore expects them."""
        self._sock.settimeout(self._deadline.left())
        try:
            yield
        except TimeoutError:
            raise self._deadline.error() from None
        except ssl.SSLCertVerificationError as error:
            raise OutboundFailed(f"the server's certificate is not valid: {error.verify_message}") from None
        except OSError as error:
            raise kind(str(error)) from error


class GuardedBackend(httpcore.NetworkBackend):
    """Network backend of one call: resolve once, check every address, connect to a checked one."""

    def __init__(self, deadline: Deadline, allow: Sequence[IPNetwork]) -> None:
        self._deadline = deadline
        self._allow = allow

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Return a connected stream. Raises OutboundRefused or OutboundFailed."""
        infos = resolve(host, port, self._deadline)
        check_addresses(host, infos, self._allow)
        return _Stream(connect(host, infos, self._deadline), self._deadline)


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Return the context of every TLS call: names and certificates verified, TLS 1.2 or later.

    Trusts the system's store (or what SSL_CERT_FILE names instead) and Mozilla's list, for systems without one.
    """
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
