"""From the bytes of a photo to pixels, and back to bytes fit for publication."""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from imaging.ops.errors import Fault, UnusableMedia, not_decodable, truncated
from imaging.ops.media import MediaKind, check_pixels, probe

_PILLOW_NAMES = {MediaKind.JPEG: "JPEG", MediaKind.PNG: "PNG", MediaKind.WEBP: "WEBP"}
# What Pillow's and libheif's readers raise on damaged content. MemoryError is not among them: running out of memory
# says nothing about the photo.
_DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OverflowError,
    RuntimeError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
_SIXTEEN_BIT_GREY = frozenset({"I;16", "I;16B", "I;16L", "I;16N", "I"})
_PAPER = (255, 255, 255)
_STRIP_ROWS = 512
# A JPEG's decoder halves its sides at no cost: rather this share of the size asked than shrinking by other means.
_NEARLY = 0.9
_SRGB = ImageCms.createProfile("sRGB")


def decode(file: BinaryIO, *, max_pixels: int) -> NDArray[np.uint8]:
    """Return the photo in a seekable `file` as (height, width, 3) sRGB, upright; UnusableMedia otherwise.

    Grey, palette, 16-bit, CMYK and transparent pictures become plain RGB (transparency over white), an animation its
    first frame, an embedded ICC profile is applied. The size in the header is held against `max_pixels` before any
    decoder runs; the peak is then 8 to 12 bytes a pixel.
    """
    return _pixels(file, max_pixels=max_pixels, max_side=None)


def decode_reduced(file: BinaryIO, *, max_pixels: int, max_side: int) -> NDArray[np.uint8]:
    """Like `decode`, but no side longer than `max_side` px: for thumbnails and cheap measurements.

    JPEG is scaled inside its decoder, which costs a fraction: by a power of two, to at least nine tenths of `max_side`.
    """
    return _pixels(file, max_pixels=max_pixels, max_side=max_side)


def reduced(image: NDArray[np.uint8], *, max_side: int) -> NDArray[np.uint8]:
    """Return (height, width, 3) pixels with no side longer than `max_side` px; smaller ones as they are."""
    if max(image.shape[:2]) <= max_side:
        return image
    picture = Image.fromarray(image)
    picture.thumbnail((max_side, max_side), Image.Resampling.BILINEAR)
    return np.asarray(picture)


def encode_published(image: NDArray[np.uint8], *, quality: int = 90) -> bytes:
    """Return (height, width, 3) sRGB pixels as JPEG without metadata: same pixels and quality, same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _pixels(file: BinaryIO, *, max_pixels: int, max_side: int | None) -> NDArray[np.uint8]:
    """Probe, decode, convert, turn; and leave the file rewound."""
    try:
        kind, header = probe(file)
        if not kind.is_image:
            raise UnusableMedia(Fault.UNSUPPORTED, "The file is not a photo.")
        check_pixels(header.width, header.height, max_pixels=max_pixels)
        with _clear_errors():
            return _to_array(_load(file, kind, max_pixels=max_pixels, max_side=max_side))
    finally:
        file.seek(0)


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Turn whatever a decoder raises into a reason for the uploader."""
    try:
        yield
    except UnusableMedia:
        raise
    except _DECODER_ERRORS as error:
        raise (truncated() if "truncated" in str(error) else not_decodable("photo")) from error


def _load(file: BinaryIO, kind: MediaKind, *, max_pixels: int, max_side: int | None) -> Image.Image:
    """Return the decoded picture as upright RGB, reduced where `max_side` asks for it."""
    file.seek(0)
    picture = _open(file, kind)
    # A decoder may see another size than the header reader did; its own word counts.
    check_pixels(*picture.size, max_pixels=max_pixels)
    if max_side is not None:
        share = _NEARLY * max_side / max(picture.size)
        picture.draft(None, (max(1, int(picture.width * share)), max(1, int(picture.height * share))))
    picture.load()
    # libheif has applied the rotation of HEIC already; what its EXIF block says besides is history.
    upright = _to_rgb(picture if kind is MediaKind.HEIC else _upright(picture))
    if max_side is not None:
        upright.thumbnail((max_side, max_side), Image.Resampling.BILINEAR)
    return upright


def _open(file: BinaryIO, kind: MediaKind) -> Image.Image:
    """Open with the decoder of the sniffed kind and no other."""
    if kind is MediaKind.HEIC:
        picture: Image.Image = pillow_heif.open_heif(file, convert_hdr_to_8bit=True).to_pillow()
        return picture
    return Image.open(file, formats=[_PILLOW_NAMES[kind]])


def _upright(picture: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; a broken EXIF block means none."""
    try:
        return ImageOps.exif_transpose(picture)
    except _DECODER_ERRORS:
        return picture


def _to_rgb(picture: Image.Image) -> Image.Image:
    """Return the picture as 8-bit sRGB on white paper."""
    if picture.mode in _SIXTEEN_BIT_GREY:
        return _eight_bit(picture).convert("RGB")
    if picture.has_transparency_data:
        picture = _on_paper(picture)
    return _to_srgb(picture)


def _eight_bit(picture: Image.Image) -> Image.Image:
    """Return 16-bit grey scaled to 8 bits; Pillow's own conversion would clip instead."""
    values = np.asarray(picture).astype(np.int64).clip(0, 0xFFFF)
    return Image.fromarray((values // 257).astype(np.uint8))


def _on_paper(picture: Image.Image) -> Image.Image:
    """Return the picture over white, its colour profile kept."""
    layered = picture.convert("RGBA")
    paper = Image.new("RGB", layered.size, _PAPER)
    paper.paste(layered, mask=layered.getchannel("A"))
    paper.info["icc_profile"] = picture.info.get("icc_profile")
    return paper


def _to_srgb(picture: Image.Image) -> Image.Image:
    """Apply the embedded ICC profile, if there is one that fits the picture and is not sRGB anyway."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "L", "CMYK"):
        return _plain_rgb(picture)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if picture.mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(source):
            return picture
        converted = ImageCms.profileToProfile(picture, source, _SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return _plain_rgb(picture)  # a broken profile spoils the colours a little, not the photo
    return converted or _plain_rgb(picture)


def _plain_rgb(picture: Image.Image) -> Image.Image:
    """Convert without regard to profiles; what is RGB already is not copied."""
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _to_array(picture: Image.Image) -> NDArray[np.uint8]:
    """Copy strip by strip: a conversion in one go would hold a third copy of the whole photo."""
    width, height = picture.size
    pixels = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, height)
        pixels[top:bottom] = np.asarray(picture.crop((0, top, width, bottom)))
    return pixels
