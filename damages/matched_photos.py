"""What people drew on many photos matched with what a model saw there, a few photos at a time.

The rule is that of one photo (`imaging.ml.matching`): findings and damages of different photos never match. Matching
each photo by itself would spend most of its time between the photos.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from imaging.ml.matching import Boxes, assign, loose

P = TypeVar("P", bound=Hashable)
W = TypeVar("W")

#: Photos that are matched at once: more of them make tables of mostly nothing, fewer more calls.
_TOGETHER: Final = 16


@dataclass(slots=True)
class _Photo(Generic[W]):
    """What is to be matched on one photo: kinds and scores, each with an outline (the JSON text of its points)."""

    wanted: list[tuple[W, str]] = field(default_factory=list)
    offered: list[tuple[float, str]] = field(default_factory=list)


class MatchedPhotos(Generic[P, W]):
    """Damages that were to be found on photos `P`, each of a kind `W`, and what a model offers there."""

    def __init__(self) -> None:
        self._photos: defaultdict[P, _Photo[W]] = defaultdict(_Photo)

    def __iter__(self) -> Iterator[P]:
        return iter(self._photos)

    def want(self, photo: P, kind: W, outline: str) -> None:
        """Add a damage; `outline` is the JSON text of its points."""
        self._photos[photo].wanted.append((kind, outline))

    def offer(self, photo: P, score: float, outline: str) -> None:
        """Add a finding; of a photo on which nothing is wanted it is forgotten."""
        found = self._photos.get(photo)
        if found is not None:
            found.offered.append((score, outline))

    def results(self) -> Iterator[tuple[W, bool]]:
        """Each damage's kind, and whether it was found."""
        bare = (photo for photo in self._photos.values() if not photo.offered)
        yield from ((kind, False) for photo in bare for kind, _ in photo.wanted)
        seen = [photo for photo in self._photos.values() if photo.offered]
        for start in range(0, len(seen), _TOGETHER):
            yield from _matched(seen[start : start + _TOGETHER])


def _matched(photos: Sequence[_Photo[W]]) -> Iterator[tuple[W, bool]]:
    """The same for a few photos on which there is something on either side."""
    wanted = [(number, kind, text) for number, photo in enumerate(photos) for kind, text in photo.wanted]
    offered = [(number, score, text) for number, photo in enumerate(photos) for score, text in photo.offered]
    label_of, box_of = (np.array([row[0] for row in rows]) for rows in (wanted, offered))
    scores = np.array([score for _, score, _ in offered], dtype=np.float64)
    boxes, labels = (boxes_of_texts([row[2] for row in rows]) for rows in (offered, wanted))

    def rule(boxes: Boxes, labels: Boxes) -> npt.NDArray[np.float64]:
        return np.where(box_of[:, None] == label_of[None, :], loose(boxes, labels), 0.0)

    hits = set(assign(boxes, scores, labels, rule).tolist())
    return ((kind, place in hits) for place, (_, kind, _) in enumerate(wanted))


def boxes_of_texts(outlines: Sequence[str]) -> Boxes:
    """As `boxes_around`, of outlines that are JSON texts: `[[x, y], ...]`, none of them without points."""
    # A bracket opens the outline, and one each of its points.
    points = np.array([outline.count("[") - 1 for outline in outlines])
    flat = ",".join(outlines).replace("[", "").replace("]", "")
    numbers = np.fromstring(flat, dtype=np.float64, sep=",").reshape(-1, 2)
    first = np.concatenate([[0], np.cumsum(points)[:-1]])
    return np.concatenate([np.minimum.reduceat(numbers, first), np.maximum.reduceat(numbers, first)], axis=1)
