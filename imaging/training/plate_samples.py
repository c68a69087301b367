"""Training samples for `plate_detector`: crops of street photos, with drawn plates put in, light and lenses varied.

No torch. Every sample is a pure function of the photo, the recipe and a random generator.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from imaging.training.coco import Photo, Thing
from imaging.training.plate_drawing import FONTS, font, plate_draw
from imaging.training.plate_photos import PLATE

UInt8Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SampleRecipe:
    """How samples are drawn: `size` in pixels; `height`: the range of a plate's height there; chances 0..1.

    `turn`: standard deviation of the camera's roll in degrees. More than one makes boxes of real plates too tall,
    since only their upright boxes are known.
    """

    size: int = 416
    height: tuple[float, float] = (6.0, 140.0)
    zoom: tuple[float, float] = (0.3, 3.5)
    turn: float = 0.5
    focus: float = 0.85
    replace: float = 0.25
    paste: float = 0.3
    decoy: float = 0.35
    grey: float = 0.2
    jpeg: float = 0.4


@dataclass(frozen=True, slots=True)
class Sample:
    """`image` (S, S, 3) uint8; plates as `boxes` (n, 4: left, top, right, bottom; pixels); `quads` (n, 4, 2) their
    corners, clockwise from the plate's top left, NaN where unknown; `asked` (n,): whether it must be found, False for
    a plate that hangs where none belongs; `ignored` (m, 4): neither plate nor background."""

    image: UInt8Image
    boxes: Floats
    quads: Floats
    asked: npt.NDArray[np.bool_]
    ignored: Floats


def sample_make(photo: Photo, pixels: UInt8Image, recipe: SampleRecipe, rng: np.random.Generator) -> Sample:
    """Draw one sample of `photo`, whose `pixels` are (H, W, 3); labels that are no plates are ignored places."""
    plates = photo.of({PLATE}).things
    focus = plates[int(rng.integers(len(plates)))] if plates and rng.random() < recipe.focus else None
    matrix = _matrix(photo, focus, recipe, rng)
    canvas = Image.fromarray(pixels).transform(
        (recipe.size, recipe.size), Image.Transform.AFFINE, tuple(matrix.ravel()), Image.Resampling.BILINEAR,
        fillcolor=(127, 127, 127),
    )  # fmt: skip
    boxes, ignored = _boxes_moved(photo, matrix, recipe.size)
    quads = [np.full((4, 2), np.nan) for _ in boxes]
    for index, box in enumerate(boxes):
        if rng.random() < recipe.replace:
            quads[index] = _over(canvas, box, rng)
            boxes[index] = _around(quads[index])
    asked = [True] * len(boxes)
    while rng.random() < recipe.paste:
        quad = _beside(canvas, [*boxes, *ignored], recipe, rng)
        if quad is not None:
            quads.append(quad)
            boxes.append(_around(quad))
            asked.append(False)
    while rng.random() < recipe.decoy:
        _decoy(canvas, [*boxes, *ignored], rng)
    image = _seen(canvas, recipe, rng)
    corners = np.asarray(quads, dtype=np.float64).reshape(-1, 4, 2)
    return Sample(image, _stack(boxes, 4), corners, np.asarray(asked, dtype=bool), _stack(ignored, 4))


def mosaic_make(photos: Sequence[tuple[Photo, UInt8Image]], recipe: SampleRecipe, rng: np.random.Generator) -> Sample:
    """Draw one sample of four photos, a quarter each: more plates, and smaller ones."""
    half = recipe.size // 2
    quarter = replace(recipe, size=half, height=(recipe.height[0] * 0.7, recipe.height[1] * 0.6), paste=0.15)
    parts = [sample_make(photo, pixels, quarter, rng) for photo, pixels in photos]
    shifts = [np.array([half * (index % 2), half * (index // 2)], dtype=np.float64) for index in range(4)]
    rows = [np.hstack([part.image for part in parts[first : first + 2]]) for first in (0, 2)]
    pairs = list(zip(parts, shifts, strict=True))
    return Sample(
        image=np.vstack(rows),
        boxes=np.vstack([part.boxes + np.tile(shift, 2) for part, shift in pairs]),
        quads=np.vstack([part.quads + shift for part, shift in pairs]),
        asked=np.concatenate([part.asked for part in parts]),
        ignored=np.vstack([part.ignored + np.tile(shift, 2) for part, shift in pairs]),
    )


def _stack(rows: Sequence[Floats], width: int) -> Floats:
    return np.asarray(rows, dtype=np.float64).reshape(-1, width)


def _matrix(photo: Photo, focus: Thing | None, recipe: SampleRecipe, rng: np.random.Generator) -> Floats:
    """Map from the sample's pixels to the photo's: 2x3, as Pillow's affine transform wants it."""
    low, high = (math.log(bound) for bound in recipe.zoom)
    zoom = math.exp(rng.uniform(low, min(high, math.log(2.0))))
    if focus is not None:
        tall = math.exp(rng.uniform(math.log(recipe.height[0]), math.log(recipe.height[1])))
        zoom = min(max(tall / max(focus.box[3], 2.0), recipe.zoom[0]), recipe.zoom[1])
        zoom = min(zoom, 0.9 * recipe.size / max(focus.box[2], 1.0))
    # A photo much smaller than the sample would leave most of it empty.
    zoom = max(zoom, 0.8 * recipe.size / max(photo.width, photo.height))
    stretch = math.exp(rng.normal(0.0, 0.12))
    scale = np.diag([(-1.0 if rng.random() < 0.5 else 1.0) * stretch, 1.0 / stretch]) / zoom
    angle = math.radians(float(np.clip(rng.normal(0.0, recipe.turn), -1.0, 1.0)))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = turn @ scale
    centre = _centre(photo, focus, recipe.size / zoom, rng)
    return np.hstack([linear, (centre - linear @ np.full(2, recipe.size / 2))[:, None]])


