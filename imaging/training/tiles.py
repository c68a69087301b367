"""Training tiles cut from labelled photos: crop and zoom, flips, light, pasted and drawn damage. No torch.

A photo may also tell of places that are no damage: `LOOKALIKE` is what an earlier network took for damage (it weighs
more), `DOUBTFUL` what nobody can tell (it does not count).

Every tile is a pure function of the photos, the recipe and a random generator, so a run that is stopped and
resumed sees the same tiles as one that was not.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from imaging.training.coco import Photo, Polygon, Thing
from imaging.training.damage_drawing import damage_draw, spot_find
from imaging.training.damage_lookalikes import lookalike_draw

IGNORE = 255
LOOKALIKE, DOUBTFUL = "look-alike", "doubtful"
# How much a cell of a look-alike weighs in the loss against one of plain background.
HARD = 3.0
GREY = np.full(3, 1 / 3, dtype=np.float32)
UInt8Image = npt.NDArray[np.uint8]
FloatMap = npt.NDArray[np.float32]
Affine = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TileRecipe:
    """How tiles are drawn: sizes in pixels, chances 0..1, zoom in network pixels a source pixel.

    `paste`: real damages from elsewhere; `draw`: drawn ones; `lookalike`: drawn things that are none; `positive`: a
    tile is cut around something labelled.
    """

    size: int = 384
    stride: int = 4
    zoom: tuple[float, float] = (0.8, 2.4)
    turn: float = 12.0
    paste: float = 0.35
    draw: float = 0.35
    lookalike: float = 0.2
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
    surface: UInt8Image | None = None,
) -> Tile:
    """Draw one tile of `photo`, whose `pixels` are (H, W, 3); `kinds` maps a category's name to its index.

    `surface` (H, W), 255 where the car's body is: drawn and pasted damage goes there; none: near labelled damage.
    """
    focus = _focus(photo, recipe, rng)
    matrix = _matrix(photo, focus, recipe, rng)
    image = _warp(pixels, matrix, recipe.size).astype(np.float32)
    shapes = [(thing.category, moved) for thing in photo.things for moved in _moved(thing, matrix, recipe.size)]
    body = _near(shapes, recipe.size) if surface is None else _warp_plane(surface, matrix, recipe.size)
    if rng.random() < recipe.lookalike:
        lookalike_draw(image, rng)
    masks = list(_added(image, body, patches, recipe, rng))
    canvas = _compressed(np.clip(_light(image, rng), 0, 255).astype(np.uint8), recipe, rng)
    layers = [(name, _rasterise(polygon, recipe.size)) for name, polygon in shapes] + masks
    return _labelled(canvas, layers, recipe.stride, kinds)


def _added(
    image: FloatMap, body: FloatMap, patches: Sequence[Patch], recipe: TileRecipe, rng: np.random.Generator
) -> Iterator[tuple[str, FloatMap]]:
    """Paste and draw damages on the body in `image`, in place; yield their categories and masks."""
    for _ in range(int(rng.integers(1, 4)) if patches and rng.random() < recipe.paste else 0):
        if (at := spot_find(image, body, rng)) is not None:
            yield _paste(image, at, patches[int(rng.integers(len(patches)))], rng)
    for _ in range(int(rng.integers(1, 4)) if rng.random() < recipe.draw else 0):
        if (at := spot_find(image, body, rng)) is not None:
            yield damage_draw(image, at, rng)


def _near(shapes: Sequence[tuple[str, Polygon]], size: int) -> FloatMap:
    """Where a car's body surely is when nobody outlined it: around labelled damage, 0 or 1."""
    canvas = Image.new("L", (size, size))
    for name, polygon in shapes:
        if name not in (LOOKALIKE, DOUBTFUL):
            x, y = np.mean(polygon, axis=0)
            reach = size / 5
            ImageDraw.Draw(canvas).ellipse((x - reach, y - reach, x + reach, y + reach), fill=255)
    return np.asarray(canvas, dtype=np.float32) / 255.0


