"""WebM and Matroska (RFC 8794, RFC 9559): size, duration, and whether the segment is complete."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from imaging.ops.errors import malformed, truncated
from imaging.ops.structure.source import MAX_PARTS, Header, Source

_SEGMENT, _INFO, _TRACKS, _CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
_TIMESTAMP_SCALE, _DURATION = 0x2AD7B1, 0x4489
_TRACK_ENTRY, _TRACK_TYPE, _VIDEO, _PIXEL_WIDTH, _PIXEL_HEIGHT = 0xAE, 0x83, 0xE0, 0xB0, 0xBA
_PICTURE_TRACK = 1
_DEFAULT_SCALE_NS = 1_000_000
_MAX_UINT_BYTES = 8
_FLOATS = {4: ">f", 8: ">d"}


@dataclass(frozen=True, slots=True)
class _Element:
    name: int
    start: int  # of the payload
    end: int
    is_open: bool  # written live: the size was unknown, the end is that of the file


def read_header(source: Source) -> Header:
    """Return size and duration of the video in `source`; duration None for a live recording, which has none."""
    header = _element(source, 0, source.size)
    segment = _element(source, header.end, source.size)
    if segment.name != _SEGMENT:
        raise malformed("its parts do not fit together")
    parts = _parts(source, segment)
    if _TRACKS not in parts or _CLUSTER not in parts:
        raise truncated()
    width, height = _picture_size(source, parts[_TRACKS])
    return Header(width, height, _duration(source, parts.get(_INFO)))


def _parts(source: Source, segment: _Element) -> dict[int, _Element]:
    """Return the first element of each kind in the segment, up to a cluster of unknown size."""
    parts: dict[int, _Element] = {}
    for element in _children(source, segment):
        parts.setdefault(element.name, element)
        if element.is_open or {_TRACKS, _INFO, _CLUSTER} <= parts.keys():
            break
    return parts


def _children(source: Source, parent: _Element) -> Iterator[_Element]:
    """Yield the elements inside `parent`."""
    offset = parent.start
    for _ in range(MAX_PARTS):
        if offset >= parent.end:
            return
        element = _element(source, offset, parent.end)
        yield element
        offset = element.end
    raise malformed("it has more parts than any recording needs")


def _element(source: Source, offset: int, end: int) -> _Element:
    """Return the element at `offset`; truncated where it reaches beyond `end`."""
    name_bytes, name = _vint(source, offset, keep_marker=True)
    size_bytes, size = _vint(source, offset + name_bytes, keep_marker=False)
    start = offset + name_bytes + size_bytes
    if size == (1 << (7 * size_bytes)) - 1:  # all ones: "unknown" (RFC 8794, 6.2)
        return _Element(name, start, end, is_open=True)
    if start + size > end:
        raise truncated()
    return _Element(name, start, start + size, is_open=False)


def _vint(source: Source, offset: int, *, keep_marker: bool) -> tuple[int, int]:
    """Return length in bytes and value of the variable-size integer at `offset` (RFC 8794, 4)."""
    first = source.uint(offset, 1)
    if not first:
        raise malformed("its parts do not fit together")
    length = 9 - first.bit_length()
    value = source.uint(offset, length)
    return length, value if keep_marker else value & ((1 << (7 * length)) - 1)


def _number(source: Source, parent: _Element, name: int, default: int = 0) -> int:
    """Return the unsigned value of the child called `name`."""
    child = next((element for element in _children(source, parent) if element.name == name), None)
    length = child.end - child.start if child else 0
    return source.uint(child.start, length) if child and length <= _MAX_UINT_BYTES else default


def _picture_size(source: Source, tracks: _Element) -> tuple[int, int]:
    """Return the size of the first picture track."""
    for entry in _children(source, tracks):
        if entry.name != _TRACK_ENTRY or _number(source, entry, _TRACK_TYPE) != _PICTURE_TRACK:
            continue
        video = next((element for element in _children(source, entry) if element.name == _VIDEO), None)
        if video is not None:
            return _number(source, video, _PIXEL_WIDTH), _number(source, video, _PIXEL_HEIGHT)
    raise malformed("it has no picture track")


def _duration(source: Source, info: _Element | None) -> float | None:
    """Return the seconds in the Info element: a float of 4 or 8 bytes times the timestamp scale in nanoseconds."""
    ticks = next((e for e in _children(source, info) if e.name == _DURATION), None) if info else None
    length = ticks.end - ticks.start if ticks else 0
    if info is None or ticks is None or length not in _FLOATS:
        return None
    value: float = struct.unpack(_FLOATS[length], source.at(ticks.start, length))[0]
    seconds = value * _number(source, info, _TIMESTAMP_SCALE, _DEFAULT_SCALE_NS) / 1e9
    return seconds if 0 < seconds < float("inf") else None
