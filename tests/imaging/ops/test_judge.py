"""A file is judged by its structure: what is whole passes with its size, anything else is refused with a reason."""

import io
import pickle
import struct
import tempfile
import tracemalloc
from pathlib import Path
from typing import BinaryIO

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imaging.ops.media import Fault, Limits, MediaFacts, MediaKind, UnusableMedia, judge
from tests import media
from tests.imaging.ops.samples import HEIGHT, PHOTOS, VIDEOS, WIDTH, sample

KINDS = (*PHOTOS, *VIDEOS)


def verdict(data: bytes, limits: Limits | None = None) -> MediaFacts | str:
    """Return the facts, or the code of the refusal; check what holds for either."""
    file = io.BytesIO(data)
    file.seek(min(3, len(data)))
    try:
        result: MediaFacts | UnusableMedia = judge(file, limits=limits)
    except UnusableMedia as refusal:
        result = refusal
    assert file.tell() == 0
    if isinstance(result, MediaFacts):
        return result
    assert result.code in set(Fault)
    assert str(result) == result.reason
    assert result.reason.endswith(".")
    return result.code


@pytest.mark.parametrize("kind", PHOTOS)
def test_a_whole_photo_passes(kind: MediaKind) -> None:
    assert verdict(sample(kind)) == MediaFacts(kind, WIDTH, HEIGHT, len(sample(kind)), None)


@pytest.mark.parametrize("kind", VIDEOS)
def test_a_whole_video_passes(kind: MediaKind) -> None:
    facts = verdict(sample(kind))
    assert isinstance(facts, MediaFacts)
    assert (facts.kind, facts.width, facts.height) == (kind, WIDTH, HEIGHT)
    assert facts.duration_s == pytest.approx(2.0, abs=0.11)


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mp4", "libx265"), ("mp4", "mpeg4"), ("mov", "mjpeg"), ("webm", "libvpx"), ("mkv", "libx265"), ("avi", "mjpeg")],
)
def test_video_facts_agree_with_ffmpeg(container: str, codec: str) -> None:
    data = media.video(1.5, (160, 96), container=container, codec=codec, fps=8)
    facts = verdict(data)
    assert isinstance(facts, MediaFacts)
    with av.open(io.BytesIO(data), "r") as opened:
        stream = opened.streams.video[0]
        assert (facts.width, facts.height) == (stream.width, stream.height)
        assert opened.duration is not None
        assert facts.duration_s == pytest.approx(opened.duration / 1e6, abs=0.13)


@pytest.mark.parametrize("container", ["mp4", "mov"])
@pytest.mark.parametrize(("rotation", "size"), [(90, (64, 96)), (-90, (64, 96)), (180, (96, 64))])
def test_a_turned_video_shows_turned_sides(container: str, rotation: int, size: tuple[int, int]) -> None:
    facts = verdict(media.video(1.0, (96, 64), container=container, rotation=rotation))
    assert isinstance(facts, MediaFacts)
    assert (facts.width, facts.height) == size


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_decides_the_sides(orientation: int) -> None:
    facts = verdict(media.jpeg(90, 60, exif_orientation=orientation, gps=True))
    assert isinstance(facts, MediaFacts)
    assert (facts.width, facts.height) == ((90, 60) if orientation < 5 else (60, 90))


