"""Choosing the frames of a video that are worth looking at: spread over its time, the sharpest of each interval.

Three passes over the file, so that memory holds one candidate frame whatever the video's length:
1. demux only: when does the video end, where are its keyframes (no pixel decoded);
2. decode a few keyframes of each interval: how sharp are they;
3. decode again what was chosen. An interval whose keyframes are sharp gets the best of them; one that has none, or
   only blurred ones, has its groups of pictures decoded as a whole.
"""

import io
import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, BinaryIO

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from imaging.ops.errors import Fault, UnusableMedia, malformed, not_decodable
from imaging.ops.media import Limits, MediaKind, probe
from imaging.ops.motion import Shift, shift_between
from imaging.ops.quality import blur

if TYPE_CHECKING:
    from av.packet import Packet

    _Packet = Packet[VideoStream]  # generic in its stubs alone

__all__ = ["Frame", "Shift", "select_frames", "shift_between"]

# Naming the demuxer keeps FFmpeg from guessing: a playlist in disguise would make it open other files and addresses.
_DEMUXERS = {
    MediaKind.MP4: "mov",
    MediaKind.MOV: "mov",
    MediaKind.WEBM: "matroska",
    MediaKind.MKV: "matroska",
    MediaKind.AVI: "avi",
}
_FFMPEG_ERRORS = (av.error.FFmpegError, ValueError, OSError, EOFError, RuntimeError)
_StampedFrame = tuple[int, VideoFrame]
_MEASURED_SIDE = 480
_KEYFRAMES_TRIED = 4  # of an interval, before one is chosen
_FRAMES_MEASURED = 12  # of an interval that is decoded as a whole
# An interval is searched if its best keyframe is far below the median of those tried, or plainly blurred.
_SHARP_ENOUGH = 0.6
_PLAINLY_BLURRED = 0.3
# Decoding is what costs. Six thousand frames are three minutes at 30 a second without a single sharp keyframe.
_MAX_DECODED = 6000


@dataclass(frozen=True, slots=True)
class Frame:
    """A chosen frame.

    index: 0, 1, ... in the order of time. time_s: seconds from the first frame of the video. image: (height, width, 3)
    RGB, upright. sharpness: 0 (blurred) .. 1, one minus the blur of `imaging.ops.quality.blur`.
    """

    index: int
    time_s: float
    image: NDArray[np.uint8]
    sharpness: float


