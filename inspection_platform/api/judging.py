"""What every family asks of the photos and videos that clients upload: extension, declared type, content."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from django.conf import settings

from assets.services.uploads import IncomingFile
from imaging.jobs.fetch import MAX_VIDEO_BYTES, media_limits
from imaging.ops.media import MediaFacts, UnusableMedia, judge
from inspection_platform.api.incoming import IncomingPart

PHOTO_EXTENSIONS: Final = frozenset({".jpg", ".jpeg", ".png", ".jfif", ".heic"})
VIDEO_EXTENSIONS: Final = frozenset({".mp4", ".webm", ".mov", ".mkv", ".avi"})
EXTENSIONS: Final = PHOTO_EXTENSIONS | VIDEO_EXTENSIONS
#: What clients declare that know nothing about a file (curl does so for .heic and every video): the content decides.
UNDECLARED: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})


def extension_of(name: str) -> str:
    """The extension in lower case, dot included; "" without one (an address often has none)."""
    return PurePosixPath(name).suffix.lower()


def most_bytes(name: str) -> int:
    """How large a file of this name may be: beyond it nothing is kept of it while it arrives."""
    extension = extension_of(name)
    if extension in VIDEO_EXTENSIONS:
        return MAX_VIDEO_BYTES - 1
    return settings.MAX_PHOTO_BYTES if extension in PHOTO_EXTENSIONS else 0


def is_media_type(declared: str) -> bool:
    """Whether a declared content type may be that of a photo or a video."""
    plain = declared.partition(";")[0].strip().lower()
    return plain in UNDECLARED or plain.startswith(("image/", "video/"))


def part_judged(part: IncomingPart, *, camera: str = "") -> IncomingFile:
    """The part as a judged file; UnusableMedia if its content is broken, or not what its name says."""
    facts = _facts(part)
    return IncomingFile(
        name=part.name or "", file=part, size=facts.size_bytes, sha256=part.sha256, kind=str(facts.kind),
        width=facts.width, height=facts.height, camera=camera,
    )  # fmt: skip


def _facts(part: IncomingPart) -> MediaFacts:
    if not part.is_kept:
        megabytes = settings.MAX_PHOTO_BYTES // 1_000_000
        raise UnusableMedia("too_large", f"The file is too large: at most {megabytes} MB are accepted.")
    facts = judge(part.disk, limits=media_limits())
    if facts.kind.is_video != (extension_of(part.name or "") in VIDEO_EXTENSIONS):
        found = "a video" if facts.kind.is_video else "a photo"
        raise UnusableMedia("disguised", f"The file is {found}, which its extension does not say.")
    return facts
