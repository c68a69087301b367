"""The models on local files, without a server, and without a database if there is none: `manage.py inspect`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import connection
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
from imaging.services.model_versions import promoted_ids, version_load

#: The job of the pipeline that this stands for runs the same model.
MODEL: Final = "damage_detector"
_COLOUR: Final = (255, 40, 40)
#: Line width and text size as shares of the photo's longer side.
_LINE: Final = 1 / 400
_TEXT: Final = 1 / 50


class NotLoaded(Exception):
    """A promoted version cannot be loaded; the message says which, and why."""


@dataclass(frozen=True, slots=True)
class Speakers:
    """The models that look: the versions in `promoted` (model's name -> id), for the rest those of the release."""

    promoted: Mapping[str, UUID]
    threads: int | None = None

    def load(self, name: str) -> Model:
        """The model `name`. Raises NotLoaded, and what `imaging.ml.registry.load` raises."""
        version_id = self.promoted.get(name)
        if version_id is None:
            return load(name, threads=self.threads)
        try:
            return version_load(name, version_id, threads=self.threads)
        except Exception as error:
            raise NotLoaded(f"The promoted version of {name} cannot be loaded: {error}.") from error


@dataclass(frozen=True, slots=True)
class Spoke:
    """A model that looked at a photo; whether its version was promoted here or came with the release."""

    name: str
    version: str
    promoted: bool

    def __str__(self) -> str:
        return f"{self.name} {self.version}{' (promoted)' if self.promoted else ''}"

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "version": self.version, "promoted": self.promoted}


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
    """A photo with what the models saw on it; `models` are those that looked at it."""

    path: Path
    pixels: NDArray[np.uint8]
    said: Judgement
    model: str
    damages: tuple[Seen, ...]
    models: tuple[Spoke, ...]

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
            "models": [one.as_json() for one in self.models],
            "damages": [one.as_json() for one in self.damages],
        }


def promoted_ask() -> dict[str, UUID]:
    """Which versions were promoted here: none where there is no database. Raises DatabaseError where it cannot say."""
    name = str(connection.settings_dict["NAME"])
    # Asking SQLite for a file that is not there would make one.
    if connection.vendor == "sqlite" and "memory" not in name and not Path(name).exists():
        return {}
    return promoted_ids()


def photo_inspect(path: Path, *, max_pixels: int, speakers: Speakers) -> Inspected:
    """Show a photo to the models, as the pipeline would. Raises OSError, UnusableMedia or NotLoaded."""
    with path.open("rb") as file:
        pixels = decode(file, max_pixels=max_pixels)
    spoke: dict[str, Spoke] = {}

    def take(name: str) -> Model:
        model = speakers.load(name)
        spoke[name] = Spoke(name, model.version, name in speakers.promoted)
        return model

    said = _judged(pixels, take)
    model = on_vehicle(take(MODEL), take)
    damages = _damages(model, pixels) if said.usable else ()
    models = tuple(spoke[name] for name in sorted(spoke)) if said.usable else ()
    return Inspected(path, pixels, said, f"{model.name} {model.version}", damages, models)


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


def _judged(pixels: NDArray[np.uint8], take: Callable[[str], Model]) -> Judgement:
    height, width = pixels.shape[:2]
    small = reduced(pixels, max_side=SIDE)
    quality = measure(small, full_size=(width, height))
    if not quality.usable:
        return photo_judge(quality)
    eyes = Eyes.of(take)
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
