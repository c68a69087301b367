"""One small, sound file of each kind, made once for the tests of this directory."""

from collections.abc import Callable
from functools import cache

from imaging.ops.media import MediaKind
from tests import media

PHOTOS = (MediaKind.JPEG, MediaKind.PNG, MediaKind.WEBP, MediaKind.HEIC)
VIDEOS = (MediaKind.MP4, MediaKind.MOV, MediaKind.WEBM, MediaKind.MKV, MediaKind.AVI)
WIDTH, HEIGHT = 96, 64

PHOTO_MAKERS: dict[MediaKind, Callable[[int, int], bytes]] = {
    MediaKind.JPEG: media.jpeg,
    MediaKind.PNG: media.png,
    MediaKind.WEBP: media.webp,
    MediaKind.HEIC: media.heic,
}


@cache
def sample(kind: MediaKind) -> bytes:
    """Return a file of `kind` that shows 96 x 64 px; a video lasts two seconds."""
    if kind in PHOTO_MAKERS:
        return PHOTO_MAKERS[kind](WIDTH, HEIGHT)
    return media.video(2.0, (WIDTH, HEIGHT), container=kind.value)
