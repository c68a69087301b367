"""Signed addresses of files that clients may see: the address is the permission, and it ends.

Only what was published is ever signed, never a file as received. Local files are streamed from here; on S3 the signed
address leads to a short-lived presigned one, so that both storages look the same to a client.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import PurePosixPath
from typing import IO, Any, Final, NamedTuple

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage, storages
from django.core.signing import BadSignature, Signer
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

_SIGNER: Final = Signer(sep=".", salt="inspection_platform.files")
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_CHUNK_BYTES: Final = 64 * 1024
#: How long an address of the object store lives after the redirect to it: it only has to be followed.
REDIRECT_SECONDS: Final = 300

#: Where files live that clients may see. What was received stays under prefixes of its own and is never signed.
PUBLIC_PREFIXES: Final = ("published/",)

#: What a browser may show. Anything else is sent as bytes to keep, so that nothing uploaded can run as a page here.
CONTENT_TYPES: Final = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".pdf": "application/pdf",
}


class Span(NamedTuple):
    """Bytes `first` to `last` of a file, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many bytes these are."""
        return self.last - self.first + 1


def file_url(key: str, *, seconds: int) -> str:
    """The absolute address (under PUBLIC_URL) at which the stored file `key` can be read for `seconds` from now.

    ValueError for a key outside PUBLIC_PREFIXES: files as received have no address.
    """
    if not key.startswith(PUBLIC_PREFIXES):
        raise ValueError(f"{key!r} is not a published file.")
    token = _SIGNER.sign_object({"k": key, "e": int(time.time()) + seconds})
    return f"{settings.PUBLIC_URL}/files/{token}"


@require_safe
def serve(request: HttpRequest, token: str) -> HttpResponseBase:
    """The file behind a signed address: 404 if it was not signed here or is gone, 410 after its time."""
    try:
        claims = _SIGNER.unsign_object(token)
    except (BadSignature, ValueError):
        return _no_file(404, "There is no such file.")
    seconds_left = claims["e"] - int(time.time())
    if seconds_left <= 0:
        return _no_file(410, "This address has expired.")
    storage: Any = storages["default"]
    if isinstance(storage, FileSystemStorage):
        return _stream(request, storage, claims["k"], seconds_left)
    return _redirect(storage, claims["k"], seconds_left)


def _no_file(status: int, text: str) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain", headers={"Cache-Control": "no-store"})


def _redirect(storage: Any, key: str, seconds_left: int) -> HttpResponse:
    seconds = min(seconds_left, REDIRECT_SECONDS)
    address = storage.url(key, parameters={"ResponseContentDisposition": "inline"}, expire=seconds)
    # Whoever keeps the redirect still finds half the time left on the address it leads to.
    return HttpResponseRedirect(address, headers={"Cache-Control": f"private, max-age={seconds // 2}"})


def _stream(request: HttpRequest, storage: FileSystemStorage, key: str, seconds_left: int) -> HttpResponseBase:
    try:
        changed = storage.get_modified_time(key).timestamp()
        file = storage.open(key)
    except (OSError, SuspiciousFileOperation):
        return _no_file(404, "There is no such file.")
    # A file may be published anew under the same key (faces blurred later): size and time belong to its identity.
    etag = f'"{hashlib.sha256(f"{key}|{file.size}|{changed}".encode()).hexdigest()[:32]}"'
    headers = _headers(key, etag, seconds_left)
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        file.close()
        return _with(headers, unchanged)
    return _with(headers, _body(file, file.size, _asked_span(request, file.size, etag)))


def _with(headers: dict[str, str], response: HttpResponseBase) -> HttpResponseBase:
    for name, value in headers.items():
        response.headers[name] = value
    return response


def _headers(key: str, etag: str, seconds_left: int) -> dict[str, str]:
    """Headers that hold for the whole file, a part of it and "not modified" alike."""
    content_type = CONTENT_TYPES.get(PurePosixPath(key).suffix.lower())
    return {
        "Content-Type": content_type or "application/octet-stream",
        "Content-Disposition": "inline" if content_type else "attachment",
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": f"private, max-age={seconds_left}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }


def _asked_span(request: HttpRequest, size: int, etag: str) -> Span | None:
    """The single byte range asked for; None for the whole file. A span that begins behind the end is empty.

    Several ranges, unknown units and a range of another version (If-Range) are answered with the whole file, as
    RFC 9110 (14.2) allows.
    """
    match = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if match is None or request.headers.get("If-Range", etag) != etag or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        return Span(max(0, size - int(last)), size - 1)
    end = min(int(last), size - 1) if last else size - 1
    return None if last and int(last) < int(first) else Span(int(first), end)


def _body(file: IO[bytes], size: int, span: Span | None) -> HttpResponseBase:
    if span is None:
        return FileResponse(file, headers={"Content-Length": str(size)})
    if span.length <= 0:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    headers = {"Content-Range": f"bytes {span.first}-{span.last}/{size}", "Content-Length": str(span.length)}
    return StreamingHttpResponse(_chunks(file, span), status=206, headers=headers)


def _chunks(file: IO[bytes], span: Span) -> Iterator[bytes]:
    with closing(file):
        file.seek(span.first)
        left = span.length
        while left > 0 and (chunk := file.read(min(_CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
