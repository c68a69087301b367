"""Training tiles cut from labelled photos: crop and zoom, flips, light, pasted and drawn damage. No torch.

Every tile is a pure function of the photos, the recipe and a random generator, so a run that is stopped and
resumed sees the same tiles as one that was not.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from imaging.training.coco import Photo, Polygon, Thing

IGNORE = 255
UInt8Image = npt.NDArray[np.uint8]
FloatMap = npt.NDArray[np.float32]
Affine = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TileRecipe:
    """How tiles are drawn: sizes in pixels, chances 0..1, zoom in network pixels a source pixel."""

    size: int = 256
    stride: int = 4
    zoom: tuple[float, float] = (0.8, 2.2)
    turn: float = 12.0
    paste: float = 0.3
    scratch: float = 0.15
    jpeg: float = 0.3
    positive: float = 0.8


@dataclass(frozen=True, slots=True)
class Tile:
    """A training example.

    `image` (S, S, 3) uint8; at the map's resolution (S / stride): `target` 0 or 1, `weight` >= 0, `kind` the
    category's index or IGNORE, `thing` the number of the object a cell belongs to, 0 where there is none.
    """

    image: UInt8Image
    target: FloatMap
    weight: FloatMap
    kind: UInt8Image
    thing: UInt8Image


@dataclass(frozen=True, slots=True)
class Patch:
    """A real damage cut out for pasting: its difference from the paint around it, and its mask 0..1."""

    residual: FloatMap
    mask: FloatMap
    category: str


def tile_make(
    photo: Photo,
    pixels: UInt8Image,
    *,
    recipe: TileRecipe,
    kinds: Mapping[str, int],
    patches: Sequence[Patch],
    rng: np.random.Generator,
) -> Tile:
    """Draw one tile of `photo`, whose `pixels` are (H, W, 3); `kinds` maps a category's name to its index."""
    focus = _focus(photo, recipe, rng)
    matrix = _matrix(photo, focus, recipe, rng)
    canvas = _warp(pixels, matrix, recipe.size)
    shapes = [(thing.category, moved) for thing in photo.things for moved in _moved(thing, matrix, recipe.size)]
    image = canvas.astype(np.float32)
    masks = [_paste(image, shapes, patch, rng) for patch in _chosen(patches, focus, recipe, rng)]
    if focus is not None and rng.random() < recipe.scratch:
        masks.append(("scratch", scratch_draw(image, rng)))
    image = _light(image, rng)
    canvas = _compressed(np.clip(image, 0, 255).astype(np.uint8), recipe, rng)
    layers = [(name, _rasterise(polygon, recipe.size)) for name, polygon in shapes] + masks
    return _labelled(canvas, layers, recipe.stride, kinds)


def _focus(photo: Photo, recipe: TileRecipe, rng: np.random.Generator) -> Thing | None:
    if not photo.things or rng.random() >= recipe.positive:
        return None
    return photo.things[int(rng.integers(len(photo.things)))]


def _matrix(photo: Photo, focus: Thing | None, recipe: TileRecipe, rng: np.random.Generator) -> Affine:
    """Map from the tile's pixels to the photo's: 2x3, as Pillow's affine transform wants it."""
    zoom = math.exp(rng.uniform(math.log(recipe.zoom[0]), math.log(recipe.zoom[1])))
    if focus is not None:
        # A large damage must still fit: zoom out until it takes at most nine tenths of the tile.
        zoom = min(zoom, max(0.3, 0.9 * recipe.size / max(focus.box[2], focus.box[3], 1.0)))
    reach = recipe.size / zoom
    centre = _centre(photo, focus, reach, rng)
    angle = math.radians(rng.normal(0.0, recipe.turn / 2))
    stretch = math.exp(rng.normal(0.0, 0.1))
    flip = -1.0 if rng.random() < 0.5 else 1.0
    cosine, sine = math.cos(angle), math.sin(angle)
    linear = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([flip * stretch, 1.0 / stretch]) / zoom
    return np.hstack([linear, (centre - linear @ np.full(2, recipe.size / 2))[:, None]])