def _centre(photo: Photo, focus: Thing | None, reach: float, rng: np.random.Generator) -> Floats:
    """Where in the photo the sample looks at: so that the focus lies somewhere in it, and little beyond the edges."""
    size = np.array([photo.width, photo.height], dtype=np.float64)
    if focus is None:
        wished = rng.uniform(0, 1, 2) * size
    else:
        left, top, width, height = focus.box
        room = np.maximum(0.0, reach / 2 - np.array([width, height]) * 0.6)
        wished = np.array([left + width / 2, top + height / 2]) + rng.uniform(-1, 1, 2) * room
    half = np.minimum(reach / 2, size / 2)
    return np.asarray(np.clip(wished, half * 0.9, size - half * 0.9))


def _boxes_moved(photo: Photo, matrix: Floats, size: int) -> tuple[list[Floats], list[Floats]]:
    """Boxes of the plates in the sample, and of those that are cut or too small to ask for."""
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
    kept: list[Floats] = []
    ignored: list[Floats] = []
    for thing in photo.things:
        left, top, width, height = thing.box
        corners = np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])
        box = _around(corners @ inverse[:, :2].T + inverse[:, 2])
        seen = np.clip(box, 0, size)
        share = float(np.prod(seen[2:] - seen[:2])) / max(1e-6, float(np.prod(box[2:] - box[:2])))
        if thing.category == PLATE and share > 0.6 and seen[3] - seen[1] >= 3.5:
            kept.append(seen)
        elif share > 0.02:
            ignored.append(seen)
    return kept, ignored


