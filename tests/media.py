"""Photos and videos for every test, drawn on the spot: nothing binary is kept in the repository."""

import io
import struct
import zlib
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import av
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageDraw, ImageFilter

Box = tuple[int, int, int, int]

_MUXERS = {"mp4": "mp4", "mov": "mov", "webm": "webm", "mkv": "matroska", "avi": "avi"}
_CODECS = {"mp4": "libx264", "mov": "libx264", "webm": "libvpx-vp9", "mkv": "libx264", "avi": "mpeg4"}
# A positive cpu-used lets libvpx adapt to the load of the machine: slower and another file each time.
_FAST = {
    "libx264": {"preset": "ultrafast", "crf": "20"},
    "libx265": {"preset": "ultrafast", "crf": "22", "x265-params": "log-level=none"},
    "libvpx": {"deadline": "realtime", "cpu-used": "-8", "b": "2M"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "-8", "b": "2M"},
    "mpeg4": {"qmin": "2", "qmax": "5"},
    "mjpeg": {"qmin": "2", "qmax": "5"},
}
_LARGE = {
    "libx264": {"preset": "ultrafast", "crf": "1"},
    "libx265": {"preset": "ultrafast", "crf": "1", "x265-params": "log-level=none"},
    "libvpx": {"deadline": "realtime", "cpu-used": "-8", "b": "200M", "qmin": "0", "qmax": "2"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "-8", "b": "200M", "qmin": "0", "qmax": "2"},
    "mpeg4": {"qmin": "1", "qmax": "1"},
    "mjpeg": {"qmin": "1", "qmax": "1"},
}


# --- photos --------------------------------------------------------------------------------------------------------


