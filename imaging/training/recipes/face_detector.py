"""Recipe of `face_detector`: ready weights of a locked package, so nothing is trained; thresholds are chosen on drawn
scenes and on photos of cars without people, one half of the heads and photos for that, the other for the figures."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

from PIL import Image
from tqdm import tqdm

from imaging.ml import registry
from imaging.ml.card import Card, card_parse
from imaging.training.boxes import boxes_evaluate, table
from imaging.training.cards import TOLD, card_store, rounded, timing
from imaging.training.coco import Photo, coco_load, data_root
from imaging.training.evaluate import Look, Proposer, details, figures, hit_labels, look
from imaging.training.face_scenes import HEIGHTS, background, heads, plain_photos, portraits, scenes
from imaging.training.metrics import at_iou, curve
from imaging.training.report import Report, Request
from imaging.training.sheet import sheet_write

NAME: Final = "face_detector"
# Labels of faces differ, with or without forehead, ears and hair: half of a box may be a matter of taste.
RULE: Final = at_iou(0.3)
FACES: Final = ("face", "Face", "human face", "Human face")
# The threshold is the lowest at which a photo without a face has no more false alarms than this, on average.
ALARMS: Final = 0.1
# Who anonymises covers what scores this share of the threshold, too: the card tells what that costs.
COVERED: Final = 0.85


@dataclass(frozen=True, slots=True)
class Half:
    """One half of what there is: label files under DATA_ROOT whose photos of cars are taken, how many of each, which
    heads (every other one, from the first or the second), how many scenes are drawn, and the seed."""

    files: tuple[str, ...]
    each: int
    first: int
    count: int
    seed: int


CHOOSING: Final = Half(("plates/openimages/train.json", "damage/usedcars/train.json"), 60, 0, 75, 5)
FIGURES: Final = Half(("plates/openimages/valid.json", "damage/usedcars/val.json"), 60, 1, 100, 6)
#: Photos with people whose faces can be seen, found by looking at every false alarm: they are nobody's background.
WITH_PEOPLE: Final = frozenset(
    {
        "003a5aaf6d17c917.jpg",
        "15a51e29f5ceffd8.jpg",
        "18098dc9ee6aad80.jpg",
        "36d7b8b3cca3b0f5.jpg",
        "defd8f4b30b3e1e1.jpg",
        "e5edf93b7c9f5edb.jpg",
        "ebaefbcb87bfa8a1.jpg",
        "ee047c8ca2cca8a2.jpg",
        "f83d18919353c483.jpg",
    }
)


def train(folder: Path, *, steps: int | None, stop: int | None) -> None:
    """Nothing to train: ValueError says so."""
    del folder, steps, stop
    raise ValueError(f"{NAME} is a ready model of a locked package; there is nothing to train (make card chooses anew)")


def evaluate(request: Request) -> Report:
    """Judge the shipped model, by default on the drawn scenes and photos of the half for figures."""
    if request.data is not None:
        return boxes_evaluate(NAME, request, request.data, categories=FACES, rule=RULE)
    with tempfile.TemporaryDirectory() as folder:
        model = cast("Proposer", registry.load(NAME))
        found = look(model, photos(FIGURES, Path(folder)), RULE)
        threshold = model.card.thresholds["score"]
        row = figures(found, threshold)
        lines = [*table(row, details(found, threshold)), *_height_lines(found, threshold)]
        if request.sheet is not None:
            sheet_write(found.seen, threshold, request.sheet, RULE)
            lines.append(f"hits (green), alarms (orange), misses (red): {request.sheet}")
        return Report(row, lines)


def card(folder: Path, _options: argparse.Namespace) -> Path:
    """Choose the threshold, measure, and write the card; `folder` keeps the drawn scenes."""
    raw = json.loads((TOLD / f"{NAME}.json").read_text(encoding="utf-8"))
    first = card_parse(raw | {"metrics": {"pending": 1}, "timing": {"pending": 1}}, registry.FOLDER)
    choosing = _look(first, CHOOSING, folder / "choosing")
    threshold = round(calm(choosing, ALARMS), 2)
    chosen = replace(first, thresholds={**first.thresholds, "score": threshold})
    measured = {
        "validation": {"curve": dict(_curve(choosing)), **_measured(choosing, threshold)},
        "metrics": _measured(_look(chosen, FIGURES, folder / "figures"), threshold),
        "pictures": dict(_pictures(chosen)),
        "timing": _timing(chosen),
    }
    return card_store(chosen, rounded(measured))


def photos(half: Half, folder: Path) -> list[Photo]:
    """Draw the scenes of `half` into `folder`, and add the photos without a face that it is drawn on.

    Without data the backgrounds are the pictures without a face that scikit-image ships.
    """
    folder.mkdir(parents=True, exist_ok=True)
    empty = list(_empty(half)) or list(_plain(folder))
    chosen = [head for index, head in enumerate(heads()) if index == 0 or index % 2 == half.first]
    drawn = scenes([background(photo) for photo in empty], chosen, folder, count=half.count, seed=half.seed)
    return [*drawn, *empty]


def _empty(half: Half) -> Iterator[Photo]:
    """Photos of cars, spread over each file, one of a group of variants, without labels."""
    for name in half.files:
        if not (data_root() / name).is_file():
            continue
        groups = {photo.group: photo for photo in coco_load(data_root() / name) if photo.path.name not in WITH_PEOPLE}
        found = [groups[group] for group in sorted(groups)]
        yield from (photo.of(()) for photo in found[:: max(1, len(found) // half.each)][: half.each])


def _plain(folder: Path) -> Iterator[Photo]:
    for name, picture in plain_photos().items():
        path = folder / f"{name}.png"
        Image.fromarray(picture).save(path)
        yield Photo(path, picture.shape[1], picture.shape[0], (), name)


def _look(chosen: Card, half: Half, folder: Path) -> Look:
    return look(cast("Proposer", registry.build(chosen, threads=2)), photos(half, folder), RULE)


def calm(found: Look, alarms: float) -> float:
    """Return the lowest threshold with at most `alarms` false alarms a photo on those without a face."""
    return curve(_without(found), RULE).threshold_for(alarms)


def _without(found: Look) -> list[Any]:
    return [seen.judged for seen in found.seen if not seen.photo.things]


def _curve(found: Look) -> Iterator[tuple[str, dict[str, float]]]:
    """Recall, and false alarms a photo without a face, from one threshold to the next."""
    everything = curve([seen.judged for seen in found.seen], RULE)
    alone = curve(_without(found), RULE)
    for step in range(20, 85, 5):
        yield str(step / 100), {"recall": everything.at(step / 100)[1], "alarms_per_image": alone.at(step / 100)[2]}


def _measured(found: Look, threshold: float) -> dict[str, Any]:
    """Figures of a half; alarms on photos without a face at the threshold, and where anonymising begins."""
    alone = curve(_without(found), RULE)
    return {
        **figures(found, threshold),
        **details(found, threshold),
        "recall_by_height": dict(recall_by_height(found, threshold)),
        "recall_by_height_when_covering": dict(recall_by_height(found, COVERED * threshold)),
        "without_faces": {
            "photos": alone.photos,
            "alarms_per_image": alone.at(threshold)[2],
            "alarms_per_image_when_covering": alone.at(COVERED * threshold)[2],
        },
    }


def recall_by_height(found: Look, threshold: float) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the classes by a face's height in the photo's pixels with the number of labels and their recall."""
    hits: dict[int, list[bool]] = {}
    for seen in found.seen:
        taken = set(hit_labels(seen, threshold, found.rule).tolist())
        for index, thing in enumerate(seen.photo.things):
            hits.setdefault(sum(thing.box[3] >= edge for edge in HEIGHTS[1:]), []).append(index in taken)
    for class_, found_ in sorted(hits.items()):
        yield f"from {HEIGHTS[class_]} px", {"labels": len(found_), "recall": sum(found_) / len(found_)}


def _height_lines(found: Look, threshold: float) -> list[str]:
    rows = recall_by_height(found, threshold)
    return [f"height   {name:<20}{row['recall']:>8.3f} of {row['labels']}" for name, row in rows]


def _pictures(chosen: Card) -> Iterator[tuple[str, dict[str, float]]]:
    """The best score on each picture that scikit-image ships, with a face or without."""
    model = cast("Proposer", registry.build(chosen))
    for name, picture in tqdm((portraits() | plain_photos()).items(), desc="pictures"):
        found = model.propose(picture, floor=0.02).findings
        yield name, {"best_score": found[0].score if found else 0.0}


def _timing(chosen: Card) -> dict[str, float]:
    """Milliseconds of one invoke; each file by its name, since both have the same precision."""
    rows: dict[str, float] = {}
    for file in chosen.files:
        times = timing(replace(chosen, files=(file,)), repeats=100)
        rows |= {f"{file.path.stem}, {name}": milliseconds for name, milliseconds in times.items()}
    return rows
