"""Multipart bodies: each file goes to disk as it arrives, hashed on the way, and no further than its limit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, Final, cast

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParser
from django.utils.datastructures import MultiValueDict
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, DataAndFiles

#: Bytes asked of the server at a time, and handed to the parser at a time: with the parser's look-behind this is all
#: that is held of a body.
BLOCK_BYTES: Final = 512 * 1024
CHUNK_BYTES: Final = 128 * 1024
#: Enough to hold the closing boundary (70 characters by RFC 2046, 201 by Django) and a little after it.
TAIL_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class PartLimits:
    """What is kept of a body: `max_files` files of the form field `field`, each of at most `max_bytes(name)` bytes."""

    field: str
    max_files: int
    max_bytes: Callable[[str], int]


class IncomingPart(TemporaryUploadedFile):
    """One file of a body. `is_kept` is false if it is beyond the limits: its size is known then, its bytes are gone."""

    def __init__(self, name: str, content_type: str, extra: dict[str, Any] | None) -> None:
        # The name on disk is ours: the client's may be too long for a file system.
        super().__init__("part", content_type, 0, None, extra)
        self.name = name
        self.is_kept = True
        self._hash = hashlib.sha256()

    @property
    def disk(self) -> BinaryIO:
        """The file on disk, readable and seekable; only of a part that is kept."""
        # Without the wrapper that deletes it on closing, which costs more than many of the small reads it passes on.
        return cast("BinaryIO", cast("IO[bytes]", self.file).file)  # type: ignore[attr-defined]

    @property
    def sha256(self) -> str:
        """The hexadecimal SHA-256 of the bytes that were kept."""
        return self._hash.hexdigest()

    def add(self, data: bytes, *, most: int) -> None:
        """Take the next bytes; beyond `most` they are only counted."""
        self.size = (self.size or 0) + len(data)
        if self.is_kept and self.size > most:
            self.drop()
        if self.is_kept:
            self._hash.update(data)
            self.disk.write(data)

    def drop(self) -> None:
        """Give the disk space back."""
        self.is_kept = False
        self.close()


class IncomingHandler(FileUploadHandler):
    """Makes an IncomingPart of each file of a body."""

    chunk_size = CHUNK_BYTES

    def __init__(self, limits: PartLimits) -> None:
        super().__init__()
        self.limits = limits
        self.parts: list[IncomingPart] = []
        self._most = 0

    def new_file(
        self,
        field_name: str,
        file_name: str,
        content_type: str,
        content_length: int | None,
        charset: str | None = None,
        content_type_extra: dict[str, Any] | None = None,
    ) -> None:
        """Open the next part; one too many, or in a field that takes no files, is only counted."""
        super().new_file(field_name, file_name, content_type, content_length, charset, content_type_extra)
        part = IncomingPart(file_name, content_type, content_type_extra)
        self.parts.append(part)
        self._most = self.limits.max_bytes(file_name)
        if field_name != self.limits.field or len(self.parts) > self.limits.max_files:
            part.drop()

    def receive_data_chunk(self, raw_data: bytes, _start: int) -> None:
        """Pass the bytes on to the current part."""
        self.parts[-1].add(raw_data, most=self._most)

    def file_complete(self, _file_size: int) -> IncomingPart:
        """The finished part, ready to be read."""
        part = self.parts[-1]
        if part.is_kept:
            part.seek(0)
        return part

    def drop_all(self) -> None:
        """Leave nothing on disk of a body that did not end well."""
        for part in self.parts:
            part.drop()


class _Blocks:
    """A stream that is read in blocks, handed out in pieces, and watched for the boundaries in it.

    The server copies whatever it has read ahead at every call, so few large reads cost much less than many small ones;
    the parser in turn is fastest with pieces that stay in the processor's cache.
    """

    def __init__(self, stream: IO[bytes], boundary: str) -> None:
        self._stream = stream
        self._opening = f"--{boundary}\r\n".encode()
        self._closing = f"--{boundary}--".encode()
        self._block = self._tail = b""
        self._at = 0
        self.parts = 0

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        if self._at >= len(self._block):
            self._next()
        piece = self._block[self._at : self._at + size]
        self._at += len(piece)
        return piece

    @property
    def is_closed(self) -> bool:
        """Whether what was read ends with the closing boundary (RFC 2046, 5.1.1)."""
        return self._closing in self._tail

    def _next(self) -> None:
        self._block, self._at = self._stream.read(BLOCK_BYTES), 0
        edge = len(self._opening) - 1
        seam = self._tail[-edge:] + self._block[:edge]
        self.parts += seam.count(self._opening) + self._block.count(self._opening)
        self._tail = (self._tail + self._block[-TAIL_BYTES:])[-TAIL_BYTES:]


class IncomingMultiPartParser(BaseParser):
    """Parses multipart bodies by the `part_limits` of the view; ParseError for one that is broken or ends early."""

    media_type = "multipart/form-data"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> DataAndFiles[Any, Any]:
        """The fields as a QueryDict, the files as a MultiValueDict of IncomingPart."""
        context = parser_context or {}
        handler = IncomingHandler(context["view"].part_limits)
        try:
            return DataAndFiles(*_parse(stream, media_type or "", context, handler))
        except BaseException:
            handler.drop_all()
            raise


def _parse(
    stream: IO[Any], media_type: str, context: Mapping[str, Any], handler: IncomingHandler
) -> tuple[Any, MultiValueDict[str, Any]]:
    meta = {**context["request"].META, "CONTENT_TYPE": media_type}
    try:
        blocks = _Blocks(stream, parse_header_parameters(media_type)[1].get("boundary", ""))
        parser = MultiPartParser(meta, blocks, [handler], settings.DEFAULT_CHARSET)  # type: ignore[arg-type]
    except ValueError as error:
        raise ParseError("the content type is malformed") from error
    data, files = parser.parse()
    # Django takes the end of the stream for the end of the body, and passes over parts whose header it cannot read: a
    # client that was cut off, or names files in Latin-1, would have photos silently missing.
    if not blocks.is_closed:
        raise ParseError("the body ended early")
    if blocks.parts > len(handler.parts) + sum(len(values) for _, values in data.lists()):
        raise ParseError("a part of the body has no name in UTF-8")
    return data, files