def _around(points: Floats) -> Floats:
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _over(canvas: Image.Image, box: Floats, rng: np.random.Generator) -> Floats:
    """Put a drawn plate, slightly tilted, over the real one in `box`; return its corners."""
    width, height = box[2:] - box[:2]
    lean = float(np.clip(rng.normal(0, 0.12), -0.3, 0.3)) * height
    shear = float(np.clip(rng.normal(0, 0.05), -0.15, 0.15)) * width
    grown = np.array([box[0] - 1, box[1] - 1 - abs(lean) / 2, box[2] + 1, box[3] + 1 + abs(lean) / 2])
    quad = _corners(grown)
    quad[[0, 3], 1] += lean / 2
    quad[[1, 2], 1] -= lean / 2
    quad[[0, 1], 0] += shear / 2
    quad[[2, 3], 0] -= shear / 2
    _warp_in(canvas, quad, _plate_like(float(width / max(1.0, height)), rng), rng)
    return quad


def _beside(
    canvas: Image.Image, taken: Sequence[Floats], recipe: SampleRecipe, rng: np.random.Generator
) -> Floats | None:
    """Put a drawn plate, turned and seen from aside, where no other is; None when the place is taken."""
    plate = Image.fromarray(plate_draw(rng).pixels)
    tall = math.exp(rng.uniform(math.log(recipe.height[0]), math.log(70)))
    wide = tall * plate.width / plate.height * float(rng.uniform(0.55, 1.0))
    angle = math.radians(float(np.clip(rng.normal(0, 9), -30, 30)))
    frame = np.array([[-wide, -tall], [wide, -tall], [wide, tall], [-wide, tall]]) / 2
    frame[:, 1] *= 1.0 + np.sign(frame[:, 0]) * rng.normal(0, 0.06)
    frame[:, 1] += frame[:, 0] * rng.normal(0, 0.08)
    turned = frame @ np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    reach = np.abs(turned).max(axis=0) + 2
    if (2 * reach >= recipe.size).any():
        return None
    quad = turned + rng.uniform(reach, recipe.size - reach)
    if any(_touch(_around(quad), box) for box in taken):
        return None
    _warp_in(canvas, quad, plate, rng)
    return np.asarray(quad)


def _corners(box: Floats) -> Floats:
    return np.array([[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]]])


def _touch(one: Floats, other: Floats, gap: float = 4.0) -> bool:
    return bool((one[:2] < other[2:] + gap).all() and (other[:2] < one[2:] + gap).all())


def _plate_like(aspect: float, rng: np.random.Generator) -> Image.Image:
    """Of a few drawn plates the one whose shape fits best."""
    drawn = [Image.fromarray(plate_draw(rng).pixels) for _ in range(3)]

    def unlike(plate: Image.Image) -> float:
        return abs(math.log(plate.width / plate.height / aspect))

    return min(drawn, key=unlike)


def _warp_in(canvas: Image.Image, quad: Floats, plate: Image.Image, rng: np.random.Generator) -> None:
    """Put `plate` into `canvas` in place, its corners at `quad`, sharpness and light like the photo's."""
    tall = max(12, min(96, round(float(np.ptp(quad[:, 1])) * 1.5)))
    wide = max(16, round(float(np.ptp(quad[:, 0])) * 1.5))
    plate = plate.resize((wide, tall), reducing_gap=2.0)
    source = _corners(np.array([0, 0, plate.width, plate.height], dtype=np.float64))
    low, high = np.floor(quad.min(axis=0)).astype(int) - 1, np.ceil(quad.max(axis=0)).astype(int) + 1
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    numbers = perspective(quad - low, source)
    warped = plate.transform(size, Image.Transform.PERSPECTIVE, numbers, Image.Resampling.BICUBIC)
    mask = Image.new("L", (size[0] * 4, size[1] * 4))
    ImageDraw.Draw(mask).polygon([(float(x) * 4, float(y) * 4) for x, y in quad - low], fill=255)
    soft = mask.resize(size, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 0.7))))
    light = _light_of(canvas, low, high) * float(np.exp(rng.normal(0, 0.15)))
    lit = Image.fromarray(np.clip(np.asarray(warped, dtype=np.float32) * light, 0, 255).astype(np.uint8))
    canvas.paste(lit.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.0, 0.8)))), (int(low[0]), int(low[1])), soft)


