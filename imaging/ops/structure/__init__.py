"""Readers of container structure: picture size and completeness from headers, without decoding a pixel.

Own code because no library answers the question asked here: "is the file whole?". Pillow, libheif and FFmpeg find a
missing end only while they decode, which is too late for a refusal in the web request and lets hostile bytes reach
their decoders there. Each reader costs a few seeks and constant memory, whatever the file's length.
"""

from collections.abc import Callable

from imaging.ops.sniffing import MediaKind
from imaging.ops.structure import ebml, isobmff, jpeg, png, riff
from imaging.ops.structure.source import Header, Source

__all__ = ["READERS", "Header", "Source"]

READERS: dict[MediaKind, Callable[[Source], Header]] = {
    MediaKind.JPEG: jpeg.read_header,
    MediaKind.PNG: png.read_header,
    MediaKind.HEIC: isobmff.read_photo_header,
    MediaKind.WEBP: riff.read_webp_header,
    MediaKind.MP4: isobmff.read_video_header,
    MediaKind.MOV: isobmff.read_video_header,
    MediaKind.WEBM: ebml.read_header,
    MediaKind.MKV: ebml.read_header,
    MediaKind.AVI: riff.read_avi_header,
}
