"""How two versions of a model are compared on a photo: by the things they see, by masks, or by views and wheels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, cast

from imaging.ml.matching import Pair, Standing, compare
from imaging.ml.model import Model, UInt8Image
from imaging.ml.models.vehicle_mask import VehicleMask
from imaging.ml.models.view_and_wheels import STEP, WHEEL, degrees_apart
from imaging.ml.models.view_and_wheels import VIEWS as SIDES
from imaging.ml.types import HALF, Finding, Mask

#: Two masks agree on the vehicle from this IoU on. Against people's outlines the released mask of the card 0.1.0 lay
#: above it on each of the 34 photos that it was measured on.
MASKS_AGREE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Sight:
    """What a version saw on a photo; `mask` of a model that says where the vehicle is."""

    findings: tuple[Finding, ...]
    mask: Mask | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the current version's sight and a candidate's stand to each other, by places among their findings.

    `overlap`: IoU of the two masks, where both saw a vehicle. `wheels_agreed`, `wheels_alone`: how many of the pairs
    are wheels that both saw, and that one of them saw.
    """

    pairs: tuple[Pair, ...]
    overlap: float | None = None
    wheels_agreed: int = 0
    wheels_alone: int = 0


@dataclass(frozen=True, slots=True)
class Measure:
    """`look`: what a model sees on a photo, (H, W, 3) uint8 RGB. `compare`: the current version's sight with a
    candidate's."""

    look: Callable[[Model, UInt8Image], Sight]
    compare: Callable[[Sight, Sight], Comparison]


# --- things ---


def _look(model: Model, image: UInt8Image) -> Sight:
    return Sight(model.predict(image).findings)


def _compare_things(current: Sight, candidate: Sight) -> Comparison:
    return Comparison(tuple(compare(current.findings, candidate.findings)))


# --- masks ---


def _look_for_vehicle(model: Model, image: UInt8Image) -> Sight:
    found = cast("VehicleMask", model).mask(image)
    return Sight(cast("VehicleMask", model).outline(found), found)


def _compare_masks(current: Sight, candidate: Sight) -> Comparison:
    if not current.findings or not candidate.findings:
        return _compare_things(current, candidate)
    overlap = masks_iou(cast("Mask", current.mask), cast("Mask", candidate.mask))
    standing = Standing.AGREED if overlap >= MASKS_AGREE else Standing.KIND_DIFFERS
    return Comparison((Pair(standing, 0, 0),), overlap=overlap)


def masks_iou(one: Mask, other: Mask) -> float:
    """Intersection over union of what two masks of one photo take for the vehicle, 0..1; 0 where neither takes any.

    The coarser one is brought to the finer one's cells.
    """
    rows, columns = (max(sides) for sides in zip(one.soft.shape, other.soft.shape, strict=True))
    inside, others = (mask.at(columns, rows) >= HALF for mask in (one, other))
    union = int((inside | others).sum())
    return int((inside & others).sum()) / union if union else 0.0


# --- views and wheels ---


def _compare_views(current: Sight, candidate: Sight) -> Comparison:
    sides = current.findings, candidate.findings
    labels = {finding.label for finding in (*current.findings, *candidate.findings)} - set(SIDES)
    boxes = {label: _compare_boxes(*sides, label) for label in sorted(labels)}
    wheels = boxes.get(WHEEL, [])
    agreed = sum(pair.standing == Standing.AGREED for pair in wheels)
    pairs = [*_compare_named(*sides), *(pair for found in boxes.values() for pair in found)]
    return Comparison(tuple(pairs), wheels_agreed=agreed, wheels_alone=len(wheels) - agreed)


def _compare_named(current: Sequence[Finding], candidate: Sequence[Finding]) -> list[Pair]:
    """The one view that each names, or none where it sees no car."""
    one, other = (next(iter(_places(side, SIDES)), None) for side in (current, candidate))
    if one is None:
        return [] if other is None else [Pair(Standing.ONLY_CANDIDATE, None, other)]
    if other is None:
        return [Pair(Standing.ONLY_CURRENT, one, None)]
    apart = degrees_apart(current[one].label, candidate[other].label)
    return [Pair({0: Standing.AGREED, STEP: Standing.NEAR}.get(apart, Standing.KIND_DIFFERS), one, other)]


def _compare_boxes(current: Sequence[Finding], candidate: Sequence[Finding], label: str) -> list[Pair]:
    """Things with one label, such as the wheels, apart from all else: they lie in one another."""
    ours, theirs = _places(current, [label]), _places(candidate, [label])
    found = compare([current[place] for place in ours], [candidate[place] for place in theirs])
    return [Pair(pair.standing, _back(ours, pair.current), _back(theirs, pair.candidate)) for pair in found]


def _places(findings: Sequence[Finding], labels: Collection[str]) -> list[int]:
    """Places of those with one of these labels among the findings."""
    return [place for place, finding in enumerate(findings) if finding.label in labels]


def _back(places: Sequence[int], place: int | None) -> int | None:
    return None if place is None else places[place]


THINGS: Final = Measure(_look, _compare_things)
MASKS: Final = Measure(_look_for_vehicle, _compare_masks)
VIEWS: Final = Measure(_look, _compare_views)
