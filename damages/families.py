"""From sightings to damage families: which marks, on several photos, are one and the same damage. Pure, no Django.

Two steps. `merge_within_image` joins what overlapping tiles saw twice in one image. `group` then joins the sightings of
neighbouring frames of one sequence (a fixed camera or a video). Different still photos are never joined: nothing
measured says where one photo lies relative to another, so two sightings there stay apart until a person merges them.

Both steps return a partition of what they were given, do not depend on the order of the input, and change nothing when
applied to their own result. Distances are in image heights, overlaps are shares 0..1.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import NamedTuple

from damages import geometry
from damages.geometry import Polygon

# One label, one image: pieces of a long damage that tiles cut share only the tiles' overlap, while a model's separate
# findings in one tile do not overlap at all. A fifth of the smaller piece is therefore already a duplicate.
DUPLICATE_SHARE = 0.2
# Two labels: a scratch across a dent is two damages, one outline named twice is one. Only a shared outline joins them.
SAME_OUTLINE_IOU = 0.5
# Neighbouring frames: an outline flickers from frame to frame, so little overlap suffices once the label agrees ...
FRAME_IOU = 0.1
# ... and small marks may miss one another entirely: centres within half a diagonal count, if the sizes are comparable.
NEAR_DIAGONALS = 0.5
SIZE_RATIO = 3.0
# A damage missed in a frame or two is found again if the motion over the gap is known; beyond that, drift wins.
BRIDGED_FRAMES = 3


@dataclass(frozen=True, slots=True)
class Sighting:
    """One mark on one image, as a model (or a person) outlined it.

    `key` identifies it among all sightings of a call; keys must differ in their `repr`, which breaks the last ties.
    `sequence` names the camera or video the image is a frame of (None: a still photo) and `frame` its number there.
    `polygon` is normalised 0..1, `score` is 0..1, `aspect` is the image's width over its height.
    `absorbed` holds the keys of the duplicates that `merge_within_image` has joined into this sighting.
    Raises ValueError on values that no image can have.
    """

    key: Hashable
    image: Hashable
    sequence: Hashable | None
    frame: int | None
    polygon: Polygon
    score: float
    label: str
    aspect: float
    absorbed: tuple[Hashable, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what would make a comparison below meaningless (NaN compares false with everything)."""
        if len(self.polygon) < geometry.MIN_POINTS:
            raise ValueError(f"Sighting {self.key!r} has fewer than {geometry.MIN_POINTS} points.")
        numbers = (self.score, self.aspect, *(value for point in self.polygon for value in point))
        if not all(map(math.isfinite, numbers)) or self.aspect <= 0:
            raise ValueError(f"Sighting {self.key!r} holds a number that is not finite, or no aspect.")


@dataclass(frozen=True, slots=True)
class Motion:
    """How the picture moved between two frames of a sequence.

    What is at (x, y) in `before` is at (x + dx, y + dy) in `after`, normalised to the image's width and height.
    `before` may be the later frame: the shift is then reversed.
    """

    sequence: Hashable
    before: int
    after: int
    dx: float
    dy: float


@dataclass(frozen=True, slots=True)
class Family:
    """One damage: the keys of its sightings, best first, at most one per image.

    `representative` is the best of them (highest score, then largest, then most central). `label` has the highest sum
    of scores among the members, `score` is the highest score.
    """

    representative: Hashable
    members: tuple[Hashable, ...]
    label: str
    score: float


class _Link(NamedTuple):
    """Evidence that two sightings show one damage; sorts strongest first, then by the rank of its ends."""

    missing_overlap: float
    relative_distance: float
    first: int
    second: int


