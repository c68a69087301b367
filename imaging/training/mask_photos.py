"""Which photos `vehicle_mask` is trained, chosen and measured with. No torch.

`foreground/car_masks` shows cars from the side; every sixth photo of its train split is kept apart for choosing, the
valid split for the card. The plate and damage sets show cars from all sides without masks: where an early network of
ours outlined the main car well by eye, `cards/vehicle_outlines.json` holds that outline (points in pixels of the
photo, no picture), and such photos are trained with too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage import data

from imaging.training.coco import Photo, coco_load

UInt8Image = npt.NDArray[np.uint8]
FloatMap = npt.NDArray[np.float32]

CAR_MASKS = "foreground/car_masks"
# Pictures that scikit-image ships, none with a vehicle: these to learn from, those to judge by.
PICTURES = (
    *("astronaut", "brick", "cell", "chessboard_RGB", "clock_motion", "coffee", "coins", "color", "grass", "gravel"),
    *("horse", "ihc", "moon", "page", "retina", "rocket", "text"),
)
JUDGED_PICTURES = ("camera", "chelsea", "hubble_deep_field", "microaneurysms", "phantom")
OUTLINES = Path(__file__).parent / "cards" / "vehicle_outlines.json"
STREETS = "plates/romania/dayride_type1_001.json"
OPENIMAGES = "plates/openimages/train.json"
VEHICLE = "vehicle"
# One in so many of the train split is for choosing.
CHOOSING = 6
_EIGHT = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, slots=True)
class Masked:
    """One photo (H, W, 3) uint8 with the mask of its main car (H, W), 0..1, and how far each pixel's is to be trusted,
    (H, W), 0..1."""

    name: str
    pixels: UInt8Image
    mask: FloatMap
    trust: FloatMap


def pixels_read(path: Path) -> UInt8Image:
    """Read a photo as (H, W, 3) uint8 RGB."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def mask_files(images: Path, masks: Path) -> list[tuple[Path, Path]]:
    """Pair each photo of a folder with the mask of its name; ValueError when one has none or there is no photo."""
    by_stem = {path.stem: path for path in sorted(masks.iterdir()) if path.is_file()}
    photos = [path for path in sorted(images.iterdir()) if path.is_file()]
    alone = [path.name for path in photos if path.stem not in by_stem]
    if alone or not photos:
        raise ValueError(f"no mask for {', '.join(alone[:3])}" if photos else f"no photo in {images.name}")
    return [(path, by_stem[path.stem]) for path in photos]


def masks_of(root: Path, split: str) -> list[tuple[Path, Path]]:
    """Photo and mask files of foreground/car_masks: `split` is "train", "choosing" (both of the set's train split) or
    "valid" (for the card)."""
    files = mask_files(*(root / CAR_MASKS / ("valid" if split == "valid" else "train") / kind for kind in _KINDS))
    if split == "valid":
        return files
    return [pair for number, pair in enumerate(files) if (number % CHOOSING == CHOOSING - 1) == (split == "choosing")]


_KINDS = ("images", "masks")


def mask_read(path: Path, width: int, height: int) -> FloatMap:
    """Read a mask file as (height, width), 0 or 1; ValueError when it is not of that size."""
    with Image.open(path) as image:
        values = np.asarray(image.convert("L"))
    if values.shape != (height, width):
        raise ValueError(f"{path.name}: the mask has another size than its photo")
    return (values > 127).astype(np.float32)


def masked_load(files: Sequence[tuple[Path, Path]]) -> list[Masked]:
    """Read photos with their masks, the largest piece of each alone: a few masks also hold a neighbour."""
    return list(_read(files))


def _read(files: Sequence[tuple[Path, Path]]) -> Iterator[Masked]:
    for photo, mask in files:
        pixels = pixels_read(photo)
        found = mask_read(mask, pixels.shape[1], pixels.shape[0])
        main = largest(found > 0)
        # What is left out may be a part of this car behind a lamp post or another car: not told either way.
        yield Masked(photo.stem, pixels, main.astype(np.float32), (main | (found == 0)).astype(np.float32))


