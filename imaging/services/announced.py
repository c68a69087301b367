"""The first look at files that clients put into the object store: whether they can be photos or videos at all."""

from __future__ import annotations

from assets.models import Upload
from imaging.jobs.fetch import media_limits
from imaging.ops.sniffing import sniff


def announced_fault(upload: Upload, head: bytes, size: int) -> str:
    """What is wrong with an announced file that begins with `head` and has `size` bytes; "" if nothing is so far.

    The `fetch` job judges the whole of it later.
    """
    limits = media_limits()
    kind = sniff(head)
    if not size:
        return "The file is empty."
    if kind not in limits.kinds:
        return "Its content is neither a photo nor a video that is accepted."
    if upload.size and upload.size != size:
        return f"It has {size} bytes, and {upload.size} were announced."
    most = limits.max_video_bytes if kind.is_video else limits.max_photo_bytes
    return f"It has {size} bytes; at most {most} are accepted." if size > most else ""
