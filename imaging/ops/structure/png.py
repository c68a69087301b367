"""PNG (W3C PNG, third edition, 5): picture size from IHDR, and whether IEND is there."""

from collections.abc import Iterator

from imaging.ops.errors import malformed, truncated
from imaging.ops.structure.exif import orientation, shown_size
from imaging.ops.structure.source import MAX_PARTS, Header, Source

_SIGNATURE_BYTES = 8
_FRAME_BYTES = 12  # length, type and checksum around the data of every chunk
_MAX_EXIF_BYTES = 1 << 16
_HEADER_BYTES = 13


def read_header(source: Source) -> Header:
    """Return the shown size of the PNG in `source`; UnusableMedia if a chunk or the end is missing."""
    turned, has_pixels = 1, False
    size: tuple[int, int] | None = None
    for name, offset, length in _chunks(source):
        if name == b"IHDR" and length == _HEADER_BYTES:
            size = (source.uint(offset, 4), source.uint(offset + 4, 4))
        elif size is None:
            raise malformed("its header is missing")
        elif name == b"eXIf" and length <= _MAX_EXIF_BYTES:
            turned = orientation(source.at(offset, length))
        elif name == b"IDAT":
            has_pixels = True
    if size is None or not has_pixels:
        raise malformed("it holds no picture")
    return Header(*shown_size(*size, turned))


def _chunks(source: Source) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, data offset, data length) of each chunk up to and including IEND."""
    offset = _SIGNATURE_BYTES
    for _ in range(MAX_PARTS):
        length, name = source.uint(offset, 4), source.at(offset + 4, 4)
        if offset + _FRAME_BYTES + length > source.size:
            raise truncated()
        yield name, offset + 8, length
        if name == b"IEND":
            return
        offset += _FRAME_BYTES + length
    raise malformed("it has more chunks than any picture needs")
