"""Frames are spread over the video, the sharpest of each interval, keyframes where they suffice."""

import io
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging.ops import video
from imaging.ops.media import Fault, MediaKind, UnusableMedia, judge
from imaging.ops.video import Frame, select_frames
from tests import media
from tests.imaging.ops.samples import HEIGHT, VIDEOS, WIDTH, sample


def chosen(data: bytes, limit: int = 8, min_spacing_s: float = 0.2) -> list[Frame]:
    return list(select_frames(io.BytesIO(data), limit=limit, min_spacing_s=min_spacing_s))


def code_of(data: bytes) -> str:
    with pytest.raises(UnusableMedia) as refusal:
        chosen(data)
    return refusal.value.code


@pytest.mark.parametrize("kind", VIDEOS)
def test_frames_of_each_kind(kind: MediaKind) -> None:
    frames = chosen(sample(kind), limit=5)
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    for frame in frames:
        assert frame.image.shape == (HEIGHT, WIDTH, 3)
        assert frame.image.dtype == np.uint8
        assert 0 < frame.sharpness <= 1
    # Two seconds in five intervals: one frame from each.
    assert [int(frame.time_s / 0.4 + 1e-6) for frame in frames] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("mp4", "libx265"),
        ("mp4", "mpeg4"),
        ("webm", "libvpx"),
        ("mkv", "libvpx-vp9"),
        ("mov", "mjpeg"),
        ("avi", "mjpeg"),
    ],
)
def test_other_codecs(container: str, codec: str) -> None:
    frames = chosen(media.video(1.5, (160, 96), container=container, codec=codec), limit=3)
    assert len(frames) == 3
    assert all(frame.image.shape == (96, 160, 3) for frame in frames)


def test_the_frames_show_the_video() -> None:
    """The k-th frame of the generated walk is known, so the chosen ones can be held against it."""
    walk = media._walk(30, (160, 96), 4, frozenset())
    for frame in chosen(media.video(3.0, (160, 96), seed=4), limit=6):
        expected = walk[round(frame.time_s * 10)]
        assert np.abs(frame.image.astype(int) - expected).mean() < 10


def test_the_limit_holds_and_one_is_enough() -> None:
    data = media.video(3.0, (96, 64))
    assert len(chosen(data, limit=1)) == 1
    assert len(chosen(data, limit=100, min_spacing_s=0.5)) == 6
    assert len(chosen(data, limit=100, min_spacing_s=0.001)) <= 30
    with pytest.raises(ValueError, match="limit"):
        select_frames(io.BytesIO(data), limit=0)


def test_sharp_keyframes_are_taken_and_nothing_else_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bool] = []
    original = video._decode

    def counting(stream: av.VideoStream, packet: "video._Packet | None") -> list[av.VideoFrame]:
        if packet is not None:
            decoded.append(packet.is_keyframe)
        return original(stream, packet)

    monkeypatch.setattr(video, "_decode", counting)
    frames = chosen(media.video(4.0, (160, 96), keyframe_every=5), limit=4)
    assert len(frames) == 4
    assert all(frame.time_s * 2 == pytest.approx(round(frame.time_s * 2)) for frame in frames)
    assert all(decoded)
    assert len(decoded) <= 8 + 4  # each keyframe once to measure it, the chosen ones once more


@pytest.mark.parametrize("container", ["mp4", "webm", "avi"])
def test_the_sharp_frame_of_each_interval_is_found(container: str) -> None:
    """All but one frame of each second is smeared, keyframes included."""
    sharp = {7, 13, 28, 34}
    smeared = frozenset(range(40)) - sharp
    data = media.video(4.0, (320, 240), container=container, keyframe_every=10, blurred=smeared)
    frames = chosen(data, limit=4)
    assert {round(frame.time_s * 10) for frame in frames} == sharp


def test_one_blurred_keyframe_is_replaced_by_a_neighbour() -> None:
    data = media.video(4.0, (320, 240), keyframe_every=10, blurred=frozenset({20, 21, 22}))
    times = [round(frame.time_s * 10) for frame in chosen(data, limit=4)]
    assert times[:2] == [0, 10]
    assert 23 <= times[2] < 30
    assert times[3] == 30


