"""ISO base media files (ISO 14496-12; HEIC: ISO 23008-12): sizes, duration, and whether every box is complete."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

from imaging.ops.errors import UnusableMedia, malformed, truncated
from imaging.ops.structure.source import MAX_PARTS, Header, Source

# Indexes beyond these are attacks: FFmpeg and libheif would build tables many times as large in memory.
_MAX_MOOV_BYTES = 16 << 20
_MAX_META_BYTES = 4 << 20
_BOX_HEADER_BYTES = 8


@dataclass(frozen=True, slots=True)
class _Box:
    name: bytes
    start: int  # of the payload
    end: int


def read_photo_header(source: Source) -> Header:
    """Return the shown size of the HEIC photo in `source`: that of its primary item, cropped and turned."""
    boxes = _top_boxes(source)
    meta = _find(boxes, b"meta")
    if meta is None or not _holds_pixels(source, boxes, meta):
        raise truncated()
    if meta.end - meta.start > _MAX_META_BYTES:
        raise malformed("its table of contents is too long")
    return _primary_item_size(Source(io.BytesIO(source.at(meta.start + 4, meta.end - meta.start - 4))))


def read_video_header(source: Source) -> Header:
    """Return shown size and duration of the video in `source`, from its first picture track."""
    boxes = _top_boxes(source)
    moov = _find(boxes, b"moov")
    if moov is None:
        raise truncated()
    if moov.end - moov.start > _MAX_MOOV_BYTES:
        raise malformed("its table of contents is too long")
    if not any(box.name == b"mdat" for box in boxes):
        raise truncated()
    width, height = _picture_track_size(source, moov)
    return Header(width, height, _duration(source, moov))


def _top_boxes(source: Source) -> list[_Box]:
    """Return the outermost boxes; one that reaches beyond the file means that the file was cut."""
    return list(_boxes(source, 0, source.size, beyond=truncated()))


def _inner(source: Source, box: _Box, skip: int = 0) -> Iterator[_Box]:
    """Yield the boxes inside `box`, whose own fields take the first `skip` bytes."""
    return _boxes(source, box.start + skip, box.end, beyond=malformed("its parts do not fit together"))


def _boxes(source: Source, start: int, end: int, *, beyond: UnusableMedia) -> Iterator[_Box]:
    """Yield the boxes between two offsets; raise `beyond` where one does not fit."""
    for _ in range(MAX_PARTS):
        if end - start < _BOX_HEADER_BYTES:
            # Fewer bytes than a box header: writers pad with zeros, a cut leaves anything else.
            if any(source.at(start, end - start)):
                raise beyond
            return
        box = _box(source, start, end)
        if box.end > end or box.end < box.start:
            raise beyond
        yield box
        start = box.end
    raise malformed("it has more parts than any recording needs")


def _box(source: Source, start: int, end: int) -> _Box:
    """Return the box whose header is at `start` (size 1: a 64-bit size follows; size 0: up to the end)."""
    size, name = source.uint(start, 4), source.at(start + 4, 4)
    if size == 1:
        return _Box(name, start + 16, start + source.uint(start + 8, 8))
    return _Box(name, start + 8, start + size if size else end)


def _find(boxes: Iterator[_Box] | list[_Box], name: bytes) -> _Box | None:
    """Return the first box called `name`."""
    return next((box for box in boxes if box.name == name), None)


def _descend(source: Source, box: _Box, *names: bytes) -> _Box | None:
    """Return the box found by following `names` inwards from `box`."""
    found: _Box | None = box
    for name in names:
        if found is None:
            return None
        found = _find(_inner(source, found), name)
    return found


# --- video ---------------------------------------------------------------------------------------------------------


def _duration(source: Source, moov: _Box) -> float | None:
    """Return the seconds of the movie header (8.2.2); None for fragmented files, which do not know it."""
    mvhd = _find(_inner(source, moov), b"mvhd")
    if mvhd is None:
        return None
    wide = source.uint(mvhd.start, 1) == 1
    at = mvhd.start + (20 if wide else 12)
    scale, ticks = source.uint(at, 4), source.uint(at + 4, 8 if wide else 4)
    return ticks / scale if scale and ticks else None


def _picture_track_size(source: Source, moov: _Box) -> tuple[int, int]:
    """Return the shown size of the first track whose handler is `vide`."""
    for track in _inner(source, moov):
        if track.name != b"trak":
            continue
        handler = _descend(source, track, b"mdia", b"hdlr")
        if handler and source.upto(handler.start + 8, 4) == b"vide":
            width, height = _coded_size(source, track)
            return (height, width) if _is_turned(source, track) else (width, height)
    raise malformed("it has no picture track")


def _coded_size(source: Source, track: _Box) -> tuple[int, int]:
    """Return the size in the first visual sample entry (12.1.3) of a track."""
    table = _descend(source, track, b"mdia", b"minf", b"stbl", b"stsd")
    entry = next(_inner(source, table, skip=8), None) if table else None
    if entry is None:
        raise malformed("its picture track is not described")
    return source.uint(entry.start + 24, 2), source.uint(entry.start + 26, 2)


def _is_turned(source: Source, track: _Box) -> bool:
    """Whether the track header's matrix (8.3.2) turns the picture by a quarter: cos = 0, sin = +-1."""
    header = _find(_inner(source, track), b"tkhd")
    if header is None:
        return False
    matrix = header.start + (52 if source.uint(header.start, 1) == 1 else 40)
    return source.uint(matrix, 4) == 0 and source.uint(matrix + 4, 4) != 0


