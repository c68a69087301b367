"""The car-parts set, whose licence nobody states: measured with, never trained with. No torch.

Its polygons cover doors, bumpers, panes, lamps, mirrors, bonnet and wheels, but neither wings nor roof: a mask must
hold them all, and may hold more.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from tqdm import tqdm

from imaging.ml.types import HALF
from imaging.training.coco import Photo, coco_load
from imaging.training.evaluate import photo_read
from imaging.training.masked import Masks

LABELS, IMAGES = "evaluation_only/parts/annotations.json", "JPEGImages"


def parts_load(root: Path) -> list[Photo]:
    """Return the photos of the set; none where it is not there."""
    labels = root / LABELS
    return coco_load(labels, labels.parent / IMAGES) if labels.exists() else []


def parts_inside(model: Masks, photos: Sequence[Photo]) -> float:
    """Return the share of the labelled parts' pixels that lie within the mask, as a mean over the photos."""
    return float(np.mean([_inside(model, photo) for photo in tqdm(photos, desc="parts")]))


def _inside(model: Masks, photo: Photo) -> float:
    found = model.mask(photo_read(photo)).at(photo.width, photo.height) >= HALF
    parts = parts_drawn(photo)
    return float((found & parts).sum() / max(1, parts.sum()))


def parts_drawn(photo: Photo) -> npt.NDArray[np.bool_]:
    """Return all parts of a photo as one mask (H, W)."""
    canvas = Image.new("L", (photo.width, photo.height))
    for thing in photo.things:
        for polygon in thing.polygons:
            ImageDraw.Draw(canvas).polygon(list(polygon), fill=255)
    return np.asarray(canvas) > 0