def test_intervals_without_a_keyframe_are_decoded() -> None:
    frames = chosen(media.video(4.0, (160, 96), keyframe_every=1000), limit=8)
    assert [int(frame.time_s / 0.5 + 1e-6) for frame in frames] == list(range(8))


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_frames_are_upright(rotation: int) -> None:
    data = media.video(1.0, (96, 64), rotation=rotation)
    plain = media.video(1.0, (96, 64))
    facts = judge(io.BytesIO(data))
    for turned, upright in zip(chosen(data, limit=2), chosen(plain, limit=2), strict=True):
        assert turned.image.shape[:2] == (facts.height, facts.width)
        assert np.array_equal(turned.image, np.rot90(upright.image, rotation // 90))


def test_paths_and_open_files_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "walk.mp4"
    path.write_bytes(sample(MediaKind.MP4))
    from_path = [(frame.time_s, frame.image.tobytes()) for frame in select_frames(path, limit=3)]
    assert from_path == [(frame.time_s, frame.image.tobytes()) for frame in chosen(sample(MediaKind.MP4), limit=3)]
    assert from_path == [(frame.time_s, frame.image.tobytes()) for frame in select_frames(str(path), limit=3)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", Fault.EMPTY),
        (media.disguised(), Fault.UNSUPPORTED),
        (media.jpeg(), Fault.UNSUPPORTED),
        (media.truncated(media.video(1.0)), Fault.TRUNCATED),
        (media.truncated(media.video(1.0, container="webm")), Fault.TRUNCATED),
    ],
)
def test_broken_files(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_a_playlist_in_disguise_reaches_no_demuxer() -> None:
    playlist = b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    assert code_of(playlist) == Fault.UNSUPPORTED
    assert code_of(b"RIFF" + (len(playlist) + 4).to_bytes(4, "little") + b"AVI " + playlist) in {
        Fault.TRUNCATED,
        Fault.MALFORMED,
    }


def test_sound_alone_is_no_video() -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=44_100)
        assert isinstance(stream, av.AudioStream)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 44_100
        output.mux(stream.encode(silence))
        output.mux(stream.encode(None))
    with pytest.raises(UnusableMedia, match="no picture track"):
        judge(io.BytesIO(buffer.getvalue()))
    assert code_of(buffer.getvalue()) == Fault.MALFORMED


@pytest.mark.parametrize(("container", "coding"), [("mp4", b"avc1"), ("avi", b"FMP4"), ("mkv", b"MPEG4/ISO/AVC")])
def test_an_unknown_coding_is_refused(container: str, coding: bytes) -> None:
    data = media.video(1.0, (96, 64), container=container)
    assert coding in data
    assert code_of(data.replace(coding, b"x" * len(coding))) == Fault.UNSUPPORTED


def test_pixels_lost_altogether_are_refused_by_the_first_step() -> None:
    data = bytearray(sample(MediaKind.MP4))
    start = data.index(b"mdat") + 4
    size = int.from_bytes(data[start - 8 : start - 4], "big")
    data[start : start - 8 + size] = bytes(size - 8)
    assert code_of(bytes(data)) == Fault.NOT_DECODABLE


def test_a_damaged_stretch_is_passed_over() -> None:
    data = bytearray(media.video(6.0, (160, 96), keyframe_every=10))
    start = data.index(b"mdat") + 4
    size = int.from_bytes(data[start - 8 : start - 4], "big") - 8
    data[start + size // 3 : start + size // 2] = bytes(size // 2 - size // 3)
    frames = chosen(bytes(data), limit=6)
    assert 3 <= len(frames) <= 6
    assert frames[0].time_s < 1
    assert frames[-1].time_s >= 5


@pytest.mark.parametrize("kind", VIDEOS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_damaged_videos_give_frames_or_a_reason(kind: MediaKind, data: st.DataObject) -> None:
    broken = bytearray(sample(kind))
    for _ in range(data.draw(st.integers(1, 12))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        frames = chosen(bytes(broken), limit=4)
    except UnusableMedia:
        return
    assert 1 <= len(frames) <= 4
    assert [frame.time_s for frame in frames] == sorted(frame.time_s for frame in frames)