# --- photo ---------------------------------------------------------------------------------------------------------


def _holds_pixels(source: Source, boxes: list[_Box], meta: _Box) -> bool:
    """Whether there is a place for the coded picture: `mdat` beside the table of contents or `idat` inside it."""
    return bool(_find(boxes, b"mdat") or _find(_inner(source, meta, skip=4), b"idat"))


def _primary_item_size(meta: Source) -> Header:
    """Return the size of the primary item, following its properties in their order (ISO 23008-12, 6.5)."""
    inside = list(_boxes(meta, 0, meta.size, beyond=malformed("its parts do not fit together")))
    pitm, iprp = _find(inside, b"pitm"), _find(inside, b"iprp")
    if pitm is None or iprp is None:
        raise malformed("it names no main picture")
    item = meta.uint(pitm.start + 4, 2 if meta.uint(pitm.start, 1) == 0 else 4)
    container = _find(_inner(meta, iprp), b"ipco")
    properties = list(_inner(meta, container)) if container else []
    size: tuple[int, int] | None = None
    for number in _property_numbers(meta, iprp, item):
        if 0 < number <= len(properties):
            size = _apply(meta, properties[number - 1], size)
    if size is None:
        raise malformed("the size of its main picture is missing")
    return Header(*size)


def _apply(meta: Source, box: _Box, size: tuple[int, int] | None) -> tuple[int, int] | None:
    """Return the size after one property: `ispe` states it, `clap` crops it, `irot` may swap its sides."""
    if box.name == b"ispe":
        return meta.uint(box.start + 4, 4), meta.uint(box.start + 8, 4)
    if box.name == b"clap":
        width, width_div, height, height_div = (meta.uint(box.start + at, 4) for at in (0, 4, 8, 12))
        return (round(width / width_div), round(height / height_div)) if width_div and height_div else size
    if box.name == b"irot" and size and meta.uint(box.start, 1) & 1:
        return size[1], size[0]
    return size


def _property_numbers(meta: Source, iprp: _Box, wanted: int) -> list[int]:
    """Return the numbers (from 1) of the properties of one item, from the `ipma` boxes (ISO 23008-12, 9.3)."""
    numbers: list[int] = []
    for box in _inner(meta, iprp):
        if box.name == b"ipma":
            numbers += _associations(meta, box).get(wanted, [])
    return numbers


def _associations(meta: Source, ipma: _Box) -> dict[int, list[int]]:
    """Return property numbers by item of one `ipma` box."""
    item_bytes = 2 if meta.uint(ipma.start, 1) == 0 else 4
    entry_bytes = 2 if meta.uint(ipma.start + 3, 1) & 1 else 1
    mask = (1 << (8 * entry_bytes - 1)) - 1  # the top bit says "essential"
    found: dict[int, list[int]] = {}
    offset = ipma.start + 8
    for _ in range(min(meta.uint(ipma.start + 4, 4), MAX_PARTS)):
        item, count = meta.uint(offset, item_bytes), meta.uint(offset + item_bytes, 1)
        offset += item_bytes + 1
        found[item] = [meta.uint(offset + at * entry_bytes, entry_bytes) & mask for at in range(count)]
        offset += count * entry_bytes
    return found