def _focus(photo: Photo, recipe: TileRecipe, rng: np.random.Generator) -> Thing | None:
    """What the tile is cut around: mostly damage, at times a look-alike."""
    known = [thing for thing in photo.things if thing.category not in (LOOKALIKE, DOUBTFUL)]
    alike = [thing for thing in photo.things if thing.category == LOOKALIKE]
    choices = alike if alike and (not known or rng.random() < 0.15) else known
    if not choices or rng.random() >= recipe.positive:
        return None
    return choices[int(rng.integers(len(choices)))]


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
    margin = np.minimum(reach / 2, size / 2)
    if focus is None:
        return np.asarray(rng.uniform(margin, size - margin + 1e-6))
    left, top, width, height = focus.box
    middle = np.array([left + width / 2, top + height / 2])
    shifted = middle + rng.uniform(-0.4, 0.4, 2) * np.maximum(0.0, reach - np.array([width, height]))
    # What lies beyond the photo teaches nothing: keep nearly all of the tile inside.
    return np.asarray(np.clip(shifted, 0.9 * margin, size - 0.9 * margin))


def _warp_plane(plane: UInt8Image, matrix: Affine, size: int) -> FloatMap:
    shifted = Image.fromarray(plane).transform((size, size), Image.Transform.AFFINE, tuple(matrix.ravel()))
    return np.asarray(shifted, dtype=np.float32) / 255.0


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
        part = np.asarray(Image.fromarray(mask).reduce(stride))
        if name in (LOOKALIKE, DOUBTFUL):
            weight[(part > 0) & (cover == 0)] = HARD if name == LOOKALIKE else 0.0
            continue
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


def _paste(image: FloatMap, at: tuple[float, float], patch: Patch, rng: np.random.Generator) -> tuple[str, FloatMap]:
    """Add `patch` to `image` in place, its middle at `at`; return its category and mask."""
    size = image.shape[0]
    scale, angle = float(np.exp(rng.uniform(-0.5, 0.6))), float(rng.uniform(0, 360))
    residual, mask = _turned(patch, scale, angle, flip=bool(rng.random() < 0.5))
    height, width = mask.shape
    full = np.zeros((size, size), dtype=np.float32)
    if height >= size or width >= size:
        return patch.category, full
    left = int(np.clip(at[0] - width / 2, 0, size - width))
    top = int(np.clip(at[1] - height / 2, 0, size - height))
    soft = np.asarray(Image.fromarray((mask * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.5)))
    strength = float(rng.uniform(0.6, 1.4)) * (1.0 if rng.random() < 0.85 else -1.0)
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


def _light(image: FloatMap, rng: np.random.Generator) -> FloatMap:
    """Brightness, contrast, colour and sometimes blur or noise, as other paints, cameras and hours would give."""
    if rng.random() < 0.1:
        image = image[..., rng.permutation(3)]
    gain = np.exp(rng.normal(0, 0.15)) * np.exp(rng.normal(0, 0.07, 3))
    contrast, shift = float(np.exp(rng.normal(0, 0.15))), float(rng.normal(0, 10))
    lit = ((image - 127.0) * contrast + (127.0 + shift)) * gain.astype(np.float32)
    grey = (lit @ GREY)[..., None]
    lit = grey + (lit - grey) * float(rng.uniform(0.0, 0.3) if rng.random() < 0.15 else rng.uniform(0.6, 1.3))
    if rng.random() < 0.1:
        lit = ndimage.gaussian_filter(lit, (float(rng.uniform(0.3, 0.9)),) * 2 + (0.0,))
    if rng.random() < 0.2:
        lit = lit + rng.standard_normal(image.shape, dtype=np.float32) * float(rng.uniform(1, 6))
    return np.asarray(lit, dtype=np.float32)


def _compressed(image: UInt8Image, recipe: TileRecipe, rng: np.random.Generator) -> UInt8Image:
    if rng.random() >= recipe.jpeg:
        return image
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=int(rng.integers(50, 95)))
    return np.array(Image.open(buffer))