def largest(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the largest connected piece of a mask."""
    labels, count = ndimage.label(mask, _EIGHT)
    if count <= 1:
        return mask
    return np.asarray(labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:])), dtype=bool)


def outlined_load(root: Path, path: Path = OUTLINES) -> list[Masked]:
    """Read the photos that we outlined, each with the outline filled."""
    told: Mapping[str, Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["outlines"]
    return [_outlined(root, label_file, name, rings) for label_file in told for name, rings in told[label_file].items()]


def _outlined(root: Path, label_file: str, name: str, rings: Sequence[Sequence[float]]) -> Masked:
    pixels = pixels_read((root / label_file).parent / "images" / name)
    canvas = Image.new("L", (pixels.shape[1], pixels.shape[0]))
    for ring in rings:
        ImageDraw.Draw(canvas).polygon([(x, y) for x, y in zip(ring[::2], ring[1::2], strict=True)], fill=255)
    mask = (np.asarray(canvas) > 127).astype(np.float32)
    return Masked(Path(name).stem, pixels, mask, np.ones_like(mask))


def boxed_load(root: Path, known: Sequence[str] = ()) -> list[Masked]:
    """Read photos of which only the vehicles' boxes are known, but those named in `known` (stems).

    Outside all boxes there is no car, the middle of the largest one is the car, and the rest is not told.
    """
    photos = [photo.of({VEHICLE}) for photo in coco_load(root / OPENIMAGES)]
    return [_boxed(photo) for photo in photos if photo.things and photo.path.stem not in known]


def _boxed(photo: Photo) -> Masked:
    mask = np.zeros((photo.height, photo.width), dtype=np.float32)
    trust = np.ones_like(mask)
    ranked = sorted(photo.things, key=lambda thing: -thing.box[2] * thing.box[3])
    main = ranked[0].box
    for thing in ranked:
        left, top, width, height = thing.box
        # A much smaller one is a neighbour, which the mask of the main car leaves out.
        small = width * height < 0.3 * main[2] * main[3]
        if not small or thing is ranked[0]:
            trust[int(top) : int(top + height) + 1, int(left) : int(left + width) + 1] = 0.0
    left, top, width, height = main
    trust[int(top) : int(top + height) + 1, int(left) : int(left + width) + 1] = 0.0
    rows, columns = np.ogrid[: photo.height, : photo.width]
    away = ((columns - left - width / 2) / (0.38 * width)) ** 2 + ((rows - top - height / 2) / (0.36 * height)) ** 2
    core = np.broadcast_to(away < 1.0, mask.shape)
    mask[core], trust[core] = 1.0, 0.6
    return Masked(photo.path.stem, pixels_read(photo.path), mask, trust)


def street_load(root: Path) -> list[UInt8Image]:
    """Read street scenes to put cars into: frames of a drive, in which other cars are small; its cast is taken out."""
    return [_neutral(pixels_read(photo.path)[::2, ::2]) for photo in coco_load(root / STREETS)[::3]]


def _neutral(pixels: UInt8Image) -> UInt8Image:
    """The same picture with grey as its mean colour (G. Buchsbaum's grey world, 1980)."""
    means = pixels.reshape(-1, 3).mean(axis=0) + 1.0
    return np.asarray(np.clip(pixels * (means.mean() / means), 0, 255), dtype=np.uint8)


def pictures_load(names: Sequence[str]) -> list[UInt8Image]:
    """Read pictures of scikit-image's own, by the stems of their files."""
    folder = Path(data.__file__).parent
    paths = {path.stem: path for path in folder.iterdir() if path.suffix in (".png", ".jpg")}
    return [pixels_read(paths[name]) for name in names]


def above_load(masked: Sequence[Masked]) -> list[UInt8Image]:
    """Cut out what is above the car on photos whose masks are known: sky, trees, houses, walls, if it is enough."""
    tops = [np.nonzero((one.mask > 0) | (one.trust < 1))[0].min(initial=len(one.mask)) for one in masked]
    pairs = zip(masked, tops, strict=True)
    return [one.pixels[: int(0.95 * top)] for one, top in pairs if top > 0.2 * len(one.mask)]
