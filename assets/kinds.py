"""Words for what a file's content is: those of `imaging.ops.media.MediaKind`, which `assets` may not import.

A test holds both lists together.
"""

from __future__ import annotations

from typing import Final

PHOTO_KINDS: Final = frozenset({"jpeg", "png", "heic", "webp", "avif", "gif"})
VIDEO_KINDS: Final = frozenset({"mp4", "mov", "webm", "mkv", "avi"})


def kind_extension(kind: str) -> str:
    """The extension, dot included, that a stored file of this kind gets; `.bin` for an unknown one."""
    if kind == "jpeg":
        return ".jpg"
    return f".{kind}" if kind in PHOTO_KINDS | VIDEO_KINDS else ".bin"
