"""Photos with faces whose places are known: heads that scikit-image ships, put on photos of cars. No torch.

One colour portrait (`astronaut`) and the hundred grey 25 px heads of `lfw_subset`; each is drawn as a camera sees it:
in daylight, in the dark, moved, badly compressed, behind glass. Same seed, same pixels.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage
from skimage import data

from imaging.training.coco import Photo, Thing
from imaging.training.evaluate import photo_read

UInt8Image = npt.NDArray[np.uint8]
Rng = np.random.Generator
Box = tuple[float, float, float, float]

#: Heights of a face, hairline to chin, in pixels; the classes of the figures end where the next one begins.
HEIGHTS: Final = (20, 24, 32, 48, 96, 200)
#: A 25 px head is not shown larger than this: beyond, it is but a smear.
SMALL_HEADS_TO: Final = 48
# Where the face lies on the sources: left, top, right, bottom in their pixels, drawn by eye from hairline to chin.
_ASTRONAUT: Final = (180.0, 76.0, 264.0, 176.0)
_ASTRONAUT_HEAD: Final = (148, 8, 310, 200)
_SMALL: Final = (3.5, 2.0, 21.5, 24.5)
_SMALL_HEADS: Final = 100
# Largest side of a photo that heads are put on, in pixels.
_SIDE: Final = 1280


@dataclass(frozen=True, slots=True)
class Head:
    """`pixels` (h, w, 3) uint8 with the face at `face` (left, top, right, bottom); shown no taller than `tallest`."""

    name: str
    pixels: UInt8Image
    face: Box
    tallest: float


def heads() -> list[Head]:
    """All heads: the portrait first, then the small grey ones."""
    left, top, right, bottom = _ASTRONAUT_HEAD
    face = (_ASTRONAUT[0] - left, _ASTRONAUT[1] - top, _ASTRONAUT[2] - left, _ASTRONAUT[3] - top)
    portrait = Head("astronaut", data.astronaut()[top:bottom, left:right], face, HEIGHTS[-1])
    grey = np.rint(data.lfw_subset()[:_SMALL_HEADS] * 255).astype(np.uint8)
    return [portrait, *(Head(f"lfw {i}", _rgb(one), _SMALL, SMALL_HEADS_TO) for i, one in enumerate(grey))]


def plain_photos() -> dict[str, UInt8Image]:
    """Pictures without a human face that come with scikit-image, by name, (H, W, 3) uint8."""
    names = ("chelsea", "coffee", "rocket", "page", "clock", "brick", "gravel", "grass", "text", "moon")
    motorcycle = {"motorcycle": _rgb(data.stereo_motorcycle()[0])}
    return {name: _rgb(np.asarray(getattr(data, name)())) for name in names} | motorcycle


def portraits() -> dict[str, UInt8Image]:
    """Pictures with one face that come with scikit-image, by name: one from the front, one from the side."""
    return {"astronaut": _rgb(data.astronaut()), "camera": _rgb(data.camera())}


def _rgb(picture: npt.NDArray[np.generic]) -> UInt8Image:
    grey = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    return np.asarray(grey[..., :3], dtype=np.uint8)


def pasted(
    photo: UInt8Image, head: Head, height: float, place: tuple[float, float], rng: Rng
) -> tuple[UInt8Image, Box]:
    """Put `head` on `photo` with a face of `height` px whose head's corner is at `place` (0..1 of the room there is).

    Mirrored, tilted by up to 15 degrees, tinted if it is grey, its edges blended. Returns the picture and the face's
    box (left, top, right, bottom) in its pixels; ValueError where the head is larger than the photo.
    """
    scale = height / (head.face[3] - head.face[1])
    size = round(head.pixels.shape[1] * scale), round(head.pixels.shape[0] * scale)
    room = photo.shape[1] - size[0], photo.shape[0] - size[1]
    if min(room) < 0:
        raise ValueError("the head is larger than the photo")
    picture, mask, face = _turned(_tinted(head, rng), _oval(head), head.face, float(rng.uniform(-15, 15)))
    if rng.random() < 0.5:
        picture, mask, face = picture[:, ::-1], mask[:, ::-1], _mirrored(face, head.pixels.shape[1])
    left, top = (round(share * free) for share, free in zip(place, room, strict=True))
    blend = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BILINEAR), dtype=np.float64)[..., None] / 255
    shown = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
    result = photo.copy()
    under = result[top : top + size[1], left : left + size[0]]
    under[:] = np.rint(under * (1 - blend) + shown * blend).astype(np.uint8)
    return result, (left + face[0] * scale, top + face[1] * scale, left + face[2] * scale, top + face[3] * scale)


def _tinted(head: Head, rng: Rng) -> UInt8Image:
    """A grey head in some colour of skin; a coloured one as it is."""
    if (head.pixels[..., 0] != head.pixels[..., 2]).any():
        return head.pixels
    warm = float(rng.uniform(0.0, 0.25))
    tint = np.array([1 + warm * 0.4, 1.0, 1 - warm])
    return np.asarray(np.clip(head.pixels * tint, 0, 255), dtype=np.uint8)


def _oval(head: Head) -> UInt8Image:
    """Opaque in the head's middle, fading towards the edges of its picture."""
    height, width = head.pixels.shape[:2]
    canvas = Image.new("L", (width * 4, height * 4))
    ImageDraw.Draw(canvas).ellipse((0, 0, width * 4 - 1, height * 4 - 1), fill=255)
    small = canvas.resize((width, height), Image.Resampling.BOX)
    return np.asarray(small.filter(ImageFilter.GaussianBlur(max(width, height) / 40)))


