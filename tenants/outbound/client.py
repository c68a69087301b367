"""The project's one way out: fetch a file, ask a question, deliver a message."""

import contextlib
import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO

import httpcore
import httpx

from tenants.outbound.addresses import allowed_networks
from tenants.outbound.errors import OutboundFailed, OutboundRefused
from tenants.outbound.transport import Deadline, GuardedBackend, tls_context
from tenants.outbound.urls import join_url, origin, parse_url

MAX_REDIRECTS = 5
EXCERPT_BYTES = 4096
USER_AGENT = "inspection-platform"
METHODS = frozenset({"DELETE", "GET", "PATCH", "POST", "PUT"})

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?|", re.ASCII)
# These frame the message or steer the connection: only the client itself may set them.
_OWN_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that arrived whole.

    `content_type` is the media type alone, lower case, "" if the server named none; `sha256` is hexadecimal.
    `final_url` may hold a signed query string: it is for the database, not for a log.
    """

    status: int
    content_type: str
    size: int
    sha256: str
    final_url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered. `excerpt` is the start of the body as text fit for a database column."""

    status: int
    excerpt: str
    elapsed_s: float

    @property
    def ok(self) -> bool:
        """Whether the receiver took the message: 2xx and nothing else."""
        return httpx.codes.is_success(self.status)


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """What was answered to a question. `data` is the body as `json` reads it; None for any status but 200."""

    status: int
    data: object


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise OutboundRefused for a header that cannot be sent, or that belongs to the client; values are never told."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise OutboundRefused("a header name or value holds characters that cannot be sent")
        if name.lower() in _OWN_HEADERS:
            raise OutboundRefused(f"the header {name} cannot be set")


def fetch_to_file(url: str, file: BinaryIO, *, max_bytes: int, deadline_s: float, bearer: str | None = None) -> Fetched:
    """GET `url` into `file` at its position; follow at most five redirects, each judged like the first URL.

    `bearer` goes to the origin (scheme, host, port) of `url` and, once a redirect has left it, nowhere any more.
    The whole call takes at most `deadline_s` seconds and writes at most `max_bytes`. Only a status of 200 with an
    uncompressed body is a file. After an error `file` may hold a part: the caller throws it away.

    Raises OutboundRefused (policy) or OutboundFailed (network, time, size, status).
    """
    deadline = Deadline(deadline_s)
    target = parse_url(url)
    headers = _bearer_header(bearer)
    for _ in range(MAX_REDIRECTS + 1):
        with _exchange("GET", target, headers=headers, body=b"", deadline=deadline) as response:
            if response.status not in _REDIRECTS:
                return _store(response, file, max_bytes, str(target))
            source, target = target, _redirect_target(target, response)
        if origin(target) != origin(source):
            headers = {}
    raise OutboundFailed(f"more than {MAX_REDIRECTS} redirects")


def send(method: str, url: str, *, body: bytes, headers: Mapping[str, str], deadline_s: float) -> Answer:
    """Send `body` to a receiver and return its answer, whatever the status. Redirects are answers, not followed.

    The status is what counts: a body that breaks off after it does not turn a delivered message into a failed one.
    Raises OutboundRefused (policy) or OutboundFailed (no status line within `deadline_s` seconds).
    """
    if method not in METHODS:
        raise OutboundRefused("this HTTP method is not allowed")
    check_headers(headers)
    started = time.monotonic()
    with _exchange(method, parse_url(url), headers=headers, body=body, deadline=Deadline(deadline_s)) as response:
        excerpt = _excerpt(response)
    return Answer(response.status, excerpt, time.monotonic() - started)


def fetch_json(url: str, *, headers: Mapping[str, str], max_bytes: int, deadline_s: float) -> JsonAnswer:
    """GET `url` and return its answer, whatever the status; the body of a 200 must be JSON of at most `max_bytes`.

    Redirects are not followed: `headers` may hold a secret. The whole call takes at most `deadline_s` seconds.
    Raises OutboundRefused (policy) or OutboundFailed (network, time, size, a redirect, no JSON).
    """
    check_headers(headers)
    deadline = Deadline(deadline_s)
    with _exchange("GET", parse_url(url), headers=headers, body=b"", deadline=deadline) as response:
        if response.status in _REDIRECTS:
            raise OutboundFailed("the server redirects, which is not followed here", status=response.status)
        if response.status != HTTPStatus.OK:
            return JsonAnswer(response.status, None)
        _check_answer(response, max_bytes)
        body = _read(response, max_bytes)
    try:
        return JsonAnswer(response.status, json.loads(body))
    except (ValueError, RecursionError):
        raise OutboundFailed("the server's answer is not JSON", status=response.status) from None