def _centre(photo: Photo, focus: Thing | None, reach: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    size = np.array([photo.width, photo.height], dtype=np.float64)
    if focus is None:
        margin = np.minimum(reach / 2, size / 2)
        return np.asarray(rng.uniform(margin, size - margin + 1e-6))
    left, top, width, height = focus.box
    middle = np.array([left + width / 2, top + height / 2])
    return np.asarray(middle + rng.uniform(-0.4, 0.4, 2) * np.maximum(0.0, reach - np.array([width, height])))


def _warp(pixels: UInt8Image, matrix: Affine, size: int) -> UInt8Image:
    shrink = max(1, int(np.abs(np.linalg.det(matrix[:, :2])) ** 0.5 + 0.25))
    source, coefficients = Image.fromarray(pixels), matrix
    if shrink > 1:
        # Pillow's transform does not average: shrink first, or thin scratches turn to noise.
        source, coefficients = source.reduce(shrink), matrix / shrink
    warped = source.transform(
        (size, size),
        Image.Transform.AFFINE,
        tuple(coefficients.ravel()),
        resample=Image.Resampling.BILINEAR,
        fillcolor=(127, 127, 127),
    )
    return np.asarray(warped)


def _moved(thing: Thing, matrix: Affine, size: int) -> list[Polygon]:
    """The thing's polygons in the tile's pixels; none when it lies outside."""
    inverse = np.linalg.inv(matrix[:, :2])
    moved = []
    for polygon in thing.polygons:
        points = (np.asarray(polygon) - matrix[:, 2]) @ inverse.T
        if np.all(points.max(axis=0) > 0) and np.all(points.min(axis=0) < size):
            moved.append(tuple((float(x), float(y)) for x, y in points))
    return moved


def _rasterise(polygon: Polygon, size: int) -> FloatMap:
    canvas = Image.new("L", (size, size))
    ImageDraw.Draw(canvas).polygon(list(polygon), fill=255, outline=255)
    return np.asarray(canvas, dtype=np.float32) / 255.0


def _labelled(image: UInt8Image, layers: Sequence[tuple[str, FloatMap]], stride: int, kinds: Mapping[str, int]) -> Tile:
    """Reduce the objects' masks to the map: a cell is positive from a quarter covered, unsure below."""
    cells = image.shape[0] // stride
    cover = np.zeros((cells, cells), dtype=np.float32)
    weight = np.ones((cells, cells), dtype=np.float32)
    kind = np.full((cells, cells), IGNORE, dtype=np.uint8)
    thing = np.zeros((cells, cells), dtype=np.uint8)
    for number, (name, mask) in enumerate(layers[:254], 1):
        part = mask.reshape(cells, stride, cells, stride).mean(axis=(1, 3))
        # A scratch thinner than a quarter cell still owns the cells it covers best.
        inside = part >= min(0.25, 0.6 * float(part.max()) + 1e-6)
        if not inside.any():
            continue
        cover[inside] = 1.0
        weight[(part > 0) & ~inside & (cover == 0)] = 0.3
        weight[inside] = float(np.clip(math.sqrt(48.0 / inside.sum()), 0.5, 4.0))
        kind[inside] = kinds.get(name, IGNORE)
        thing[inside] = number
    return Tile(image=image, target=cover, weight=weight, kind=kind, thing=thing)


def patch_cut(pixels: UInt8Image, thing: Thing) -> Patch | None:
    """Cut `thing` out for pasting; None when it is too small, too large or at the photo's edge."""
    left, top, width, height = thing.box
    pad = 4 + 0.25 * max(width, height)
    box = (int(left - pad), int(top - pad), int(left + width + pad) + 1, int(top + height + pad) + 1)
    outside = box[0] < 0 or box[1] < 0 or box[2] > pixels.shape[1] or box[3] > pixels.shape[0]
    if outside or not 5 <= max(width, height) <= 70:
        return None
    piece = pixels[box[1] : box[3], box[0] : box[2]].astype(np.float32)
    canvas = Image.new("L", (piece.shape[1], piece.shape[0]))
    for polygon in thing.polygons:
        ImageDraw.Draw(canvas).polygon([(x - box[0], y - box[1]) for x, y in polygon], fill=255, outline=255)
    mask = np.asarray(canvas, dtype=np.float32) / 255.0
    around = np.asarray(canvas.filter(ImageFilter.MaxFilter(5)))
    paint = np.median(piece[around == 0], axis=0) if (around == 0).any() else piece.mean(axis=(0, 1))
    return Patch(residual=piece - paint, mask=mask, category=thing.category)


def _chosen(patches: Sequence[Patch], focus: Thing | None, recipe: TileRecipe, rng: np.random.Generator) -> list[Patch]:
    # Only where a real damage is near do we know that there is a car to paste on.
    if focus is None or not patches or rng.random() >= recipe.paste:
        return []
    return [patches[int(rng.integers(len(patches)))] for _ in range(int(rng.integers(1, 4)))]


def _paste(
    image: FloatMap, shapes: Sequence[tuple[str, Polygon]], patch: Patch, rng: np.random.Generator
) -> tuple[str, FloatMap]:
    """Add `patch` to `image` in place near the objects there; return its category and mask."""
    size = image.shape[0]
    scale, angle = float(np.exp(rng.uniform(-0.5, 0.5))), float(rng.uniform(0, 360))
    residual, mask = _turned(patch, scale, angle, flip=bool(rng.random() < 0.5))
    height, width = mask.shape
    full = np.zeros((size, size), dtype=np.float32)
    if height >= size or width >= size:
        return patch.category, full
    anchor = np.mean(shapes[int(rng.integers(len(shapes)))][1], axis=0) if shapes else np.full(2, size / 2)
    corner = np.clip(anchor + rng.normal(0, size / 8, 2) - (width / 2, height / 2), 0, (size - width, size - height))
    left, top = (int(value) for value in corner)
    soft = np.asarray(Image.fromarray((mask * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.5)))
    strength = float(rng.uniform(0.7, 1.3))
    image[top : top + height, left : left + width] += residual * (soft[..., None] / 255.0) * strength
    full[top : top + height, left : left + width] = mask > 0.5
    return patch.category, full


def _turned(patch: Patch, scale: float, angle: float, *, flip: bool) -> tuple[FloatMap, FloatMap]:
    def turn(plane: FloatMap) -> FloatMap:
        picture = Image.fromarray(plane[:, ::-1].copy() if flip else plane)
        size = (max(3, round(picture.width * scale)), max(3, round(picture.height * scale)))
        grown = picture.resize(size, Image.Resampling.BILINEAR)
        return np.asarray(grown.rotate(angle, Image.Resampling.BILINEAR, expand=True), dtype=np.float32)

    planes = [turn(np.ascontiguousarray(patch.residual[..., channel])) for channel in range(3)]
    return np.stack(planes, axis=2), turn(patch.mask)


def scratch_draw(image: FloatMap, rng: np.random.Generator) -> FloatMap:
    """Draw a scratch on `image` (S, S, 3) in place and return its mask: a bent line of uneven strength."""
    size = image.shape[0]
    length = float(np.exp(rng.uniform(math.log(10), math.log(size / 2.5))))
    start = rng.uniform(size * 0.25, size * 0.75, 2)
    heading = rng.uniform(0, 2 * math.pi)
    steps = np.linspace(0.0, 1.0, 24)
    bend = rng.normal(0, 0.5) * steps
    path = start + np.cumsum(np.stack([np.cos(heading + bend), np.sin(heading + bend)], 1), axis=0) * length / 24
    canvas = Image.new("L", (size, size))
    width = int(rng.integers(1, 4))
    ImageDraw.Draw(canvas).line([(float(x), float(y)) for x, y in path], fill=255, width=width)
    mask = np.asarray(canvas, dtype=np.float32) / 255.0
    soft = np.asarray(canvas.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.2)))), dtype=np.float32) / 255.0
    grain = Image.fromarray(rng.uniform(0.2, 1.0, (size // 8, size // 8)).astype(np.float32))
    uneven = np.asarray(grain.resize((size, size), Image.Resampling.BILINEAR))
    tone = rng.choice([-1.0, 1.0]) * rng.uniform(20, 80) + rng.normal(0, 6, 3)
    image += (soft * uneven)[..., None] * tone.astype(np.float32)
    return mask


def _light(image: FloatMap, rng: np.random.Generator) -> FloatMap:
    """Brightness, contrast, colour cast and sometimes noise, as other cameras and hours would give."""
    gain = np.exp(rng.normal(0, 0.12)) * np.exp(rng.normal(0, 0.06, 3))
    shifted = (image - 127.0) * float(np.exp(rng.normal(0, 0.12))) + 127.0 + rng.normal(0, 8)
    lit = shifted * gain.astype(np.float32)
    if rng.random() < 0.15:
        lit = np.repeat(lit.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.2:
        lit = lit + rng.normal(0, rng.uniform(1, 6), image.shape)
    return np.asarray(lit, dtype=np.float32)


def _compressed(image: UInt8Image, recipe: TileRecipe, rng: np.random.Generator) -> UInt8Image:
    if rng.random() >= recipe.jpeg:
        return image
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=int(rng.integers(50, 95)))
    return np.array(Image.open(buffer))
