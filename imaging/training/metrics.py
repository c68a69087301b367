"""How good are boxes: matching of proposals to labels, recall, alarms, average precision. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from imaging.ml.matching import Boxes, Rule, assign, at_iou, iou, loose

__all__ = ["Boxes", "Curve", "Judged", "Rule", "at_iou", "curve", "iou", "loose", "match"]


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


def match(judged: Judged, rule: Rule) -> npt.NDArray[np.int64]:
    """Return for every proposal the label it hits, or -1 (see `assign`)."""
    return assign(judged.boxes, judged.scores, judged.labels, rule)


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