def scene(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return (height, width, 3) RGB: a shaded background with sharp-edged shapes; another seed, another picture."""
    rng = np.random.default_rng(seed)
    across, down = np.linspace(0, 1, width)[None, :, None], np.linspace(0, 1, height)[:, None, None]
    low, high = rng.integers(30, 110, 3), rng.integers(140, 250, 3)
    shade = low + (high - low) * (0.5 * across + 0.5 * down)
    picture = Image.fromarray(shade.astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(24):
        x, y = (int(rng.integers(0, side)) for side in (width, height))
        reach = int(rng.integers(2, max(3, min(width, height) // 5)))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x - reach, y - reach, x + reach, y + reach), fill=tuple(int(c) for c in rng.integers(0, 255, 3)))
    return np.array(picture)


def jpeg(
    width: int = 640,
    height: int = 480,
    seed: int = 0,
    *,
    exif_orientation: int | None = None,
    gps: bool = False,
    quality: int = 85,
) -> bytes:
    """Return a JPEG of `scene`, stored width x height, with the EXIF fields asked for."""
    exif = Image.Exif()
    if exif_orientation is not None:
        exif[ExifTags.Base.Orientation] = exif_orientation
    if gps:
        exif[ExifTags.Base.GPSInfo] = {
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: (Fraction(48), Fraction(8), Fraction(0)),
            ExifTags.GPS.GPSLongitudeRef: "E",
            ExifTags.GPS.GPSLongitude: (Fraction(11), Fraction(34), Fraction(0)),
        }
    return _saved(Image.fromarray(scene(width, height, seed)), "JPEG", quality=quality, exif=exif)


def png(width: int = 640, height: int = 480, seed: int = 0, *, mode: str = "RGB") -> bytes:
    """Return a PNG of `scene` in the given Pillow mode."""
    return _saved(Image.fromarray(scene(width, height, seed)).convert(mode), "PNG")


def webp(width: int = 640, height: int = 480, seed: int = 0, *, lossless: bool = False) -> bytes:
    """Return a WebP of `scene`."""
    return _saved(Image.fromarray(scene(width, height, seed)), "WEBP", lossless=lossless)


def heic(width: int = 640, height: int = 480, seed: int = 0) -> bytes:
    """Return a HEIC photo of `scene`."""
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(scene(width, height, seed))).save(buffer, quality=60)
    return buffer.getvalue()


def _saved(picture: Image.Image, name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, name, **options)
    return buffer.getvalue()


# --- a car ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CarScene:
    """A drawn car: (height, width, 3) RGB and the boxes (left, top, right, bottom in px) of its scratches."""

    image: NDArray[np.uint8]
    scratches: tuple[Box, ...]


def car_photo(seed: int = 0, scratches: int = 0, *, width: int = 1280, height: int = 960) -> bytes:
    """Return the JPEG of `car_scene`: the same seed is the same car, whatever the number of scratches."""
    image = car_scene(seed, scratches, width=width, height=height).image
    return _saved(Image.fromarray(image), "JPEG", quality=88)


@lru_cache(maxsize=32)
def car_scene(seed: int = 0, scratches: int = 0, *, width: int = 1280, height: int = 960) -> CarScene:
    """Draw a car from the side on a street, with scratches on its doors and wings."""
    rng = np.random.default_rng(seed)
    picture = Image.fromarray(_street(rng, width, height))
    draw = ImageDraw.Draw(picture)
    unit = width * float(rng.uniform(0.078, 0.088))
    left, top = (width - 10 * unit) / 2, height * float(rng.uniform(0.48, 0.54))
    paint = tuple(int(c) for c in rng.integers(50, 200, 3))
    _draw_car(draw, left, top, unit, paint)
    boxes = _draw_scratches(draw, np.random.default_rng((seed, 1)), scratches, left, top, unit)
    grain = rng.normal(0, 3, (height, width, 1))  # no camera is without it
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.6)), np.float32)
    return CarScene((soft + grain).clip(0, 255).astype(np.uint8), boxes)


def _street(rng: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    """Return sky, a wall and asphalt as background."""
    rows = np.linspace(0, 1, height)[:, None, None]
    sky = np.array([170, 195, 225]) * (1 - 0.2 * rows)
    asphalt = np.array([95, 95, 98]) * (0.8 + 0.3 * rows)
    street = np.where(rows < 0.6, sky, asphalt) * np.ones((1, width, 1))
    street[int(0.35 * height) : int(0.6 * height)] = rng.integers(120, 180, 3)
    patches = rng.normal(0, 6, (height // 8 + 1, width // 8 + 1, 1)).repeat(8, 0).repeat(8, 1)
    return np.asarray((street + patches[:height, :width]).clip(0, 255).astype(np.uint8))


def _draw_car(draw: ImageDraw.ImageDraw, left: float, top: float, unit: float, paint: tuple[int, ...]) -> None:
    """Draw the side of a saloon ten units long; y grows downwards from the belt line `top`."""

    def at(*points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(left + x * unit, top + y * unit) for x, y in points]

    dark = tuple(int(c * 0.6) for c in paint)
    roof = at((2.2, 0.05), (3.6, -1.35), (6.6, -1.4), (8.2, 0.05))
    body = at((0.1, 0.5), (0.6, 0.1), (2.2, 0), (8.2, 0), (9.6, 0.2), (9.95, 0.8), (9.9, 1.7), (0.1, 1.7))
    draw.polygon(at((0.2, 2.0), (9.9, 2.0), (9.5, 2.25), (0.6, 2.25)), fill=(55, 55, 58))
    draw.polygon(roof, fill=dark)
    draw.polygon(body, fill=paint, outline=dark, width=3)
    draw.polygon(at((2.7, 0), (3.8, -1.2), (5.1, -1.22), (5.1, 0)), fill=(40, 52, 66))
    draw.polygon(at((5.25, 0), (5.25, -1.22), (6.5, -1.22), (7.6, 0)), fill=(40, 52, 66))
    for x in (2.6, 5.18, 7.5):
        draw.line(at((x, 0.05), (x, 1.65)), fill=dark, width=max(2, int(unit / 30)))
    for x in (4.5, 6.8):
        draw.rectangle(at((x, 0.3), (x + 0.45, 0.4)), fill=dark)
    draw.rectangle(at((0.1, 0.55), (0.5, 0.85)), fill=(245, 240, 200))
    draw.rectangle(at((9.65, 0.5), (9.95, 0.9)), fill=(170, 20, 20))
    for x in (2.0, 7.9):
        draw.ellipse(at((x - 0.85, 0.95), (x + 0.85, 2.65)), fill=(22, 22, 24))
        draw.ellipse(at((x - 0.5, 1.3), (x + 0.5, 2.3)), fill=(165, 168, 172))
        draw.ellipse(at((x - 0.12, 1.68), (x + 0.12, 1.92)), fill=(60, 60, 60))


def _draw_scratches(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, count: int, left: float, top: float, unit: float
) -> tuple[Box, ...]:
    """Draw light, jagged lines over the doors and return their boxes."""
    boxes: list[Box] = []
    for _ in range(count):
        start = np.array([left + unit * rng.uniform(2.9, 5.8), top + unit * rng.uniform(0.5, 1.4)])
        steps = rng.normal((0.16, 0.0), (0.03, 0.05), (int(rng.integers(4, 9)), 2)) * unit
        points = start + np.vstack([np.zeros((1, 2)), steps.cumsum(axis=0)])
        thickness = max(2, int(unit / 28))
        draw.line([(float(x), float(y)) for x, y in points], fill=(232, 230, 226), width=thickness, joint="curve")
        (x0, y0), (x1, y1) = points.min(axis=0) - thickness, points.max(axis=0) + thickness
        boxes.append((int(x0), int(y0), int(x1) + 1, int(y1) + 1))
    return tuple(boxes)


# --- videos --------------------------------------------------------------------------------------------------------


def video(
    seconds: float = 2.0,
    size: tuple[int, int] = (320, 240),
    container: str = "mp4",
    codec: str | None = None,
    *,
    fps: int = 10,
    min_bytes: int | None = None,
    seed: int = 0,
    keyframe_every: int | None = None,
    rotation: int = 0,
    blurred: frozenset[int] = frozenset(),
) -> bytes:
    """Return a video of a walk past `scene`.

    container: mp4, mov, webm, mkv or avi. min_bytes: film grain is added until the file has that many. rotation:
    display rotation in degrees counter-clockwise (mp4, mov). blurred: numbers of the frames to smear.
    """
    frames = list(_walk(round(seconds * fps), size, seed, blurred))
    encoder = codec or _CODECS[container]
    for grain in (0,) if min_bytes is None else (0, 20, 60, 140):
        data = _encoded(frames, size, container, encoder, fps, keyframe_every, rotation, grain, large=bool(min_bytes))
        if len(data) >= (min_bytes or 0):
            return data
    raise ValueError("min_bytes is out of reach: ask for a larger size or more seconds")


def _walk(count: int, size: tuple[int, int], seed: int, blurred: frozenset[int]) -> list[NDArray[np.uint8]]:
    """Return `count` views of one wide scene, each a step further to the right."""
    width, height = size
    wide = scene(2 * width, height, seed)
    views = []
    for number in range(count):
        left = number * width // max(1, count)
        view = np.ascontiguousarray(wide[:, left : left + width])
        if number in blurred:
            view = np.array(Image.fromarray(view).filter(ImageFilter.GaussianBlur(width / 40)))
        views.append(view)
    return views


def _encoded(
    frames: list[NDArray[np.uint8]],
    size: tuple[int, int],
    container: str,
    codec: str,
    fps: int,
    keyframe_every: int | None,
    rotation: int,
    grain: int,
    *,
    large: bool,
) -> bytes:
    rng = np.random.default_rng(grain)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=_MUXERS[container], options={"fflags": "+bitexact"}) as output:
        stream = output.add_stream(codec, rate=fps, options=(_LARGE if large else _FAST)[codec])
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if keyframe_every:
            stream.codec_context.gop_size = keyframe_every
        if rotation:
            stream.set_display_rotation(rotation)
        for pixels in frames:
            noise = rng.integers(-grain, grain + 1, pixels.shape) if grain else 0
            picture = av.VideoFrame.from_ndarray((pixels + noise).clip(0, 255).astype(np.uint8), format="rgb24")
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
    return buffer.getvalue()


# --- hostile files -------------------------------------------------------------------------------------------------


def truncated(data: bytes, share: float = 0.7) -> bytes:
    """Return the first part of a file, as a broken connection leaves it."""
    return data[: int(len(data) * share)]


def disguised() -> bytes:
    """Return a web page that somebody called a photo."""
    return b"<!DOCTYPE html><html><body><script>alert(1)</script>" + b"<p>not a photo</p>" * 50 + b"</body></html>"


def bomb_png(side: int = 30_000) -> bytes:
    """Return a PNG of a few bytes, whole in structure, whose header promises side x side px."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")
    )


def bomb_jpeg(side: int = 30_000) -> bytes:
    """Return a small JPEG whose frame header promises side x side px."""
    data = bytearray(jpeg(16, 16))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    return bytes(data)


def bomb_heic(side: int = 30_000) -> bytes:
    """Return a small HEIC photo whose properties promise side x side px."""
    data = bytearray(heic(64, 64))
    at = data.index(b"ispe") + 8
    while at >= 8:
        data[at : at + 8] = struct.pack(">II", side, side)
        at = data.find(b"ispe", at) + 8
    return bytes(data)
