"""Judging an uploaded file in the web request: cheaply, from its structure, before anything is stored or decoded."""

from dataclasses import dataclass
from typing import BinaryIO

from imaging.ops.errors import Fault, UnusableMedia, malformed
from imaging.ops.sniffing import SNIFF_BYTES, MediaKind, sniff
from imaging.ops.structure import READERS, Header, Source

__all__ = ["Fault", "Limits", "MediaFacts", "MediaKind", "UnusableMedia", "check_pixels", "judge", "probe", "sniff"]

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest file that is accepted: bytes and pixels of a photo, bytes and pixels of a frame of a video.

    Photos default to 30 MiB and to the number of pixels above which Pillow itself begins to warn (89 megapixels: a
    decoded photo then takes 270 MB). Videos default to just under 100 MiB and 8K frames. `kinds` narrows what is
    accepted further, for a door whose list is shorter than what can be decoded.
    """

    max_photo_bytes: int = 30 * _MIB
    max_photo_pixels: int = 89_478_485
    max_video_bytes: int = 100 * _MIB - 1
    max_video_pixels: int = 8192 * 4352
    max_side: int = 20_000
    kinds: frozenset[MediaKind] = frozenset(READERS)


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What a file says about itself: size in pixels as shown (rotation applied), bytes, seconds of a video."""

    kind: MediaKind
    width: int
    height: int
    size_bytes: int
    duration_s: float | None = None


def judge(file: BinaryIO, *, limits: Limits | None = None) -> MediaFacts:
    """Return the facts of a seekable `file`, or raise UnusableMedia with the reason why it is refused.

    Looks at magic bytes, header and structural end only; no pixel is decoded, memory stays constant but for the
    tables of contents of HEIC (4 MiB at most). The file is rewound in either case.
    """
    try:
        return _judge(file, limits or Limits())
    finally:
        file.seek(0)


def probe(file: BinaryIO) -> tuple[MediaKind, Header]:
    """Return kind and header of a seekable `file` without applying limits; UnusableMedia if it is broken.

    Leaves the file wherever the last read ended.
    """
    source = Source(file)
    kind = _kind(source)
    if kind not in READERS:
        raise _unsupported(kind)
    return kind, _header(source, kind)


def _judge(file: BinaryIO, limits: Limits) -> MediaFacts:
    """Check from the cheapest to the dearest: type, bytes, structure, pixels."""
    source = Source(file)
    kind = _kind(source)
    if kind not in limits.kinds or kind not in READERS:
        raise _unsupported(kind)
    _check_bytes(kind, source.size, limits)
    header = _header(source, kind)
    _check_pixels(kind, header, limits)
    return MediaFacts(kind, header.width, header.height, source.size, header.duration_s)


def _kind(source: Source) -> MediaKind:
    if not source.size:
        raise UnusableMedia(Fault.EMPTY, "The file is empty.")
    return sniff(source.upto(0, SNIFF_BYTES))


def _header(source: Source, kind: MediaKind) -> Header:
    header = READERS[kind](source)
    if header.width < 1 or header.height < 1:
        raise malformed("its picture has no size")
    return header


def _unsupported(kind: MediaKind) -> UnusableMedia:
    """Name the content found, since the file name may promise something else."""
    found = "neither a photo nor a video" if kind is MediaKind.OTHER else f"of the type {kind.name}"
    return UnusableMedia(Fault.UNSUPPORTED, f"The file cannot be accepted: its content is {found}.")


def _check_bytes(kind: MediaKind, size: int, limits: Limits) -> None:
    most = limits.max_video_bytes if kind.is_video else limits.max_photo_bytes
    if size > most:
        sizes = f"{size / _MIB:.1f} MB; at most {most / _MIB:.0f} MB are accepted"
        raise UnusableMedia(Fault.TOO_LARGE, f"The file is too large: {sizes}.")


def _check_pixels(kind: MediaKind, header: Header, limits: Limits) -> None:
    most = limits.max_video_pixels if kind.is_video else limits.max_photo_pixels
    check_pixels(header.width, header.height, max_pixels=most, max_side=limits.max_side)


def check_pixels(width: int, height: int, *, max_pixels: int, max_side: int | None = None) -> None:
    """Raise UnusableMedia if a picture of `width` x `height` px is more than may be decoded."""
    if width * height > max_pixels:
        most = f"at most {max_pixels / 1e6:.0f} megapixels are accepted"
    elif max_side and max(width, height) > max_side:
        most = f"at most {max_side:,} pixels a side are accepted"
    else:
        return
    raise UnusableMedia(Fault.TOO_LARGE, f"The picture is too large: {width:,} x {height:,} pixels; {most}.")
