"""The kind of a file follows from its first bytes, whatever it is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.ops.media import MediaKind, sniff
from tests import media
from tests.imaging.ops.samples import PHOTOS, VIDEOS, sample


@pytest.mark.parametrize("kind", [*PHOTOS, *VIDEOS])
def test_real_files_are_recognised(kind: MediaKind) -> None:
    assert sniff(sample(kind)[:4096]) is kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42", MediaKind.MP4),
        (b"\x00\x00\x00\x18ftyp3gp5\x00\x00\x02\x00isom3gp5", MediaKind.MP4),
        (b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00qt  ", MediaKind.MOV),
        (b"\x00\x00\x00\x08wide\x00\x10\x00\x00mdat", MediaKind.MOV),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", MediaKind.HEIC),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif", MediaKind.AVIF),
        (b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00avifmif1", MediaKind.AVIF),
        (b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00M4A isom", MediaKind.OTHER),
        (b"RIFF\x10\x00\x00\x00AVI LIST", MediaKind.AVI),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", MediaKind.WEBP),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", MediaKind.OTHER),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", MediaKind.WEBM),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska", MediaKind.MKV),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x83abc", MediaKind.OTHER),
        (b"\x1aE\xdf\xa3", MediaKind.OTHER),
        (b"GIF89a\x01\x00", MediaKind.GIF),
        (b"%PDF-1.7", MediaKind.OTHER),
        (b"MZ\x90\x00", MediaKind.OTHER),
        (b"PK\x03\x04", MediaKind.OTHER),
        (b"#EXTM3U\nhttp://10.0.0.1/", MediaKind.OTHER),
        (media.disguised(), MediaKind.OTHER),
        (b"", MediaKind.OTHER),
        (b"\xff\xd8", MediaKind.OTHER),
    ],
)
def test_heads(head: bytes, kind: MediaKind) -> None:
    assert sniff(head) is kind


@given(st.binary(max_size=300))
def test_any_bytes_have_a_kind(head: bytes) -> None:
    assert isinstance(sniff(head), MediaKind)


@pytest.mark.parametrize("kind", list(MediaKind))
def test_a_kind_is_photo_or_video_or_neither(kind: MediaKind) -> None:
    assert (kind.is_image, kind.is_video) != (True, True)
    assert kind.mime.startswith("image/") is kind.is_image
    assert kind.mime.startswith("video/") is kind.is_video
    assert kind.extension.startswith(".")