def _light_of(canvas: Image.Image, low: npt.NDArray[np.int64], high: npt.NDArray[np.int64]) -> float:
    """How bright the brightest tenth around is, against white: a plate in the shade is not white."""
    around = canvas.crop((int(low[0]) - 20, int(low[1]) - 20, int(high[0]) + 20, int(high[1]) + 20)).convert("L")
    return float(np.clip(np.percentile(np.asarray(around), 90) / 215.0, 0.25, 1.05))


def perspective(target: Floats, source: Floats) -> tuple[float, ...]:
    """The eight numbers with which Pillow's PERSPECTIVE maps the points `target` (4, 2) to `source` (4, 2)."""
    rows = []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return tuple(float(value) for value in np.linalg.lstsq(np.array(rows), source.ravel(), rcond=None)[0])


def _decoy(canvas: Image.Image, taken: Sequence[Floats], rng: np.random.Generator) -> None:
    """Write what shops, vans and stickers carry, on a board or on what is there: lettering alone is no plate."""
    size = int(rng.integers(8, 40))
    chosen = font(FONTS[int(rng.integers(len(FONTS)))], size) or ImageFont.load_default(size)
    pen, text = ImageDraw.Draw(canvas), _words(rng)
    x, y = (float(value) for value in rng.uniform(0, 0.85, 2) * canvas.width)
    box = np.add(pen.textbbox((x, y), text, font=chosen), (-6.0, -5.0, 6.0, 5.0))
    if any(_touch(box, other) for other in taken):
        return
    ink, board = (tuple(int(value) for value in rng.integers(0, 256, 3)) for _ in range(2))
    if rng.random() < 0.6:
        pen.rectangle(tuple(float(value) for value in box), fill=board)
    pen.text((x, y), text, font=chosen, fill=ink)


def _words(rng: np.random.Generator) -> str:
    """A word or two of an invented language, in lower case or capitals; now and then with a number."""
    syllables = ("ka", "lo", "mer", "tis", "an", "vel", "dor", "in", "po", "ras", "sun", "eck", "ta", "hi", "bra", "en")
    chosen = ["".join(rng.choice(syllables, int(rng.integers(1, 4)))) for _ in range(int(rng.integers(1, 3)))]
    text = " ".join(chosen) + (f" {rng.integers(1, 1000)}" if rng.random() < 0.25 else "")
    return str(rng.choice([text, text.upper(), text.title()]))


def _seen(canvas: Image.Image, recipe: SampleRecipe, rng: np.random.Generator) -> UInt8Image:
    """The picture as another camera at another hour would have taken it."""
    if rng.random() < 0.25:
        canvas = canvas.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.6))))
    if rng.random() < 0.3:
        small = round(recipe.size * rng.uniform(0.4, 0.9))
        canvas = canvas.resize((small, small), Image.Resampling.BILINEAR).resize(
            (recipe.size, recipe.size), Image.Resampling.BICUBIC
        )
    image = np.asarray(canvas, dtype=np.float32)
    contrast, brightness = float(np.exp(rng.normal(0, 0.18))), float(rng.normal(0, 12))
    image = (image - 127.0) * contrast + 127.0 + brightness
    image = image * (np.exp(rng.normal(0, 0.15)) * np.exp(rng.normal(0, 0.08, 3))).astype(np.float32)
    if rng.random() < 0.12:
        image = 255.0 * (np.clip(image, 0, 255) / 255.0) ** float(rng.uniform(1.2, 2.2))
    if rng.random() < recipe.grey:
        image = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.3:
        image = image + rng.normal(0, rng.uniform(1, 9), image.shape)
    return _compressed(np.clip(image, 0, 255).astype(np.uint8), recipe, rng)


def _compressed(image: UInt8Image, recipe: SampleRecipe, rng: np.random.Generator) -> UInt8Image:
    if rng.random() >= recipe.jpeg:
        return image
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=int(rng.integers(35, 95)))
    return np.array(Image.open(buffer))