def _request_headers(headers: Mapping[str, str]) -> httpx.Headers:
    # Identity: what is counted against the size limit is then what is stored, and nothing is ever unpacked here.
    own = httpx.Headers(
        {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
    )
    own.update(headers)
    return own


def _bearer_header(bearer: str | None) -> dict[str, str]:
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    check_headers(headers)
    return headers


@contextlib.contextmanager
def _exchange(
    method: str, url: httpx.URL, *, headers: Mapping[str, str], body: bytes, deadline: Deadline
) -> Iterator[httpcore.Response]:
    """Open a connection, send one request, yield the response with its body unread, close the connection.

    httpx builds the request, httpcore speaks the protocol; httpx's own client is left out because it logs whole URLs,
    keeps cookies, reads proxies and .netrc from the environment and decompresses what it gets.
    """
    request = httpx.Request(method, url, headers=_request_headers(headers), content=body)
    scheme, host, port = origin(url)
    address = httpcore.URL(scheme=scheme, host=host, port=port, target=url.raw_path)
    try:
        with (
            httpcore.HTTPConnection(
                address.origin, ssl_context=tls_context(), network_backend=GuardedBackend(deadline, allowed_networks())
            ) as connection,
            connection.stream(method, address, headers=request.headers.raw, content=body) as response,
        ):
            yield response
    except httpcore.ConnectError:
        raise OutboundFailed(f"no secure connection to {url.host}") from None
    except httpcore.NetworkError:
        raise OutboundFailed(f"the connection to {url.host} broke off") from None
    except httpcore.ProtocolError:
        raise OutboundFailed(f"{url.host} gave no complete HTTP answer") from None


def _redirect_target(source: httpx.URL, response: httpcore.Response) -> httpx.URL:
    location = _header(response, b"location")
    if not location:
        raise OutboundFailed("a redirect without a target", status=response.status)
    return join_url(source, location)


def _store(response: httpcore.Response, file: BinaryIO, max_bytes: int, final_url: str) -> Fetched:
    """Write the body to `file`, hashing and counting on the way."""
    _check_answer(response, max_bytes)
    digest, size = hashlib.sha256(), 0
    for chunk in response.iter_stream():
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(max_bytes)
        digest.update(chunk)
        file.write(chunk)
    content_type = _header(response, b"content-type").partition(";")[0].strip().lower()
    return Fetched(response.status, content_type, size, digest.hexdigest(), final_url)


def _read(response: httpcore.Response, max_bytes: int) -> bytes:
    """The body, whole."""
    body = bytearray()
    for chunk in response.iter_stream():
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(body)


def _check_answer(response: httpcore.Response, max_bytes: int) -> None:
    """Refuse, before the body is read, what cannot become a file."""
    if response.status != HTTPStatus.OK:
        raise OutboundFailed(f"the server answered with status {response.status}", status=response.status)
    if _header(response, b"content-encoding").strip().lower() not in {"", "identity"}:
        raise OutboundFailed("the server sent a compressed body that was not asked for", status=response.status)
    # The protocol layer has checked that the length is a number; it is absent from a chunked answer.
    if int(_header(response, b"content-length") or 0) > max_bytes:
        raise _too_large(max_bytes)


def _too_large(max_bytes: int) -> OutboundFailed:
    return OutboundFailed(f"the file is larger than {max_bytes} bytes")


def _excerpt(response: httpcore.Response) -> str:
    """Return the first EXCERPT_BYTES of the body as text: no NUL (PostgreSQL refuses it), no other controls."""
    body = b""
    with contextlib.suppress(OutboundFailed, httpcore.NetworkError, httpcore.ProtocolError):
        for chunk in response.iter_stream():
            body = (body + chunk)[:EXCERPT_BYTES]
            if len(body) == EXCERPT_BYTES:
                break
    text = body.decode("utf-8", errors="replace")
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)


def _header(response: httpcore.Response, name: bytes) -> str:
    """Return the first header of that (lower-case) name as text, "" if there is none."""
    values = (value for key, value in response.headers if key.lower() == name)
    return next(values, b"").decode("utf-8", errors="replace")
