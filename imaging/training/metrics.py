"""How good are boxes: matching of proposals to labels, recall, alarms, average precision. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float64]
Rule = Callable[[Boxes, Boxes], npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Judged:
    """One photo: proposals as boxes (n, 4: left, top, right, bottom) with scores (n,), labels as boxes (m, 4)."""

    boxes: Boxes
    scores: npt.NDArray[np.float64]
    labels: Boxes


@dataclass(frozen=True, slots=True)
class Curve:
    """Running counts over all proposals of a set, best score first."""

    scores: npt.NDArray[np.float64]
    hits: npt.NDArray[np.int64]
    alarms: npt.NDArray[np.int64]
    labels: int
    photos: int

    def at(self, threshold: float) -> tuple[float, float, float]:
        """Return precision, recall and false alarms a photo of the proposals with `score >= threshold`."""
        count = int(np.searchsorted(-self.scores, -threshold, side="right"))
        hits = int(self.hits[count - 1]) if count else 0
        alarms = int(self.alarms[count - 1]) if count else 0
        return hits / max(1, hits + alarms), hits / max(1, self.labels), alarms / max(1, self.photos)

    def threshold_for(self, alarms_per_photo: float) -> float:
        """Return the lowest score at which a photo has at most so many false alarms on average."""
        allowed = self.alarms <= alarms_per_photo * self.photos
        # A threshold cannot part proposals of equal score: a tie that overshoots is left out whole.
        last = np.append(self.scores[1:] != self.scores[:-1], True)
        good = self.scores[allowed & last]
        return float(good.min()) if good.size else float("inf")

    def average_precision(self) -> float:
        """Area under the precision-recall curve, every point used (PASCAL VOC 2010)."""
        if not self.labels or not len(self.scores):
            return 0.0
        recall = self.hits / self.labels
        precision = self.hits / np.maximum(1, self.hits + self.alarms)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        return float(np.sum(np.diff(np.concatenate(([0.0], recall))) * envelope))


def iou(boxes: Boxes, labels: Boxes) -> npt.NDArray[np.float64]:
    """Intersection over union of every box with every label: (n, m)."""
    low = np.maximum(boxes[:, None, :2], labels[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], labels[None, :, 2:])
    inside = np.prod(np.clip(high - low, 0.0, None), axis=2)
    union = _area(boxes)[:, None] + _area(labels)[None] - inside
    return np.asarray(inside / np.maximum(union, 1e-9))


def _area(boxes: Boxes) -> npt.NDArray[np.float64]:
    return np.asarray(np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0.0, None), axis=1))


def loose(boxes: Boxes, labels: Boxes) -> npt.NDArray[np.float64]:
    """Affinity of the recall rule: positive where IoU >= 0.1 or the box's centre lies in the label."""
    overlap = iou(boxes, labels)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = np.all((centre[:, None] >= labels[None, :, :2]) & (centre[:, None] <= labels[None, :, 2:]), axis=2)
    return np.where((overlap >= 0.1) | inside, np.maximum(overlap, 1e-6), 0.0)


def at_iou(minimum: float) -> Rule:
    """Return the affinity that counts overlaps of at least `minimum`."""

    def rule(boxes: Boxes, labels: Boxes) -> npt.NDArray[np.float64]:
        overlap = iou(boxes, labels)
        return np.where(overlap >= minimum, overlap, 0.0)

    return rule


def match(judged: Judged, rule: Rule) -> npt.NDArray[np.int64]:
    """Return for every proposal the label it hits, or -1.

    Greedy as in PASCAL VOC: best score first, each takes the free label of the highest affinity; a second proposal
    on a label that is taken is a false alarm.
    """
    hit = np.full(len(judged.scores), -1, dtype=np.int64)
    if not len(judged.labels) or not len(judged.boxes):
        return hit
    affinity = rule(judged.boxes, judged.labels)
    for index in np.argsort(-judged.scores, kind="stable"):
        best = int(np.argmax(affinity[index]))
        if affinity[index, best] > 0:
            hit[index] = best
            affinity[:, best] = 0.0
    return hit


def curve(photos: Sequence[Judged], rule: Rule) -> Curve:
    """Judge a set of photos under `rule`."""
    scores = np.concatenate([photo.scores for photo in photos]) if photos else np.zeros(0)
    good = np.concatenate([match(photo, rule) >= 0 for photo in photos]) if photos else np.zeros(0, dtype=bool)
    order = np.argsort(-scores, kind="stable")
    return Curve(
        scores=scores[order],
        hits=np.cumsum(good[order]).astype(np.int64),
        alarms=np.cumsum(~good[order]).astype(np.int64),
        labels=sum(len(photo.labels) for photo in photos),
        photos=len(photos),
    )
