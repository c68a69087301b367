"""JPEG (ITU T.81, annex B): frame size, and whether the end-of-image marker is there."""

import re

from imaging.ops.errors import malformed, truncated
from imaging.ops.structure.exif import orientation, shown_size
from imaging.ops.structure.source import Header, Source

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # neither a stuffed 0xFF, nor fill, nor a restart marker
_SOI, _EOI, _SOS, _APP1, _TEM = 0xD8, 0xD9, 0xDA, 0xE1, 0x01
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # C4, C8 and CC are tables and extensions, not frames
_EXIF_ID = b"Exif\0\0"
_WINDOW = 1 << 16
_LENGTH_BYTES = 2  # the length of a segment counts its own two bytes
# Real files stay far below: ICC and MPF use some 300 segments, progressive encoders ten scans. A thousand tiny scans
# over a large frame is a known way to burn hours in a decoder.
_MAX_SEGMENTS = 4096
_MAX_SCANS = 100


def read_header(source: Source) -> Header:
    """Return the shown size of the JPEG in `source`; UnusableMedia if its end is missing or its structure broken.

    The walk goes segment by segment, so that the end marker of a thumbnail inside EXIF never counts as the end, and
    stops at the true one: what phones append behind it (second pictures, short videos) is not judged.
    """
    size: tuple[int, int] | None = None
    turned, scans, offset = 1, 0, 2
    for _ in range(_MAX_SEGMENTS):
        marker, offset = _next_marker(source, offset)
        if marker == _EOI:
            return _header(size, turned, scans)
        if marker in (_SOI, _TEM):
            continue
        payload, end = offset + 2, _segment_end(source, offset)
        if marker in _SOF:
            size = (source.uint(payload + 3, 2), source.uint(payload + 1, 2))
        elif marker == _APP1 and source.upto(payload, 6) == _EXIF_ID:
            turned = orientation(source.at(payload, end - payload))
        elif marker == _SOS:
            scans += 1
        offset = end
    raise malformed("it has more segments than any camera writes")


def _header(size: tuple[int, int] | None, turned: int, scans: int) -> Header:
    """Return the header of a file walked to its end."""
    if size is None or not scans:
        raise malformed("it holds no picture")
    if scans > _MAX_SCANS:
        raise malformed("it has more scans than any camera writes")
    return Header(*shown_size(*size, turned))


def _segment_end(source: Source, offset: int) -> int:
    """Return the offset behind the segment whose length field is at `offset`."""
    length = source.uint(offset, 2)
    if length < _LENGTH_BYTES:
        raise malformed("a segment has no length")
    if offset + length > source.size:
        raise truncated()
    return offset + length


def _next_marker(source: Source, offset: int) -> tuple[int, int]:
    """Return the next marker at or behind `offset` and the offset behind it, as tolerant of stray bytes as libjpeg."""
    while offset < source.size:
        window = source.upto(offset, _WINDOW)
        found = _MARKER.search(window)
        if found:
            return window[found.start() + 1], offset + found.end()
        # A lone 0xFF at the edge may be the first half of a marker: it is read again with the next window.
        offset += max(1, len(window) - 1)
    raise truncated()