@pytest.mark.parametrize("name", ["PNG", "WEBP"])
def test_other_formats_carry_exif_too(name: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(media.scene(90, 60)).save(buffer, name, exif=exif)
    facts = verdict(buffer.getvalue())
    assert isinstance(facts, MediaFacts)
    assert (facts.width, facts.height) == (60, 90)


@pytest.mark.parametrize("lossless", [True, False])
def test_both_webp_codings(lossless: bool) -> None:
    facts = verdict(media.webp(70, 50, lossless=lossless))
    assert isinstance(facts, MediaFacts)
    assert (facts.width, facts.height) == (70, 50)


def test_progressive_jpeg_with_restart_markers_and_a_tail() -> None:
    buffer = io.BytesIO()
    picture = Image.fromarray(media.scene(200, 120))
    picture.save(buffer, "JPEG", progressive=True, restart_marker_blocks=4)
    facts = verdict(buffer.getvalue() + b"appended by the phone" * 20)
    assert isinstance(facts, MediaFacts)
    assert (facts.width, facts.height) == (200, 120)


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_photo() -> None:
    exif_with_thumbnail = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + media.jpeg(16, 16)
    segment = b"\xff\xe1" + struct.pack(">H", len(exif_with_thumbnail) + 2) + exif_with_thumbnail
    photo = media.jpeg(64, 64)
    whole = photo[:2] + segment + photo[2:]
    assert isinstance(verdict(whole), MediaFacts)
    assert verdict(whole[:-2]) == Fault.TRUNCATED


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", Fault.EMPTY),
        (media.disguised(), Fault.UNSUPPORTED),
        (b"GIF89a" + bytes(40), Fault.UNSUPPORTED),
        (bytes(5000), Fault.UNSUPPORTED),
        (media.bomb_png(), Fault.TOO_LARGE),
        (media.bomb_jpeg(), Fault.TOO_LARGE),
        (media.bomb_heic(), Fault.TOO_LARGE),
        (b"\xff\xd8\xff\xd9", Fault.MALFORMED),
        (b"\xff\xd8" + b"\xff\xfe\x00\x02" * 5000 + b"\xff\xd9", Fault.MALFORMED),
        (b"\xff\xd8\xff\xfe\x00\x01" + bytes(50), Fault.MALFORMED),
        (media.jpeg(32, 32)[:-2], Fault.TRUNCATED),
        (b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0IEND\xaeB`\x82", Fault.MALFORMED),
        (b"\x89PNG\r\n\x1a\n" + media.png(8, 8)[8:33] + b"\0\0\0\0teXt\0\0\0\0" * 100_001, Fault.MALFORMED),
        (b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08free" * 100_001, Fault.MALFORMED),
        (b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08mdat", Fault.TRUNCATED),
        (b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08moov\0\0\0\x08mdat", Fault.MALFORMED),
    ],
)
def test_hostile_files_are_refused(data: bytes, code: str) -> None:
    assert verdict(data) == code


def test_a_progressive_jpeg_of_a_thousand_scans_is_refused() -> None:
    photo = media.jpeg(32, 32)
    scan = photo.index(b"\xff\xda")
    assert verdict(photo[:scan] + photo[scan:-2] * 1000 + b"\xff\xd9") == Fault.MALFORMED


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_part_of_a_file_passes_for_the_whole(kind: MediaKind, data: st.DataObject) -> None:
    whole = sample(kind)
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert isinstance(verdict(whole[:cut]), str)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_damaged_headers_never_crash(kind: MediaKind, data: st.DataObject) -> None:
    broken = bytearray(sample(kind))
    for _ in range(data.draw(st.integers(1, 8))):
        broken[data.draw(st.integers(0, min(len(broken), 1500) - 1))] = data.draw(st.integers(0, 255))
    verdict(bytes(broken))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=100, deadline=None)
@given(tail=st.binary(max_size=400))
def test_noise_behind_magic_bytes_never_crashes(kind: MediaKind, tail: bytes) -> None:
    for length in (12, 16, 40, 64):
        assert isinstance(verdict(sample(kind)[:length] + tail), str)


@pytest.mark.parametrize(
    ("kind", "limits"),
    [
        (MediaKind.JPEG, Limits(max_photo_bytes=500)),
        (MediaKind.PNG, Limits(max_photo_pixels=WIDTH * HEIGHT - 1)),
        (MediaKind.HEIC, Limits(max_side=WIDTH - 1)),
        (MediaKind.MP4, Limits(max_video_bytes=500)),
        (MediaKind.MKV, Limits(max_video_pixels=WIDTH * HEIGHT - 1)),
    ],
)
def test_limits(kind: MediaKind, limits: Limits) -> None:
    assert verdict(sample(kind), limits) == Fault.TOO_LARGE
    exact = Limits(
        max_photo_bytes=len(sample(kind)), max_photo_pixels=WIDTH * HEIGHT, max_video_bytes=len(sample(kind)),
        max_video_pixels=WIDTH * HEIGHT, max_side=WIDTH,
    )  # fmt: skip
    assert isinstance(verdict(sample(kind), exact), MediaFacts)


def test_a_door_may_take_fewer_kinds() -> None:
    limits = Limits(kinds=frozenset({MediaKind.JPEG, MediaKind.PNG}))
    assert verdict(sample(MediaKind.WEBP), limits) == Fault.UNSUPPORTED
    assert isinstance(verdict(sample(MediaKind.PNG), limits), MediaFacts)


def test_the_reason_says_what_was_found_and_what_is_allowed() -> None:
    with pytest.raises(UnusableMedia, match=r"30,000 x 30,000 pixels; at most 89 megapixels"):
        judge(io.BytesIO(media.bomb_png()))
    with pytest.raises(UnusableMedia, match="of the type GIF"):
        judge(io.BytesIO(b"GIF89a" + bytes(40)))


def test_a_refusal_survives_the_way_between_processes() -> None:
    refusal = pickle.loads(pickle.dumps(UnusableMedia(Fault.EMPTY, "The file is empty.")))
    assert (refusal.code, refusal.reason) == (Fault.EMPTY, "The file is empty.")


def test_a_long_video_costs_few_reads(tmp_path: Path) -> None:
    """The picture data is jumped over: 90 MB on disk, next to nothing in memory."""
    path = tmp_path / "long.mp4"
    padding = 90 << 20
    path.write_bytes(sample(MediaKind.MP4) + struct.pack(">I4s", padding, b"free"))
    with path.open("r+b") as file:
        file.truncate(len(sample(MediaKind.MP4)) + padding)
        assert peak_of_judge(file) < 200_000


def test_a_large_photo_is_walked_in_windows() -> None:
    photo = media.jpeg(32, 32)
    scan_data = b"\x12\xff\x00\x34" * (6 << 20)
    with tempfile.TemporaryFile() as file:
        file.write(photo[:-2] + scan_data + photo[-2:])
        del scan_data
        assert peak_of_judge(file) < 500_000


def peak_of_judge(file: BinaryIO) -> int:
    """Return the most bytes that Python held at once while judging."""
    tracemalloc.start()
    try:
        judge(file)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