@dataclass(frozen=True, slots=True)
class _Outline:
    """What demuxing tells; stamps are in ticks of the stream's time base."""

    keyframes: tuple[int, ...]
    start: int
    end: int
    packets: int
    time_base: Fraction

    def seconds(self, stamp: int) -> float:
        """Return the seconds from the start of the video to `stamp`."""
        return float((stamp - self.start) * self.time_base)

    def share(self, stamp: int, parts: int) -> int:
        """Return which of `parts` equal stretches of the video holds `stamp`."""
        return min(parts - 1, max(0, (stamp - self.start) * parts // max(1, self.end - self.start)))


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which groups of pictures (named by the stamp of their keyframe) to decode: the keyframe alone, or all."""

    outline: _Outline
    intervals: int
    keyframes: Collection[int]
    groups: Collection[int]


def select_frames(source: str | Path | BinaryIO, *, limit: int, min_spacing_s: float = 0.2) -> Iterator[Frame]:
    """Yield at most `limit` frames of a video in the order of time, on average `min_spacing_s` or more apart.

    `source` is a path or a seekable file, which must stay open until the iterator ends. UnusableMedia is raised by the
    call itself if the video is broken, or by the first step if no frame of it can be decoded; damaged stretches within
    a video are passed over.
    """
    if limit < 1:
        raise ValueError("limit must be at least 1")
    with _opened(source) as file:
        plan = _plan(file, limit=limit, min_spacing_s=min_spacing_s)
    return _frames(source, plan)


@contextmanager
def _opened(source: str | Path | BinaryIO) -> Iterator[BinaryIO]:
    """Give the file behind `source`; only one opened here is closed again."""
    with Path(source).open("rb") if isinstance(source, str | Path) else nullcontext(source) as file:
        yield file


@contextmanager
def _video(file: BinaryIO) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Give container and picture stream of `file`; what FFmpeg cannot read becomes UnusableMedia."""
    kind, _ = probe(file)
    if kind not in _DEMUXERS:
        raise UnusableMedia(Fault.UNSUPPORTED, "The file is not a video.")
    file.seek(0, io.SEEK_SET)
    try:
        container = av.open(file, "r", format=_DEMUXERS[kind])
    except _FFMPEG_ERRORS as error:
        raise not_decodable("video") from error
    with container:
        if not container.streams.video:
            raise malformed("it has no picture track")
        stream = container.streams.video[0]
        if not stream.codec_context:  # FFmpeg has no decoder for it, whatever the stubs promise
            raise UnusableMedia(Fault.UNSUPPORTED, "The video cannot be read: its coding is unknown.")
        # Held by FFmpeg itself before it allocates, also when the size changes in mid-stream.
        stream.codec_context.options = {"max_pixels": str(Limits().max_video_pixels)}
        yield container, stream


# --- first and second pass: the plan -------------------------------------------------------------------------------


def _plan(file: BinaryIO, *, limit: int, min_spacing_s: float) -> _Plan:
    """Decide which groups of pictures are decoded, and how far."""
    outline = _outline(file)
    intervals = max(1, min(limit, outline.packets, math.ceil(outline.seconds(outline.end) / min_spacing_s)))
    by_interval = _keyframes_by_interval(outline, intervals)
    candidates = {stamp for stamps in by_interval.values() for stamp in stamps}
    sharpness = {stamp: _sharpness(frame) for stamp, frame in _decoded(file, keyframes=candidates, groups=())}
    chosen = _best_keyframes(by_interval, sharpness)
    groups = _groups_touching(outline, intervals, set(range(intervals)) - chosen.keys())
    return _Plan(outline, intervals, set(chosen.values()) - groups, groups)


def _outline(file: BinaryIO) -> _Outline:
    """Read through the file without decoding."""
    keyframes: set[int] = set()
    start, end, packets = 1 << 63, -(1 << 63), 0
    with _video(file) as (container, stream):
        for stamp, packet in _packets(container, stream):
            start, end = min(start, stamp), max(end, stamp + (packet.duration or 0))
            packets += 1
            if packet.is_keyframe:
                keyframes.add(stamp)
        time_base = stream.time_base or Fraction(1, 1000)
    if not keyframes:
        raise not_decodable("video")
    return _Outline(tuple(sorted(keyframes)), start, end, packets, time_base)


def _keyframes_by_interval(outline: _Outline, intervals: int) -> dict[int, list[int]]:
    """Return a few keyframes of each interval that has any, spread over it."""
    found: dict[int, list[int]] = {}
    for stamp in outline.keyframes:
        found.setdefault(outline.share(stamp, intervals), []).append(stamp)
    return {number: stamps[:: -(-len(stamps) // _KEYFRAMES_TRIED)] for number, stamps in found.items()}


def _best_keyframes(by_interval: dict[int, list[int]], sharpness: dict[int, float]) -> dict[int, int]:
    """Return the sharpest keyframe of each interval whose keyframes suffice."""
    enough = max(_PLAINLY_BLURRED, _SHARP_ENOUGH * median(sharpness.values() or [0.0]))
    best = {number: max(stamps, key=lambda stamp: sharpness.get(stamp, 0.0)) for number, stamps in by_interval.items()}
    return {number: stamp for number, stamp in best.items() if sharpness.get(stamp, 0.0) >= enough}


def _groups_touching(outline: _Outline, intervals: int, wanted: set[int]) -> set[int]:
    """Return the groups of pictures any part of which lies in a wanted interval."""
    ends = (*outline.keyframes[1:], outline.end)
    spans = (
        (stamp, range(outline.share(stamp, intervals), outline.share(end - 1, intervals) + 1))
        for stamp, end in zip(outline.keyframes, ends, strict=True)
    )
    return {stamp for stamp, span in spans if not wanted.isdisjoint(span)}


# --- third pass: the frames ----------------------------------------------------------------------------------------


def _frames(source: str | Path | BinaryIO, plan: _Plan) -> Iterator[Frame]:
    """Yield the sharpest decoded frame of each interval; holds one candidate at a time."""
    index = 0
    with _opened(source) as file:
        for stamp, sharpness, frame in _sharpest(file, plan):
            image = _upright(frame)
            if image is not None:
                yield Frame(index, plan.outline.seconds(stamp), image, sharpness)
                index += 1
    if not index:
        raise not_decodable("video")


def _sharpest(file: BinaryIO, plan: _Plan) -> Iterator[tuple[int, float, VideoFrame]]:
    """Yield (stamp, sharpness, frame) of the best frame of each interval."""
    outline, best, seen = plan.outline, None, -1
    for stamp, frame in _decoded(file, keyframes=plan.keyframes, groups=plan.groups):
        slot = outline.share(stamp, plan.intervals * _FRAMES_MEASURED)
        if slot <= seen:
            continue  # measured one close by already
        if best and slot // _FRAMES_MEASURED > seen // _FRAMES_MEASURED:
            yield best
            best = None
        seen, sharpness = slot, _sharpness(frame)
        if best is None or sharpness > best[1]:
            best = (stamp, sharpness, frame)
    if best:
        yield best


def _upright(frame: VideoFrame) -> NDArray[np.uint8] | None:
    """Return the pixels of a frame as (height, width, 3) RGB, turned as its display matrix says; None if unreadable."""
    try:
        pixels = frame.to_ndarray(format="rgb24")
    except _FFMPEG_ERRORS:
        return None
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)), np.uint8)


def _sharpness(frame: VideoFrame) -> float:
    """Return one minus the blur of a frame, measured small; 0 if it is unreadable."""
    scale = min(1.0, _MEASURED_SIDE / max(frame.width, frame.height))
    width, height = (max(1, round(side * scale)) for side in (frame.width, frame.height))
    try:
        grey = frame.reformat(width=width, height=height, format="gray").to_ndarray()
    except _FFMPEG_ERRORS:
        return 0.0
    return 1.0 - blur(grey.astype(np.uint8, copy=False))


# --- packets and decoder -------------------------------------------------------------------------------------------


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[tuple[int, "_Packet"]]:
    """Yield (stamp, packet) up to the end of the file or to the place where it cannot be read on."""
    try:
        for packet in container.demux(stream):
            stamp = packet.pts if packet.pts is not None else packet.dts
            if packet.size and stamp is not None:
                yield stamp, packet
    except _FFMPEG_ERRORS:
        return


def _decoded(file: BinaryIO, *, keyframes: Collection[int], groups: Collection[int]) -> Iterator[_StampedFrame]:
    """Yield (stamp, frame) of the given keyframes and of all frames in the given groups, in the order of time."""
    per_group = max(1, _MAX_DECODED // max(1, len(groups)))
    group, left = 0, 0
    with _video(file) as (container, stream):
        for stamp, packet in _packets(container, stream):
            if packet.is_keyframe:
                if left:
                    yield from _drained(stream, group)
                group = stamp
                left = per_group if stamp in groups else int(stamp in keyframes)
            if not left:
                continue
            yield from _stamped(_decode(stream, packet), group)
            left -= 1
            if not left:
                yield from _drained(stream, group)
        if left:
            yield from _drained(stream, group)


def _drained(stream: VideoStream, group: int) -> Iterator[_StampedFrame]:
    """Yield what the decoder still holds of a group and make it ready for another."""
    yield from _stamped(_decode(stream, None), group)
    stream.codec_context.flush_buffers()


def _decode(stream: VideoStream, packet: "_Packet | None") -> list[VideoFrame]:
    """Return the frames a packet completes (None: all that are left); a damaged packet completes none."""
    try:
        return stream.decode(packet)
    except _FFMPEG_ERRORS:
        return []


def _stamped(frames: list[VideoFrame], group: int) -> Iterator[_StampedFrame]:
    """Yield (stamp, frame) of sound frames; those shown before their keyframe lean on pictures not decoded."""
    for frame in frames:
        stamp = frame.pts if frame.pts is not None else frame.dts
        if stamp is not None and stamp >= group and not frame.is_corrupt:
            yield stamp, frame