def _turned(picture: UInt8Image, mask: UInt8Image, face: Box, degrees: float) -> tuple[UInt8Image, UInt8Image, Box]:
    """Turn about the face's centre; the box stays upright, as people draw it."""
    centre = (face[0] + face[2]) / 2, (face[1] + face[3]) / 2
    how = Image.Resampling.BICUBIC
    turned = Image.fromarray(picture).rotate(degrees, how, center=centre)
    return np.asarray(turned), np.asarray(Image.fromarray(mask).rotate(degrees, how, center=centre)), face


def _mirrored(face: Box, width: int) -> Box:
    return width - face[2], face[1], width - face[0], face[3]


def _day(photo: UInt8Image, _other: UInt8Image, _rng: Rng) -> UInt8Image:
    return photo


def _glass(photo: UInt8Image, other: UInt8Image, rng: Rng) -> UInt8Image:
    """Behind a tinted pane: darker, flatter, and another scene mirrored in it."""
    tint = np.array([0.75, 0.85, 0.8]) * rng.uniform(0.55, 0.85)
    mirror = Image.fromarray(other[:, ::-1]).resize((photo.shape[1], photo.shape[0]))
    soft = np.asarray(mirror.filter(ImageFilter.GaussianBlur(2)), dtype=np.float64)
    return _clipped(photo * tint + soft * rng.uniform(0.2, 0.4))


def _dark(photo: UInt8Image, _other: UInt8Image, rng: Rng) -> UInt8Image:
    """Late in the evening: a quarter of the light or less, and the sensor's noise."""
    return _clipped(photo * rng.uniform(0.15, 0.3) + rng.normal(0, 4, photo.shape))


def _moved(photo: UInt8Image, _other: UInt8Image, rng: Rng) -> UInt8Image:
    """The camera moved sideways while it took the photo, by 3 to 6 px."""
    return _clipped(ndimage.uniform_filter1d(photo.astype(np.float64), int(rng.integers(3, 7)), axis=1))


def _squeezed(photo: UInt8Image, _other: UInt8Image, rng: Rng) -> UInt8Image:
    """A JPEG of quality 15 to 35, as where a file must be small."""
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=int(rng.integers(15, 36)))
    return np.asarray(Image.open(file))


def _clipped(values: npt.NDArray[np.float64]) -> UInt8Image:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


#: What a camera may make of a scene: given the picture, another scene (mirrored in glass) and chance.
VARIANTS: Final[Mapping[str, Callable[[UInt8Image, UInt8Image, Rng], UInt8Image]]] = {
    "day": _day,
    "glass": _glass,
    "dark": _dark,
    "moved": _moved,
    "squeezed": _squeezed,
}


def scenes(
    backgrounds: Sequence[UInt8Image], some: Sequence[Head], folder: Path, *, count: int, seed: int
) -> list[Photo]:
    """Draw `count` photos into `folder`, two or so faces on each, and return them with the faces as labels.

    Variants and heights follow each other in turn, heads and places are chance. A label's category is the variant.
    """
    rng = np.random.default_rng(seed)
    return [_scene(index, backgrounds, some, folder / f"{index:04}.png", rng) for index in range(count)]


def _scene(index: int, backgrounds: Sequence[UInt8Image], some: Sequence[Head], path: Path, rng: Rng) -> Photo:
    picture = backgrounds[int(rng.integers(len(backgrounds)))]
    other = backgrounds[int(rng.integers(len(backgrounds)))]
    variant = list(VARIANTS)[index % len(VARIANTS)]
    boxes: list[Box] = []
    for slot, share in enumerate((0.0, 0.5)):
        band = (index // len(VARIANTS) + slot * 2) % (len(HEIGHTS) - 1)
        height = float(rng.uniform(HEIGHTS[band], HEIGHTS[band + 1]))
        able = [head for head in some if head.tallest >= height] or [max(some, key=lambda head: head.tallest)]
        head = able[0 if rng.random() < 0.3 else int(rng.integers(len(able)))]
        # Each slot has a half of the photo of its own, so that heads do not cover each other.
        half = slice(round(share * picture.shape[1]), round((share + 0.5) * picture.shape[1]))
        if min(picture.shape[0], picture.shape[1] // 2) < 2.2 * height:
            continue
        drawn, box = pasted(picture[:, half], head, height, (float(rng.random()), float(rng.random())), rng)
        picture = np.concatenate([picture[:, : half.start], drawn, picture[:, half.stop :]], axis=1)
        boxes.append((box[0] + half.start, box[1], box[2] + half.start, box[3]))
    Image.fromarray(VARIANTS[variant](picture, other, rng)).save(path)
    return Photo(path, picture.shape[1], picture.shape[0], tuple(_thing(box, variant) for box in boxes), path.name)


def _thing(box: Box, category: str) -> Thing:
    left, top, right, bottom = box
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Thing(category, (corners,), (left, top, right - left, bottom - top))


def background(photo: Photo) -> UInt8Image:
    """Read a photo to put heads on, its longer side at most 1280 px."""
    picture = Image.fromarray(photo_read(photo))
    picture.thumbnail((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    return np.asarray(picture)
