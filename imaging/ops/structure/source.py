"""A seekable file whose every read is checked against its length."""

import io
from dataclasses import dataclass
from typing import BinaryIO

from imaging.ops.errors import truncated

# More boxes, chunks or segments than this is an attack on the reader, not a recording.
MAX_PARTS = 100_000


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says: size in pixels as shown (after rotation) and, for a video that says so, its seconds."""

    width: int
    height: int
    duration_s: float | None = None


class Source:
    """Random access to a file of known length (`size`, bytes)."""

    def __init__(self, file: BinaryIO) -> None:
        """Measure `file`; it is moved about and left wherever the last read ended."""
        self._file = file
        self.size = file.seek(0, io.SEEK_END)

    def at(self, offset: int, count: int) -> bytes:
        """Return exactly `count` bytes from `offset`; UnusableMedia (truncated) where the file ends before."""
        if offset + count > self.size:
            raise truncated()
        self._file.seek(offset)
        data = self._file.read(count)
        if len(data) < count:
            raise truncated()
        return data

    def upto(self, offset: int, count: int) -> bytes:
        """Return at most `count` bytes from `offset`, fewer at the end of the file."""
        return self.at(offset, max(0, min(count, self.size - offset)))

    def uint(self, offset: int, count: int) -> int:
        """Return the big-endian unsigned number in the `count` bytes at `offset`."""
        return int.from_bytes(self.at(offset, count), "big")

    def uint_le(self, offset: int, count: int) -> int:
        """Return the little-endian unsigned number in the `count` bytes at `offset`."""
        return int.from_bytes(self.at(offset, count), "little")
