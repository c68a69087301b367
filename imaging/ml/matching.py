"""Which boxes are the same thing: the rule by which models are judged, and by which two of them are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from imaging.ml.types import Finding

#: (n, 4): left, top, right, bottom.
Boxes = npt.NDArray[np.float64]
#: Affinity of every box with every label, (n, m), positive where they may be one thing.
Rule = Callable[[Boxes, Boxes], npt.NDArray[np.float64]]
Outline = Sequence[Sequence[float]]

_LOOSE_IOU: Final = 0.1


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
    return np.where((overlap >= _LOOSE_IOU) | inside, np.maximum(overlap, 1e-6), 0.0)


def at_iou(minimum: float) -> Rule:
    """Return the affinity that counts overlaps of at least `minimum`."""

    def rule(boxes: Boxes, labels: Boxes) -> npt.NDArray[np.float64]:
        overlap = iou(boxes, labels)
        return np.where(overlap >= minimum, overlap, 0.0)

    return rule


def assign(boxes: Boxes, scores: npt.NDArray[np.float64], labels: Boxes, rule: Rule) -> npt.NDArray[np.int64]:
    """Return for every box the label it hits, or -1.

    Greedy as in PASCAL VOC: best score first, each takes the free label of the highest affinity; a second box on a
    label that is taken hits nothing.
    """
    hit = np.full(len(scores), -1, dtype=np.int64)
    if not len(labels) or not len(boxes):
        return hit
    affinity = rule(boxes, labels)
    for index in np.argsort(-scores, kind="stable"):
        best = int(np.argmax(affinity[index]))
        if affinity[index, best] > 0:
            hit[index] = best
            affinity[:, best] = 0.0
    return hit


def boxes_around(outlines: Sequence[Outline]) -> Boxes:
    """The upright boxes around outlines of points (x, y): (n, 4), in the outlines' own unit."""
    corners = [np.asarray(outline, dtype=np.float64) for outline in outlines]
    boxes = [np.concatenate([points.min(axis=0), points.max(axis=0)]) for points in corners]
    return np.asarray(boxes, dtype=np.float64).reshape(-1, 4)


class Standing(StrEnum):
    """How something that one of two models saw stands with the other."""

    AGREED = "agreed"
    NEAR = "near"
    KIND_DIFFERS = "kind_differs"
    ONLY_CURRENT = "only_current"
    ONLY_CANDIDATE = "only_candidate"


@dataclass(frozen=True, slots=True)
class Pair:
    """A thing with its place among the current model's findings and among the candidate's; None: not seen by it."""

    standing: Standing
    current: int | None
    candidate: int | None


def compare(current: Sequence[Finding], candidate: Sequence[Finding]) -> list[Pair]:
    """Set what a candidate saw on a photo against what the current model saw, by the `loose` rule.

    The candidate's findings are assigned to the current one's as proposals are to labels. The current one's come
    first, in their order.
    """
    boxes, labels = (boxes_around([finding.polygon for finding in side]) for side in (candidate, current))
    scores = np.array([finding.score for finding in candidate], dtype=np.float64)
    hits = assign(boxes, scores, labels, loose)
    partner = {int(label): index for index, label in enumerate(hits) if label >= 0}
    pairs = [_pair(current, candidate, index, partner.get(index)) for index in range(len(current))]
    alone = [index for index, label in enumerate(hits) if label < 0]
    return pairs + [Pair(Standing.ONLY_CANDIDATE, None, index) for index in alone]


def _pair(current: Sequence[Finding], candidate: Sequence[Finding], place: int, other: int | None) -> Pair:
    if other is None:
        return Pair(Standing.ONLY_CURRENT, place, None)
    same = current[place].label == candidate[other].label
    return Pair(Standing.AGREED if same else Standing.KIND_DIFFERS, place, other)
