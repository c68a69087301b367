"""Logos: small pictures of exact sizes, whose transparency is kept."""

from __future__ import annotations

import io
from typing import BinaryIO, Final

from PIL import Image

from imaging.ops.errors import Fault, UnusableMedia
from imaging.ops.media import Limits, MediaKind, judge

SIZES: Final = ((54, 54), (100, 100))
_FORMATS: Final = {MediaKind.PNG: "PNG", MediaKind.JPEG: "JPEG", MediaKind.WEBP: "WEBP"}


def logo_png(file: BinaryIO) -> tuple[str, bytes]:
    """Return the size in words (`54x54`) and the picture in `file` as PNG without metadata; UnusableMedia otherwise.

    Only its content is believed; it is decoded only if its header names one of SIZES.
    """
    facts = judge(file, limits=Limits(kinds=frozenset(_FORMATS)))
    if (facts.width, facts.height) not in SIZES:
        sizes = " or ".join(_words(size) for size in SIZES)
        found = _words((facts.width, facts.height))
        raise UnusableMedia(Fault.UNSUPPORTED, f"A logo has {sizes} pixels; this picture has {found}.")
    try:
        with Image.open(file, formats=[_FORMATS[facts.kind]]) as picture:
            pixels = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise UnusableMedia(Fault.NOT_DECODABLE, "The picture cannot be read: its content is damaged.") from error
    clean = Image.new(pixels.mode, pixels.size)
    clean.paste(pixels)
    buffer = io.BytesIO()
    clean.save(buffer, "PNG", optimize=True)
    return _words(clean.size), buffer.getvalue()


def _words(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
