"""The one EXIF field that changes how a picture is shown."""

import struct

from PIL import ExifTags, Image

_UPRIGHT = 1
_ORIENTATIONS = range(1, 9)
_SIDEWAYS = frozenset({5, 6, 7, 8})
# What Pillow's TIFF reader raises on tags written by broken or hostile software.
_BROKEN_EXIF = (SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OSError, struct.error)


def orientation(exif: bytes) -> int:
    """Return the EXIF orientation 1..8 of a raw EXIF block; 1 (upright) where there is none or it makes no sense."""
    tags = Image.Exif()
    try:
        tags.load(exif)
        value = tags.get(ExifTags.Base.Orientation)
    except _BROKEN_EXIF:
        return _UPRIGHT
    return value if isinstance(value, int) and value in _ORIENTATIONS else _UPRIGHT


def shown_size(width: int, height: int, exif_orientation: int) -> tuple[int, int]:
    """Return (width, height) as shown once the orientation is applied."""
    return (height, width) if exif_orientation in _SIDEWAYS else (width, height)
