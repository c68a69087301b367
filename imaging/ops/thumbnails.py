"""Small pictures of a photo that is fit to be seen."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

_QUALITY = 80
#: How hard the encoder tries, 0 to 6: from here on it takes much longer and saves little.
_EFFORT = 2


def thumbnails(jpeg: bytes, *, sides: Sequence[int]) -> list[bytes]:
    """Return a WebP for each of `sides`, the longest side in pixels: without metadata, never larger than the photo.

    `jpeg` is a picture as `encode_published` makes it. It is decoded once, at a fraction of its size.
    """
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as picture:
        most = max(sides)
        picture.draft("RGB", (2 * most, 2 * most))
        picture.load()
        return [_small(picture, side) for side in sides]


def _small(picture: Image.Image, side: int) -> bytes:
    small = picture.copy()
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=_QUALITY, method=_EFFORT, exif=b"", icc_profile=None)
    return buffer.getvalue()
