"""Photos of every make become upright 8-bit sRGB; whatever cannot is refused with a reason."""

import io

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms

from imaging.ops.decode import decode, decode_reduced, encode_published
from imaging.ops.media import Fault, MediaKind, UnusableMedia, judge
from tests import media
from tests.imaging.ops.samples import HEIGHT, PHOTO_MAKERS, PHOTOS, WIDTH, sample

MANY = 10_000_000
RED, GREEN, BLUE, GREY = (220, 20, 20), (20, 200, 20), (20, 20, 220), (128, 128, 128)


def quadrants(width: int = 64, height: int = 48) -> Image.Image:
    """Return a picture whose quarters are red, green (top), blue, grey (bottom)."""
    picture = Image.new("RGB", (width, height), GREY)
    picture.paste(RED, (0, 0, width // 2, height // 2))
    picture.paste(GREEN, (width // 2, 0, width, height // 2))
    picture.paste(BLUE, (0, height // 2, width // 2, height))
    return picture


def corners(image: NDArray[np.uint8]) -> list[tuple[int, int, int]]:
    """Return the colours near the four corners, row by row, each as the nearest of the four above."""
    height, width = image.shape[:2]
    spots = [image[y, x].astype(int) for y in (4, height - 5) for x in (4, width - 5)]
    return [min((RED, GREEN, BLUE, GREY), key=lambda colour: abs(spot - colour).sum()) for spot in spots]


def saved(picture: Image.Image, name: str, **options: object) -> io.BytesIO:
    buffer = io.BytesIO()
    picture.save(buffer, name, **options)
    return buffer


def code_of(data: bytes, max_pixels: int = MANY) -> str:
    """Return the code with which `data` is refused, or "" if it is decoded; check the pixels' shape."""
    try:
        image = decode(io.BytesIO(data), max_pixels=max_pixels)
    except UnusableMedia as refusal:
        return refusal.code
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    return ""


@pytest.mark.parametrize("kind", PHOTOS)
def test_photos_of_each_kind_show_what_was_drawn(kind: MediaKind) -> None:
    image = decode(io.BytesIO(sample(kind)), max_pixels=MANY)
    drawn = media.scene(WIDTH, HEIGHT).astype(int)
    assert image.shape == drawn.shape
    assert np.abs(image - drawn).mean() < (1 if kind is MediaKind.PNG else 12)


@pytest.mark.parametrize(
    ("orientation", "shown"),
    [
        (1, [RED, GREEN, BLUE, GREY]),
        (2, [GREEN, RED, GREY, BLUE]),
        (3, [GREY, BLUE, GREEN, RED]),
        (4, [BLUE, GREY, RED, GREEN]),
        (5, [RED, BLUE, GREEN, GREY]),
        (6, [BLUE, RED, GREY, GREEN]),
        (7, [GREY, GREEN, BLUE, RED]),
        (8, [GREEN, GREY, RED, BLUE]),
    ],
)
def test_exif_orientation_is_applied(orientation: int, shown: list[tuple[int, int, int]]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("JPEG", "PNG"):
        image = decode(saved(quadrants(), name, exif=exif), max_pixels=MANY)
        assert image.shape == ((48, 64, 3) if orientation < 5 else (64, 48, 3))
        assert corners(image) == shown


@pytest.mark.parametrize(
    ("orientation", "shown"),
    [
        (6, [BLUE, RED, GREY, GREEN]),
        (3, [GREY, BLUE, GREEN, RED]),
        (8, [GREEN, GREY, RED, BLUE]),
        (5, [RED, BLUE, GREEN, GREY]),
    ],
)
def test_heic_is_turned_once(orientation: int, shown: list[tuple[int, int, int]]) -> None:
    """The encoder notes the rotation in the container and leaves it in EXIF as well; only the first counts."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    pillow_heif.from_pillow(quadrants()).save(buffer, quality=80, exif=exif.tobytes())
    image, facts = decode(buffer, max_pixels=MANY), judge(buffer)
    assert corners(image) == shown
    assert (facts.height, facts.width) == image.shape[:2]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_png_modes(mode: str) -> None:
    picture = Image.new("L", (40, 30), 255).convert(mode)
    assert (decode(saved(picture, "PNG"), max_pixels=MANY) == 255).all()
    picture = Image.new("L", (40, 30), 0).convert(mode)
    assert (decode(saved(picture, "PNG"), max_pixels=MANY) == 0).all()


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_jpeg_modes(mode: str) -> None:
    picture = Image.new("RGB", (40, 30), (200, 200, 200)).convert(mode)
    image = decode(saved(picture, "JPEG", quality=95), max_pixels=MANY)
    assert np.abs(image.astype(int) - 200).max() <= 3


def test_sixteen_bit_grey_keeps_its_shades() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None, :].repeat(8, 0)
    image = decode(saved(Image.fromarray(ramp), "PNG"), max_pixels=MANY)
    assert np.abs(image[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_transparency_lies_on_white() -> None:
    picture = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (0, 0, 10, 20))
    image = decode(saved(picture, "PNG"), max_pixels=MANY)
    assert image[10, 2].tolist() == [255, 0, 0]
    assert image[10, 18].tolist() == [255, 255, 255]


def test_palette_transparency_lies_on_white() -> None:
    picture = Image.new("P", (20, 20), 0)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.paste(1, (0, 0, 10, 20))
    image = decode(saved(picture, "PNG", transparency=0), max_pixels=MANY)
    assert image[10, 2].tolist() == [200, 100, 50]
    assert image[10, 18].tolist() == [255, 255, 255]


@pytest.mark.parametrize("name", ["PNG", "WEBP"])
def test_an_animation_shows_its_first_frame(name: str) -> None:
    first, second = Image.new("RGB", (32, 32), (250, 10, 10)), Image.new("RGB", (32, 32), (10, 10, 250))
    image = decode(saved(first, name, save_all=True, append_images=[second]), max_pixels=MANY)
    assert np.abs(image.astype(int) - (250, 10, 10)).max() < 20


def test_a_jpeg_with_a_second_picture_shows_its_first() -> None:
    first, second = Image.new("RGB", (32, 32), (250, 10, 10)), Image.new("RGB", (16, 16), (10, 10, 250))
    image = decode(saved(first, "MPO", save_all=True, append_images=[second]), max_pixels=MANY)
    assert image.shape == (32, 32, 3)
    assert np.abs(image.astype(int) - (250, 10, 10)).max() < 20


def swapped_primaries() -> bytes:
    """Return an ICC profile that calls sRGB's green red and its red green."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for tag, stand_in in ((b"rXYZ", b"tmp1"), (b"gXYZ", b"rXYZ"), (b"tmp1", b"gXYZ")):
        at = profile.index(tag)
        profile[at : at + 4] = stand_in
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be")).replace(b"sRGB b", b"swap b")


@pytest.mark.parametrize("name", ["PNG", "JPEG"])
def test_an_icc_profile_is_applied(name: str) -> None:
    picture = Image.new("RGB", (20, 20), (250, 20, 20))
    image = decode(saved(picture, name, icc_profile=swapped_primaries()), max_pixels=MANY)
    assert np.abs(image[10, 10].astype(int) - (20, 250, 20)).max() < 12


def test_a_broken_icc_profile_costs_nothing_but_itself() -> None:
    picture = Image.new("RGB", (20, 20), (250, 20, 20))
    image = decode(saved(picture, "PNG", icc_profile=b"no profile at all" * 10), max_pixels=MANY)
    assert image[10, 10].tolist() == [250, 20, 20]


@pytest.mark.parametrize("data", [media.bomb_png(), media.bomb_jpeg(), media.bomb_heic()])
def test_bombs_are_refused_before_decoding(data: bytes) -> None:
    assert code_of(data) == Fault.TOO_LARGE
    # Nor do they get further where the limit is out of the way: Pillow's own, or the missing pixels, stop them.
    assert code_of(data, max_pixels=10**10) in set(Fault)


def test_the_limit_is_exact() -> None:
    assert code_of(media.jpeg(50, 40), max_pixels=2000) == ""
    assert code_of(media.jpeg(50, 40), max_pixels=1999) == Fault.TOO_LARGE


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", Fault.EMPTY),
        (media.disguised(), Fault.UNSUPPORTED),
        (media.video(0.5), Fault.UNSUPPORTED),
        (media.truncated(media.jpeg()), Fault.TRUNCATED),
        (media.truncated(media.png()), Fault.TRUNCATED),
        (media.truncated(media.heic()), Fault.TRUNCATED),
        (media.bomb_png(100), Fault.TRUNCATED),
    ],
)
def test_unusable_files(data: bytes, code: str) -> None:
    assert code_of(data) == code


@pytest.mark.parametrize("kind", PHOTOS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_photos_decode_or_are_refused(kind: MediaKind, data: st.DataObject) -> None:
    broken = bytearray(sample(kind))
    for _ in range(data.draw(st.integers(1, 10))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    assert code_of(bytes(broken)) in {"", *Fault}


@pytest.mark.parametrize("kind", PHOTOS)
def test_reduced_photos_keep_their_shape(kind: MediaKind) -> None:
    file = io.BytesIO(PHOTO_MAKERS[kind](800, 600))
    small = decode_reduced(file, max_pixels=MANY, max_side=100)
    assert small.shape == (75, 100, 3)
    whole = Image.fromarray(decode(file, max_pixels=MANY)).resize((100, 75), Image.Resampling.BICUBIC)
    assert np.abs(small.astype(int) - np.asarray(whole, int)).mean() < 4
    assert decode_reduced(file, max_pixels=MANY, max_side=5000).shape == (600, 800, 3)


def test_published_photos_carry_pixels_alone() -> None:
    received = media.jpeg(120, 80, exif_orientation=6, gps=True)
    image = decode(io.BytesIO(received), max_pixels=MANY)
    published = encode_published(image)
    assert b"Exif" in received
    with Image.open(io.BytesIO(published)) as picture:
        assert picture.size == (80, 120)
        assert not picture.getexif()
        assert not {"exif", "icc_profile", "comment", "xmp", "photoshop"} & picture.info.keys()
    assert np.abs(decode(io.BytesIO(published), max_pixels=MANY).astype(int) - image).mean() < 4
    assert encode_published(image) == published


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 9))
def test_every_size_makes_the_round_trip(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    again = decode(io.BytesIO(encode_published(image, quality=95)), max_pixels=MANY)
    assert again.shape == image.shape


def test_tall_photos_are_copied_whole() -> None:
    """The copy goes in strips; their seams must not show."""
    rows = (np.arange(1300) % 251).astype(np.uint8)[:, None, None].repeat(4, 1).repeat(3, 2)
    assert np.array_equal(decode(saved(Image.fromarray(rows), "PNG"), max_pixels=MANY), rows)
