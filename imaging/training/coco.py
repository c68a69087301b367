"""COCO label files as an index of photos with polygons. No torch, no pixels."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

Polygon = tuple[tuple[float, float], ...]

# The used-car set holds each training photo up to three times under one stem and different hashes.
_HASH = re.compile(r"_[0-9a-f]{32}(?=\.\w+$)")


@dataclass(frozen=True, slots=True)
class Thing:
    """One labelled object: its category's name, its polygons and box (left, top, width, height) in pixels."""

    category: str
    polygons: tuple[Polygon, ...]
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Photo:
    """One labelled photo: file, size in pixels, objects, and the group of photos it is a variant of."""

    path: Path
    width: int
    height: int
    things: tuple[Thing, ...]
    group: str

    def of(self, categories: Collection[str]) -> Photo:
        """Return the photo with the labels of these categories alone."""
        return replace(self, things=tuple(thing for thing in self.things if thing.category in categories))


def data_root() -> Path:
    """Return the folder of the data sets: `DATA_ROOT`, by default `var/data`."""
    return Path(os.environ.get("DATA_ROOT", "var/data"))


def coco_load(labels: Path, images: Path | None = None) -> list[Photo]:
    """Read a COCO file whose photos lie in `images` (default: the folder `images` beside it).

    Raises ValueError when the file is not COCO or names an unknown photo or category.
    """
    raw = json.loads(labels.read_text(encoding="utf-8"))
    folder = images if images is not None else labels.parent / "images"
    try:
        names = {entry["id"]: str(entry["name"]) for entry in raw["categories"]}
        things: dict[int, list[Thing]] = {entry["id"]: [] for entry in raw["images"]}
        for entry in raw["annotations"]:
            things[entry["image_id"]].append(_thing(entry, names))
        return [_photo(entry, folder, things[entry["id"]]) for entry in raw["images"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{labels.name} is not a COCO file: {error!r}") from error


def _photo(entry: Mapping[str, Any], folder: Path, things: Sequence[Thing]) -> Photo:
    name = str(entry["file_name"])
    return Photo(
        path=folder / name,
        width=int(entry["width"]),
        height=int(entry["height"]),
        things=tuple(things),
        group=_HASH.sub("", name),
    )


def _thing(entry: Mapping[str, Any], names: Mapping[int, str]) -> Thing:
    left, top, width, height = (float(value) for value in entry["bbox"])
    segmentation = entry.get("segmentation") or []
    polygons = [_pairs(flat) for flat in segmentation if len(flat) >= 6] if isinstance(segmentation, list) else []
    corners = ((left, top), (left + width, top), (left + width, top + height), (left, top + height))
    return Thing(
        category=names[entry["category_id"]],
        polygons=tuple(polygons) or (corners,),
        box=(left, top, width, height),
    )


def _pairs(flat: Sequence[float]) -> Polygon:
    return tuple((float(x), float(y)) for x, y in zip(flat[::2], flat[1::2], strict=True))
