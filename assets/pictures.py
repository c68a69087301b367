"""The smaller pictures beside a published one: which there are, and where they lie."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

#: Name to the longest side in pixels; a picture that is smaller is not enlarged.
THUMBNAILS: Final[Mapping[str, int]] = {"small": 320, "large": 960}


def thumbnail_key(published: str, name: str) -> str:
    """The storage key of one thumbnail (`name` of THUMBNAILS) of the picture that is published under this key."""
    return str(PurePosixPath(published).with_suffix(f".{name}.webp"))


def thumbnail_keys(published: str) -> list[str]:
    """The storage keys of all thumbnails of a published picture; none for none."""
    return [thumbnail_key(published, name) for name in THUMBNAILS] if published else []
