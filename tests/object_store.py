"""A small object store on the loopback: as much of S3's HTTP as the platform uses, for the real client to talk to."""

from __future__ import annotations

import base64
import hmac
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.utils import format_datetime
from hashlib import md5, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

#: What clients of the store sign with.
SECRET = "secretsecret"


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

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message = message_from_bytes(b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n" + body)
        fields: dict[str, bytes] = {}
        for part in message.get_payload():
            assert isinstance(part, Message)
            content = part.get_payload(decode=True)
            fields[str(part.get_param("name", header="content-disposition"))] = bytes(content)
        file = fields.pop("file")
        refusal = refused({name: value.decode() for name, value in fields.items()}, file, bucket=self._key)
        if refusal:
            self._answer(refusal)
            return
        place = f"{self._key}/{fields['key'].decode()}"
        self.server.objects[place], self.server.written[place] = file, datetime.now(UTC)
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
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked is None:
            self._answer(200, body, headers, with_body=with_body)
            return
        first, last = int(asked[1]), min(int(asked[2]), len(body) - 1)
        if first >= len(body):
            self._answer(416, b"<Error><Code>InvalidRange</Code></Error>")
            return
        headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
        self._answer(206, body[first : last + 1], headers, with_body=with_body)

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


def refused(fields: dict[str, str], file: bytes, *, bucket: str) -> int:
    """The status with which S3 refuses such a form; 0 if it does not (signature version 4, secret SECRET)."""
    date, region = fields["x-amz-credential"].split("/")[1:3]
    key = f"AWS4{SECRET}".encode()
    for step in (date, region, "s3", "aws4_request"):
        key = hmac.new(key, step.encode(), sha256).digest()
    if hmac.new(key, fields["policy"].encode(), sha256).hexdigest() != fields["x-amz-signature"]:
        return 403
    policy = json.loads(base64.b64decode(fields["policy"]))
    if datetime.fromisoformat(policy["expiration"]) <= datetime.now(UTC):
        return 403
    named = {"bucket"} | {"policy", "x-amz-signature"}
    for condition in policy["conditions"]:
        if isinstance(condition, dict):
            ((name, value),) = condition.items()
            named.add(name)
            if {**fields, "bucket": bucket}.get(name) != value:
                return 403
        elif not condition[1] <= len(file) <= condition[2]:
            return 400
    return 0 if fields.keys() <= named else 403


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
