"""RIFF files: AVI (with the OpenDML extension) and WebP (RFC 9649): sizes, and whether every chunk is complete."""

from collections.abc import Iterator
from dataclasses import dataclass

from imaging.ops.errors import malformed, truncated
from imaging.ops.structure.exif import orientation, shown_size
from imaging.ops.structure.source import MAX_PARTS, Header, Source

_LISTS = frozenset({b"RIFF", b"LIST"})
_MAX_EXIF_BYTES = 1 << 16
_CHUNK_HEADER_BYTES = 8
# A recorder that was switched off, or wrote to a pipe, never came back to fill in the length.
_UNKNOWN_SIZES = frozenset({0, 0xFFFFFFFF})


@dataclass(frozen=True, slots=True)
class _Chunk:
    name: bytes  # of a list: its type
    start: int  # of the payload, behind the type of a list
    end: int


def read_avi_header(source: Source) -> Header:
    """Return size and duration of the AVI in `source`, from its first picture stream."""
    riffs = list(_chunks(source, 0, source.size))
    if not riffs:
        raise truncated()
    lists = {chunk.name: chunk for chunk in _chunks(source, riffs[0].start, riffs[0].end)}
    if b"hdrl" not in lists or b"movi" not in lists:
        raise truncated()
    main = next(_chunks(source, lists[b"hdrl"].start, lists[b"hdrl"].end), None)
    if main is None or main.name != b"avih":
        raise malformed("its header is missing")
    width, height = source.uint_le(main.start + 32, 4), source.uint_le(main.start + 36, 4)
    return Header(width, height, _avi_duration(source, lists[b"hdrl"]))


def read_webp_header(source: Source) -> Header:
    """Return the shown size of the WebP in `source`."""
    chunks = [chunk for riff in _chunks(source, 0, 12) for chunk in _chunks(source, riff.start, riff.end)]
    by_name = {chunk.name: chunk for chunk in reversed(chunks)}
    if not by_name.keys() & {b"VP8 ", b"VP8L", b"ANMF"}:
        raise truncated()
    exif = by_name.get(b"EXIF")
    turned = 1
    if exif and exif.end - exif.start <= _MAX_EXIF_BYTES:
        turned = orientation(source.at(exif.start, exif.end - exif.start))
    return Header(*shown_size(*_webp_size(source, chunks[0]), turned))


def _chunks(source: Source, start: int, end: int) -> Iterator[_Chunk]:
    """Yield the chunks between two offsets; each must lie within the file."""
    for _ in range(MAX_PARTS):
        if end - start < _CHUNK_HEADER_BYTES:
            return
        name, size = source.at(start, 4), source.uint_le(start + 4, 4)
        stop = source.size if name in _LISTS and size in _UNKNOWN_SIZES else start + 8 + size
        if stop > source.size:
            raise truncated()
        is_list = name in _LISTS
        yield _Chunk(source.at(start + 8, 4) if is_list else name, start + (12 if is_list else 8), stop)
        start = stop + (stop - start) % 2  # chunks are padded to an even length
    raise malformed("it has more parts than any recording needs")


def _avi_duration(source: Source, headers: _Chunk) -> float | None:
    """Return length x scale / rate of the first picture stream's `strh`, None where it says nothing."""
    for stream in _chunks(source, headers.start, headers.end):
        header = next(_chunks(source, stream.start, stream.end), None) if stream.name == b"strl" else None
        if header and header.name == b"strh" and source.at(header.start, 4) == b"vids":
            scale, rate = source.uint_le(header.start + 20, 4), source.uint_le(header.start + 24, 4)
            return source.uint_le(header.start + 32, 4) * scale / rate or None if rate else None
    raise malformed("it has no picture track")


def _webp_size(source: Source, chunk: _Chunk) -> tuple[int, int]:
    """Return the size stated by the first chunk: extended, lossless or lossy (RFC 9649, 2.5 to 2.7)."""
    if chunk.name == b"VP8X":
        return 1 + source.uint_le(chunk.start + 4, 3), 1 + source.uint_le(chunk.start + 7, 3)
    if chunk.name == b"VP8L":
        bits = source.uint_le(chunk.start + 1, 4)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk.name == b"VP8 ":
        return source.uint_le(chunk.start + 6, 2) & 0x3FFF, source.uint_le(chunk.start + 8, 2) & 0x3FFF
    raise malformed("its header is missing")
