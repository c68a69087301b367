"""Logos: two exact sizes, three kinds, nothing but pixels."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from imaging.ops.errors import UnusableMedia
from imaging.ops.logos import logo_png
from tests import media


def drawn(kind: str, size: tuple[int, int] = (54, 54), mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, (200, 30, 30, 90)[: len(mode)]).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("size", [(54, 54), (100, 100)])
def test_each_kind_becomes_a_png_of_its_size(kind: str, size: tuple[int, int]) -> None:
    words, data = logo_png(io.BytesIO(drawn(kind, size)))
    picture = Image.open(io.BytesIO(data))
    assert (words, picture.format, picture.size) == (f"{size[0]}x{size[1]}", "PNG", size)


def test_transparency_is_kept() -> None:
    picture = Image.open(io.BytesIO(logo_png(io.BytesIO(drawn("PNG", mode="RGBA")))[1]))
    assert picture.mode == "RGBA"
    assert picture.getpixel((5, 5)) == (200, 30, 30, 90)


def test_metadata_stays_behind() -> None:
    data = logo_png(io.BytesIO(media.jpeg(54, 54, gps=True)))[1]
    picture = Image.open(io.BytesIO(data))
    assert not picture.getexif()
    assert picture.info == {}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (drawn("PNG", (55, 54)), "A logo has 54x54 or 100x100 pixels; this picture has 55x54."),
        (drawn("GIF"), "its content is of the type GIF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "neither a photo nor a video"),
        (media.truncated(drawn("PNG")), "incomplete"),
        (media.bomb_png(), "too large"),
        (b"", "empty"),
    ],
)
def test_everything_else_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(UnusableMedia, match=words):
        logo_png(io.BytesIO(data))
