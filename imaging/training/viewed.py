"""How views and wheels compare to what a person saw. No torch, no network."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from imaging.ml.models.view_and_wheels import CONTRARY, VIEWS, calibrated, degrees_apart
from imaging.ml.types import View
from imaging.training.view_photos import CLOSE, NOTHING, Viewed, viewed_read

# A tyre is found when its centre is off by at most this share of the car's length, seen as wide as the photo shows it.
NEAR: Final = 0.05
# By a tyre's radius, how much of a car is seen from each face: used where two tyres do not tell the length.
RADII_A_LENGTH: Final = 13.0
TEMPERATURES: Final = tuple(float(value) for value in np.geomspace(0.3, 4.0, 60))
EDGES: Final = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)
CONTRARY_LEAST: Final = (0.8, 0.9, 0.95, 0.98, 0.99)
CELL, COLUMNS, ROWS = 200, 6, 8


@dataclass(frozen=True, slots=True)
class Seen:
    """One labelled photo and what the model says of it."""

    photo: Viewed
    answer: View

    @property
    def degrees(self) -> int:
        """By how many degrees the view is off."""
        return degrees_apart(self.photo.view, self.answer.view)


def named(seen: Sequence[Seen]) -> list[Seen]:
    """The photos whose side can be named."""
    return [one for one in seen if one.photo.view not in (CLOSE, NOTHING)]


def view_figures(seen: Sequence[Seen]) -> dict[str, float]:
    """Rates over the photos with a side to name; `vehicle` also over those that are too near for one.

    `view`: named right; `view_within_45`: right or a neighbour; `vehicle`: rightly taken to have a side to name or not;
    `present`: of the photos of a vehicle, near or far, those where one is seen; `absent`: of the others, those where
    none is.
    """
    whole = named(seen)
    there = [(one.answer.vehicle >= 0.5) == (one.photo.view not in (CLOSE, NOTHING)) for one in seen]
    return {
        "view": _share(one.degrees == 0 for one in whole),
        "view_within_45": _share(one.degrees <= 45 for one in whole),
        "vehicle": _share(there),
        "present": _share(one.answer.present >= 0.5 for one in seen if one.photo.view != NOTHING),
        "absent": _share(one.answer.present < 0.5 for one in seen if one.photo.view == NOTHING),
    }


def _share(right: Any) -> float:
    values = list(right)
    return float(np.mean(values)) if values else 0.0


def confusion(seen: Sequence[Seen]) -> dict[str, dict[str, int]]:
    """For each true view how often each was said."""
    table: dict[str, dict[str, int]] = {}
    for one in named(seen):
        row = table.setdefault(one.photo.view, {})
        row[one.answer.view] = row.get(one.answer.view, 0) + 1
    return {view: table[view] for view in VIEWS if view in table}


def calibration(seen: Sequence[Seen]) -> dict[str, Any]:
    """How far the confidence keeps its word: the reliability table, and its mean gap weighted by photos (ECE)."""
    whole = named(seen)
    rows, gap = {}, 0.0
    for low, high in itertools.pairwise(EDGES):
        part = [one for one in whole if low <= one.answer.confidence < high or (high == 1.0 == one.answer.confidence)]
        if part:
            said, right = _share(one.answer.confidence for one in part), _share(one.degrees == 0 for one in part)
            rows[f"{low} to {high}"] = {"photos": len(part), "confidence": said, "right": right}
            gap += len(part) / len(whole) * abs(said - right)
    return {"expected_gap": gap, "by_confidence": rows}


def temperature_best(answers: Sequence[tuple[npt.NDArray[np.float32], int]]) -> float:
    """Return the temperature that makes the true views likeliest; pairs of logits and the view's number."""

    def surprise(temperature: float) -> float:
        chances = [calibrated(logits[: len(VIEWS)], temperature)[number] for logits, number in answers]
        return -float(np.log(np.maximum(chances, 1e-9)).mean())

    return min(TEMPERATURES, key=surprise)


