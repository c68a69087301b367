"""The models on local files, with neither server nor database: what `manage.py inspect` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from damages.families import Sighting, merge_within_image
from damages.geometry import PixelBox, Polygon, to_pixel_box
from damages.taxonomy import category_of
from imaging.gate import SIDE, Eyes, Judgement, photo_judge, reasons
from imaging.ml.model import Model
from imaging.ml.on_vehicle import on_vehicle
from imaging.ml.registry import load
from imaging.ops.decode import decode, encode_published, reduced
from imaging.ops.quality import measure

#: The job of the pipeline that this stands for runs the same model.
MODEL: Final = "damage_detector"
_COLOUR: Final = (255, 40, 40)
#: Line width and text size as shares of the photo's longer side.
_LINE: Final = 1 / 400
_TEXT: Final = 1 / 50


@dataclass(frozen=True, slots=True)
class Seen:
    """One damage: its category, the model's word and score (0..1), outline 0..1 of the photo, box in px."""

    category: str
    label: str
    confidence: float
    polygon: Polygon
    box: PixelBox

    def as_json(self) -> dict[str, Any]:
        """Plain values, the box as {x, y, width, height} in pixels."""
        return {
            "category": self.category,
            "label": self.label,
            "confidence": round(self.confidence, 4),
            "box": self.box._asdict(),
            "polygon": [[round(x, 5), round(y, 5)] for x, y in self.polygon],
        }


@dataclass(frozen=True, slots=True)
class Inspected:
    """A photo with what the models saw on it."""

    path: Path
    pixels: NDArray[np.uint8]
    said: Judgement
    model: str
    damages: tuple[Seen, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        height, width = self.pixels.shape[:2]
        return {
            "photo": str(self.path),
            "width": width,
            "height": height,
            "flags": list(self.said.flags),
            "reasons": reasons(self.said.flags),
            "scores": dict(self.said.scores),
            "view": self.said.view,
            "model": self.model,
            "damages": [one.as_json() for one in self.damages],
        }


def photo_inspect(path: Path, *, max_pixels: int, threads: int | None = None) -> Inspected:
    """Show a photo to the damage model, as the pipeline would. Raises OSError or UnusableMedia."""
    with path.open("rb") as file:
        pixels = decode(file, max_pixels=max_pixels)
    said = _judged(pixels, threads=threads)
    model = on_vehicle(load(MODEL, threads=threads), lambda name: load(name, threads=threads))
    damages = _damages(model, pixels) if said.usable else ()
    return Inspected(path, pixels, said, f"{model.name} {model.version}", damages)


def photo_drawn(inspected: Inspected) -> bytes:
    """A JPEG of the photo with the outlines and categories of its damages drawn on it."""
    picture = Image.fromarray(inspected.pixels.copy())
    draw = ImageDraw.Draw(picture)
    longer = max(picture.size)
    for one in inspected.damages:
        points = [(x * picture.width, y * picture.height) for x, y in one.polygon]
        draw.polygon(points, outline=_COLOUR, width=max(2, round(longer * _LINE)))
        draw.text(
            (one.box.x, max(0, one.box.y - longer * _TEXT * 1.2)), f"{one.category} {one.confidence:.2f}", fill=_COLOUR,
            font_size=max(10, longer * _TEXT),
        )  # fmt: skip
    return encode_published(np.asarray(picture))


def _judged(pixels: NDArray[np.uint8], *, threads: int | None) -> Judgement:
    height, width = pixels.shape[:2]
    small = reduced(pixels, max_side=SIDE)
    quality = measure(small, full_size=(width, height))
    if not quality.usable:
        return photo_judge(quality)
    eyes = Eyes.of(lambda name: load(name, threads=threads))
    return photo_judge(quality, seen=eyes.look(small))


def _damages(model: Model, pixels: NDArray[np.uint8]) -> tuple[Seen, ...]:
    height, width = pixels.shape[:2]
    findings = model.predict(pixels).findings
    sightings: Sequence[Sighting] = [
        Sighting(
            key=number, image="photo", sequence=None, frame=None, polygon=finding.polygon, score=finding.score,
            label=finding.label, aspect=width / height,
        )
        for number, finding in enumerate(findings)
    ]  # fmt: skip
    return tuple(
        Seen(
            category=category_of(one.label, polygon=one.polygon, aspect=one.aspect),
            label=one.label,
            confidence=one.score,
            polygon=one.polygon,
            box=to_pixel_box(one.polygon, width=width, height=height),
        )
        for one in merge_within_image(sightings)
    )
