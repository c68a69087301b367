"""Judge a shipped model of boxes on labelled photos, through the same code that the platform runs. No torch."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from tqdm import tqdm

from imaging.ml.card import Card
from imaging.ml.types import Finding, Prediction
from imaging.training.coco import Photo, Thing
from imaging.training.metrics import Boxes, Judged, Rule, at_iou, curve, loose, match

# Below this score nothing is asked for: the tail of the curve is not worth its time.
FLOOR = 0.02
# Edges of the size classes: root of the box's area in pixels of a 640 px photo.
SIZES = (12.0, 32.0)


class Proposer(Protocol):
    """A model that can also tell what lies below its threshold."""

    @property
    def card(self) -> Card:
        """Its card."""

    def propose(self, image: npt.NDArray[np.uint8], *, floor: float) -> Prediction:
        """Return the findings with a score of at least `floor`."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One photo, what the model proposed on it, and how the two compare."""

    photo: Photo
    findings: tuple[Finding, ...]
    judged: Judged


@dataclass(frozen=True, slots=True)
class Look:
    """All photos of a set with the rate of the whole work: decode, resize, network, outlines; and the `rule` by
    which a proposal hits a label."""

    seen: tuple[Seen, ...]
    images_per_second: float
    rule: Rule = loose


def photo_read(photo: Photo) -> npt.NDArray[np.uint8]:
    """Read a photo as (H, W, 3) uint8 RGB, turned as its EXIF says if the labels were drawn on it that way."""
    with Image.open(photo.path) as image:
        turned = image if image.size == (photo.width, photo.height) else ImageOps.exif_transpose(image)
        return np.asarray(turned.convert("RGB"))


def look(model: Proposer, photos: Sequence[Photo], rule: Rule = loose) -> Look:
    """Let `model` propose on every photo, to be judged by `rule`."""
    if photos:
        model.propose(photo_read(photos[0]), floor=FLOOR)
    started = time.perf_counter()
    predictions = [model.propose(photo_read(photo), floor=FLOOR) for photo in tqdm(photos, desc="evaluate")]
    rate = len(photos) / max(1e-9, time.perf_counter() - started)
    seen = tuple(_seen(photo, prediction) for photo, prediction in zip(photos, predictions, strict=True))
    return Look(seen=seen, images_per_second=rate, rule=rule)


def _seen(photo: Photo, prediction: Prediction) -> Seen:
    return Seen(photo=photo, findings=prediction.findings, judged=judge(photo, prediction))


def judge(photo: Photo, prediction: Prediction) -> Judged:
    """Return proposals and labels as boxes in the photo's pixels."""
    size = np.array([photo.width, photo.height], dtype=np.float64)
    corners = [np.asarray(finding.polygon) * size for finding in prediction.findings]
    boxes = [np.concatenate([points.min(axis=0), points.max(axis=0)]) for points in corners]
    return Judged(
        boxes=_stack(boxes),
        scores=np.array([finding.score for finding in prediction.findings], dtype=np.float64),
        labels=_stack([_corners(thing) for thing in photo.things]),
    )


def _stack(boxes: Sequence[Any]) -> Boxes:
    return np.asarray(boxes, dtype=np.float64).reshape(-1, 4)


def _corners(thing: Thing) -> tuple[float, float, float, float]:
    left, top, width, height = thing.box
    return left, top, left + width, top + height


def figures(found: Look, threshold: float) -> dict[str, float]:
    """Main figures at `threshold`, all 0..1 but `alarms_per_image` and `images_per_second`.

    A label is found, and a proposal right, by the rule of `found`; each label counts once. AP50 and AP30 are the
    areas under the curve at IoU 0.5 and 0.3.
    """
    judged = [seen.judged for seen in found.seen]
    precision, recall, alarms = curve(judged, found.rule).at(threshold)
    return {
        "precision": precision,
        "recall": recall,
        "AP50": curve(judged, at_iou(0.5)).average_precision(),
        "AP30": curve(judged, at_iou(0.3)).average_precision(),
        "alarms_per_image": alarms,
        "images_per_second": found.images_per_second,
    }