def contrary_least(seen: Sequence[Seen]) -> float:
    """Return the least chance at which no photo would be refused wrongly, were its own view the wanted one."""
    against = [
        sum(chance for view, chance in one.answer.chances if degrees_apart(view, one.photo.view) >= CONTRARY)
        for one in named(seen)
    ]
    return next((least for least in CONTRARY_LEAST if max(against, default=0.0) < least), CONTRARY_LEAST[-1])


def length_of(wheels: Sequence[tuple[float, float, float]]) -> float:
    """Return the car's length by the photo's height, from its tyres: about 13 radii of the larger one (a tyre of 0.33 m
    and a car of 4.3 m); from a corner this is the length it would have from the side."""
    return RADII_A_LENGTH * max(wheel[2] for wheel in wheels)


def wheel_figures(seen: Sequence[Seen]) -> dict[str, float]:
    """Rates over the photos whose wheels are marked; a tyre counts once.

    `wheel_recall`: marked tyres found, their centre off by at most 5 % of the car's length; `wheel_precision`: said
    tyres that are so; `wheel_off`: the median distance of found centres by that length; `wheel_f1`: of both rates.
    """
    marked = [one for one in seen if one.photo.wheels]
    off = [distance for one in marked for distance in _distances(one)]
    hits = sum(distance <= NEAR for distance in off)
    true = sum(len(one.photo.wheels or ()) for one in marked)
    said = sum(len(one.answer.wheels) for one in marked)
    recall, precision = hits / max(1, true), hits / max(1, said)
    return {
        "wheel_recall": recall,
        "wheel_precision": precision,
        "wheel_off": float(np.median(off)) if off else 1.0,
        "wheel_f1": 2 * recall * precision / max(1e-9, recall + precision),
    }


def _distances(one: Seen) -> list[float]:
    """For each marked tyre that has a said one as its partner, the distance of their centres by the car's length."""
    wheels = one.photo.wheels or ()
    aspect = one.answer.width / one.answer.height
    true = np.array([(x * aspect, y) for x, y, _ in wheels])
    left = [_centre(wheel.polygon, aspect) for wheel in one.answer.wheels]
    found = []
    for point in true:
        if left:
            nearest = min(range(len(left)), key=lambda index: float(np.hypot(*(left[index] - point))))
            found.append(float(np.hypot(*(left.pop(nearest) - point))) / length_of(wheels))
    return found


def _centre(polygon: Sequence[tuple[float, float]], aspect: float) -> npt.NDArray[np.float64]:
    corners = np.asarray(polygon, dtype=np.float64)
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    return np.asarray(middle * (aspect, 1.0))


def views_sheet(seen: Sequence[Seen], path: Path) -> None:
    """Draw up to 48 photos, the most wrong first: what was seen (true), and the tyres."""
    ranked = sorted(named(seen), key=lambda one: (-one.degrees, one.answer.confidence))[: COLUMNS * ROWS]
    canvas = Image.new("RGB", (CELL * COLUMNS, CELL * max(1, -(-len(ranked) // COLUMNS))))
    for index, one in enumerate(ranked):
        canvas.paste(_drawn(one), (index % COLUMNS * CELL, index // COLUMNS * CELL))
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path)


def _drawn(one: Seen) -> Image.Image:
    picture = Image.fromarray(viewed_read(one.photo))
    picture.thumbnail((CELL, CELL))
    pen = ImageDraw.Draw(picture)
    for wheel in one.answer.wheels:
        pen.polygon([(x * picture.width, y * picture.height) for x, y in wheel.polygon], outline=(0, 220, 0))
    words = f"{one.answer.view} {one.answer.confidence:.2f} ({one.photo.view})"
    pen.rectangle((0, 0, picture.width, 12), fill=(0, 0, 0))
    pen.text((2, 1), words, fill=(255, 90, 90) if one.degrees else (160, 255, 160))
    return picture
