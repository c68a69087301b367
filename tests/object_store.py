"""A small object store on the loopback: as much of S3's HTTP as the platform uses, for the real client to talk to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


class ObjectStore(ThreadingHTTPServer):
    """Objects by path (`bucket/key`), with the time they were written; `listings` counts the pages asked for."""

    daemon_threads = True

    def __init__(self, *, page: int = 1000) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.page = page
        self.listings = 0
        self.objects: dict[str, bytes] = {}
        self.written: dict[str, datetime] = {}

    @property
    def address(self) -> str:
        """Its endpoint."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def object_store(*, page: int = 1000) -> Iterator[ObjectStore]:
    """A store that lists `page` objects at a time, while the block runs."""
    store = ObjectStore(page=page)
    thread = threading.Thread(target=store.serve_forever, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        store.shutdown()
        store.server_close()
        thread.join()


class _Requests(BaseHTTPRequestHandler):
    server: ObjectStore
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            body = b"".join(_chunks(body))
        self.server.objects[self._key] = body
        self.server.written[self._key] = datetime.now(UTC)
        self._answer(200, headers={"ETag": _etag(body)})

    def do_GET(self) -> None:
        if "/" not in self._key:
            self._answer(200, self._listing().encode(), {"Content-Type": "application/xml"})
        else:
            self._object(with_body=True)

    def do_HEAD(self) -> None:
        self._object(with_body=False)

    def do_DELETE(self) -> None:
        self.server.objects.pop(self._key, None)
        self._answer(204)

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).strip("/")

    def _object(self, *, with_body: bool) -> None:
        body = self.server.objects.get(self._key)
        if body is None:
            self._answer(404)
            return
        written = format_datetime(self.server.written[self._key], usegmt=True)
        headers = {"ETag": _etag(body), "Last-Modified": written, "Accept-Ranges": "bytes"}
        self._answer(200, body, headers, with_body=with_body)

    def _listing(self) -> str:
        self.server.listings += 1
        asked = {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
        start = f"{self._key}/"
        keys = sorted(key.removeprefix(start) for key in self.server.objects if key.startswith(start))
        found = [key for key in keys if key.startswith(asked.get("prefix", "")) and key > asked.get("marker", "")]
        page = found[: min(self.server.page, int(asked.get("max-keys", 1000)))]
        entries = "".join(self._entry(start, key) for key in page)
        more = str(len(page) < len(found)).lower()
        return f"<ListBucketResult><IsTruncated>{more}</IsTruncated>{entries}</ListBucketResult>"

    def _entry(self, start: str, key: str) -> str:
        written, size = self.server.written[start + key], len(self.server.objects[start + key])
        facts = f"<LastModified>{written:%Y-%m-%dT%H:%M:%S.000Z}</LastModified><Size>{size}</Size>"
        return f"<Contents><Key>{escape(key)}</Key>{facts}</Contents>"

    def _answer(
        self, status: int, body: bytes = b"", headers: dict[str, str] | None = None, *, with_body: bool = True
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Nothing."""


def _etag(body: bytes) -> str:
    return f'"{md5(body).hexdigest()}"'


def _chunks(body: bytes) -> Iterator[bytes]:
    """The data of a body that the client sent in signed pieces."""
    while body:
        head, _, rest = body.partition(b"\r\n")
        size = int(head.split(b";")[0], 16)
        if not size:
            return
        yield rest[:size]
        body = rest[size + 2 :]