def details(found: Look, threshold: float) -> dict[str, Any]:
    """Recall by size and category, recall and precision along the curve, and counts, for the card."""
    judged = [seen.judged for seen in found.seen]
    whole = curve(judged, found.rule)
    steps = (0.25, 0.5, 1.0, 2.0, 4.0)
    return {
        "photos": len(judged),
        "labels": whole.labels,
        "AP_rule": whole.average_precision(),
        "recall_by_alarms": {str(step): whole.at(whole.threshold_for(step))[1] for step in steps},
        "recall_by_size": _recall_by(found, threshold, _size_class),
        "recall_by_category": _recall_by(found, threshold, lambda seen, index: seen.photo.things[index].category),
    }


def _size_class(seen: Seen, index: int) -> str:
    _, _, width, height = seen.photo.things[index].box
    scale = 640.0 / max(seen.photo.width, seen.photo.height)
    root = (width * height) ** 0.5 * scale
    return f"under {SIZES[0]:.0f} px" if root < SIZES[0] else f"to {SIZES[1]:.0f} px" if root < SIZES[1] else "larger"


def _recall_by(found: Look, threshold: float, class_of: Any) -> dict[str, dict[str, float]]:
    hits: dict[str, list[bool]] = {}
    for seen in found.seen:
        taken = {int(index) for index in hit_labels(seen, threshold, found.rule)}
        for index in range(len(seen.photo.things)):
            hits.setdefault(class_of(seen, index), []).append(index in taken)
    return {name: {"labels": len(found_), "recall": sum(found_) / len(found_)} for name, found_ in sorted(hits.items())}


def hit_labels(seen: Seen, threshold: float, rule: Rule = loose) -> npt.NDArray[np.int64]:
    """For each proposal at or above `threshold` the label it hits, misses left out."""
    matched = match(seen.judged, rule)
    return matched[(matched >= 0) & (seen.judged.scores >= threshold)]


def kinds_right(found: Look, threshold: float, kind_of: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Count, over the hits, the label given for each true kind; `kind_of` maps a category to its kind."""
    table: dict[str, dict[str, int]] = {}
    for seen in found.seen:
        for index, label in enumerate(match(seen.judged, found.rule)):
            if label >= 0 and seen.judged.scores[index] >= threshold:
                true = kind_of.get(seen.photo.things[int(label)].category, "other")
                row = table.setdefault(true, {})
                given = seen.findings[index].label
                row[given] = row.get(given, 0) + 1
    return table


def recall_by_kind(found: Look, threshold: float, kind_of: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Recall and number of the labels of each kind; `kind_of` maps a category to its kind."""
    return _recall_by(found, threshold, lambda seen, index: kind_of.get(seen.photo.things[index].category, "other"))


def photo_level(damaged: Look, clean: Look, threshold: float, alarms: float) -> dict[str, float]:
    """How well the best proposal of a photo tells photos with damage from those without.

    `recall_at_alarms`: the share of `damaged` with a better proposal than all but a share `alarms` of `clean`;
    `recall` and `alarms`: the shares with a proposal at the shipped `threshold`.
    """
    hot, cold = _best(damaged), _best(clean)
    # The best score that at most so many clean photos exceed.
    limit = float(np.sort(cold)[::-1][math.floor(alarms * len(cold))]) if len(cold) else 0.0
    return {
        "damaged": len(hot),
        "clean": len(cold),
        "recall": float((hot >= threshold).sum() / max(1, len(hot))),
        "alarms": float((cold >= threshold).sum() / max(1, len(cold))),
        "allowed_alarms": alarms,
        "recall_at_alarms": float((hot > limit).sum() / max(1, len(hot))),
        "limit": limit,
    }


def _best(found: Look) -> npt.NDArray[np.float64]:
    return np.array([max(seen.judged.scores, default=0.0) for seen in found.seen], dtype=np.float64)