def merge_within_image(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    """Return the sightings, best first, with the duplicates of each image joined.

    A joined sighting has the outline of the union, the highest score, and key and label of the best; `absorbed` names
    the others. Joining repeats until nothing overlaps, so that all pieces of a long damage meet. The overlap is
    measured over the smaller of two regions, as in SAHI's greedy non-maximum merging (Akyon et al. 2022): a piece cut
    off by a tile's edge has a low IoU with the whole. Raise ValueError if two sightings share a key.
    """
    by_image = defaultdict(list)
    for sighting in _ranked(sightings):
        by_image[sighting.image].append(sighting)
    settled = [joined for alike in by_image.values() for joined in _settled(alike)]
    return _ranked(settled)


def group(
    sightings: Iterable[Sighting],
    motions: Iterable[Motion] = (),
    *,
    frames: Iterable[tuple[Hashable, int]] = (),
) -> tuple[Family, ...]:
    """Return the damage families of the sightings, the one with the best representative first.

    `frames` lists the (sequence, frame number) of every frame kept, those where nothing was seen included: frames are
    neighbours if none was kept between them. Frames named by sightings and motions need not be listed. Where a motion
    is known it is compensated; where none is, neighbouring frames are compared as they are.

    Links between sightings are taken strongest first (Kruskal's order, single linkage) and refused if they would put
    two sightings of one image into a family: of two marks side by side each keeps to its own track. Raise ValueError if
    two sightings share a key or two motions name the same frames.
    """
    ranked = _ranked(sightings)
    timeline = _Timeline(ranked, motions, frames)
    families = {rank: [rank] for rank in range(len(ranked))}
    for link in sorted(_links(ranked, timeline)):
        one, other = families[link.first], families[link.second]
        if one is not other and _images(ranked, one).isdisjoint(_images(ranked, other)):
            joined = sorted(one + other)
            families.update(dict.fromkeys(joined, joined))
    return tuple(
        _family([ranked[rank] for rank in members]) for first, members in families.items() if members[0] == first
    )


class _Timeline:
    """What is known of the frames of each sequence: their order, and how the picture moved between them."""

    def __init__(
        self, sightings: Iterable[Sighting], motions: Iterable[Motion], frames: Iterable[tuple[Hashable, int]]
    ) -> None:
        seen = defaultdict(set)
        for sequence, frame in (*frames, *((sighting.sequence, sighting.frame) for sighting in sightings)):
            if sequence is not None and frame is not None:
                seen[sequence].add(frame)
        self._shifts: dict[tuple[Hashable, int, int], tuple[float, float]] = {}
        for motion in motions:
            self._learn(motion)
            seen[motion.sequence] |= {motion.before, motion.after}
        self._order = {sequence: sorted(numbers) for sequence, numbers in seen.items()}

    def neighbours(self) -> Iterator[tuple[Hashable, int, int, tuple[float, float]]]:
        """Yield (sequence, earlier frame, later frame, shift between them) wherever two frames may be compared."""
        for sequence, order in self._order.items():
            for start in range(len(order)):
                reach = order[start : start + BRIDGED_FRAMES + 1]
                for end in range(1, len(reach)):
                    shift = self._shift(sequence, reach[: end + 1])
                    if shift is not None:
                        yield sequence, reach[0], reach[end], shift

    def _learn(self, motion: Motion) -> None:
        forward = motion.before < motion.after
        earlier, later = (motion.before, motion.after) if forward else (motion.after, motion.before)
        if (motion.sequence, earlier, later) in self._shifts:
            raise ValueError(f"Two motions between frames {earlier} and {later} of {motion.sequence!r}.")
        sign = 1 if forward else -1
        self._shifts[motion.sequence, earlier, later] = (sign * motion.dx, sign * motion.dy)

    def _shift(self, sequence: Hashable, path: list[int]) -> tuple[float, float] | None:
        """Return the shift from the first to the last frame of the path, None if unknown over a gap."""
        direct = self._shifts.get((sequence, path[0], path[-1]))
        if direct is not None:
            return direct
        steps = [self._shifts.get((sequence, earlier, later)) for earlier, later in pairwise(path)]
        known = [step for step in steps if step is not None]
        if len(known) == len(steps):
            return math.fsum(dx for dx, _ in known), math.fsum(dy for _, dy in known)
        return (0.0, 0.0) if len(steps) == 1 else None


def _rank(sighting: Sighting) -> tuple[float, float, float, str]:
    """Return the sort key, best first: score, then size, then nearness to the centre, where lenses are sharpest."""
    off_centre = geometry.distance(geometry.centre(sighting.polygon), (0.5, 0.5), sighting.aspect)
    # Rounded, or the last bits of the arithmetic would decide between equals.
    size = round(geometry.area(sighting.polygon), 9)
    return -sighting.score, -size, round(off_centre, 9), repr(sighting.key)


def _ranked(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    ranked = tuple(sorted(sightings, key=_rank))
    if len({repr(sighting.key) for sighting in ranked}) != len(ranked):
        raise ValueError("Two sightings share a key.")
    return ranked


def _settled(sightings: list[Sighting]) -> list[Sighting]:
    """Return the sightings of one image with duplicates joined, repeated until no union meets another sighting."""
    while True:
        joined = [_absorbed(alike) for alike in _components(sightings)]
        if len(joined) == len(sightings):
            return sightings
        sightings = sorted(joined, key=_rank)


def _components(sightings: list[Sighting]) -> list[list[Sighting]]:
    """Return the connected components of "is a duplicate of", each in the order of the input."""
    component = {index: [index] for index in range(len(sightings))}
    for first, second in geometry.meeting([sighting.polygon for sighting in sightings]):
        if component[first] is not component[second] and _is_duplicate(sightings[first], sightings[second]):
            joined = sorted(component[first] + component[second])
            component.update(dict.fromkeys(joined, joined))
    return [[sightings[index] for index in members] for first, members in component.items() if members[0] == first]


def _is_duplicate(one: Sighting, other: Sighting) -> bool:
    if one.label == other.label:
        return geometry.share_of_smaller(one.polygon, other.polygon) >= DUPLICATE_SHARE
    return geometry.iou(one.polygon, other.polygon) >= SAME_OUTLINE_IOU


def _absorbed(alike: list[Sighting]) -> Sighting:
    """Return one sighting for duplicates given best first."""
    best, *others = alike
    if not others:
        return best
    keys = (*best.absorbed, *(key for other in others for key in (other.key, *other.absorbed)))
    union = geometry.outline(sighting.polygon for sighting in alike)
    return replace(best, polygon=union, absorbed=tuple(sorted(keys, key=repr)))


class _Mark(NamedTuple):
    """A sighting with what is asked of it once for each of many pairs: centre and diagonal in image heights."""

    rank: int
    sighting: Sighting
    x: float
    y: float
    size: float


def _marked(rank: int, sighting: Sighting) -> _Mark:
    x, y = geometry.centre(sighting.polygon)
    return _Mark(rank, sighting, x * sighting.aspect, y, geometry.diagonal(sighting.polygon, sighting.aspect))


def _links(ranked: tuple[Sighting, ...], timeline: _Timeline) -> Iterator[_Link]:
    by_frame = defaultdict(list)
    for rank, sighting in enumerate(ranked):
        by_frame[sighting.sequence, sighting.frame].append(_marked(rank, sighting))
    for sequence, earlier, later, shift in timeline.neighbours():
        for first, second in product(by_frame[sequence, earlier], by_frame[sequence, later]):
            evidence = _evidence(first, second, shift)
            if evidence is not None:
                yield _Link(*evidence, *sorted((first.rank, second.rank)))


def _evidence(earlier: _Mark, later: _Mark, shift: tuple[float, float]) -> tuple[float, float] | None:
    """Return (1 - IoU, distance of centres in diagonals) if both may be one damage, else None.

    Overlap and nearness are those of the IoU tracker (Bochinski et al. 2017), with the known motion taken out first.
    """
    one, other = earlier.sighting, later.sighting
    apart = math.hypot(earlier.x + shift[0] * one.aspect - later.x, earlier.y + shift[1] - later.y)
    reach = (earlier.size + later.size) / 2
    if apart > reach:  # not even the boxes meet
        return None
    overlap = geometry.iou(geometry.shifted(one.polygon, *shift), other.polygon)
    comparable = max(earlier.size, later.size) <= SIZE_RATIO * min(earlier.size, later.size)
    near = comparable and apart <= NEAR_DIAGONALS * reach
    alike = overlap >= FRAME_IOU or near if one.label == other.label else overlap >= SAME_OUTLINE_IOU
    return (1 - overlap, apart / reach if reach else 0.0) if alike else None


def _images(ranked: tuple[Sighting, ...], members: list[int]) -> set[Hashable]:
    return {ranked[rank].image for rank in members}


def _family(members: list[Sighting]) -> Family:
    """Return the family of the members, given best first."""
    weights = defaultdict(list)
    for member in members:
        weights[member.label].append(member.score)
    # max() keeps the first of equals: on a tie, the label of the better member.
    label = max(weights, key=lambda word: math.fsum(weights[word]))
    return Family(members[0].key, tuple(member.key for member in members), label, members[0].score)
