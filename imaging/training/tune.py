"""Choose what a card leaves open - scale, region growing, threshold - on the validation photos. No torch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace

from tqdm import tqdm

from imaging.ml.card import Card
from imaging.ml.models.damage_detector import DamageDetector, FloatMap, Runs, joined, restricted
from imaging.training.coco import Photo
from imaging.training.evaluate import FLOOR, judge, photo_read
from imaging.training.metrics import Curve, Judged, at_iou, curve, loose

ALARMS = 1.0
# How a region is cut out of a map: `grow`, `gap`, `relative` as in the card.
Shape = tuple[float, int, float]


@dataclass(frozen=True, slots=True)
class Choice:
    """One setting and how it does on the validation photos, `judged` with it; `merit` is what the choice is made by."""

    zoom: float
    far: float
    grow: float
    gap: int
    relative: float
    threshold: float
    recall: float
    merit: float
    judged: tuple[Judged, ...] = field(repr=False, compare=False)

    def told(self) -> dict[str, float]:
        """What the card tells of it."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "judged"}


def choose(
    card: Card,
    network: Runs,
    photos: Sequence[Photo],
    *,
    zooms: Sequence[float],
    fars: Sequence[float] = (0.0, 2 / 3),
    grows: Sequence[float] = (0.5, 0.6),
    gaps: Sequence[int] = (0,),
    relatives: Sequence[float] = (0.0, 0.7),
    withins: Sequence[FloatMap | None] = (),
) -> list[Choice]:
    """Return all settings, best first.

    `zooms` and `fars`: the sizes of the look from near and of the one from afar (0: none), as the card has them.
    `withins`: for each photo where its vehicle is, as in `DamageDetector.propose`; none: damage may be anywhere.
    The threshold of each is the lowest with at most one false alarm a photo. The merit adds recall there to the
    areas under the loose and the IoU 0.3 curves, as recall alone jumps with single photos. Settings without such a
    threshold are left out; ValueError when none is left.
    """
    shapes = list(itertools.product(grows, gaps, relatives))
    kept = list(withins) or [None] * len(photos)
    found = [choice for zoom in zooms for choice in _at_zoom(card, network, photos, kept, zoom, fars, shapes)]
    useful = [choice for choice in found if math.isfinite(choice.threshold)]
    if not useful:
        raise ValueError("no setting keeps the false alarms and still proposes something")
    return sorted(useful, key=lambda choice: -choice.merit)


def _at_zoom(
    card: Card,
    network: Runs,
    photos: Sequence[Photo],
    withins: Sequence[FloatMap | None],
    zoom: float,
    fars: Sequence[float],
    shapes: Sequence[Shape],
) -> Iterator[Choice]:
    near = _heats(card, network, photos, zoom)
    for far in fars:
        heats = near
        if far:
            afar = _heats(card, network, photos, zoom * far)
            heats = [joined(pair) for pair in zip(near, afar, strict=True)]
        heats = [
            heat if within is None else restricted(heat, within) for heat, within in zip(heats, withins, strict=True)
        ]
        for grow, gap, relative in shapes:
            reader = DamageDetector(card_with(card, zoom=zoom, grow=grow, gap=gap, relative=relative), network)
            judged = [
                judge(photo, reader.outline(heat, photo.width, photo.height, floor=FLOOR))
                for photo, heat in zip(photos, heats, strict=True)
            ]
            yield _choice(judged, zoom, far, (grow, gap, relative))


def _heats(card: Card, network: Runs, photos: Sequence[Photo], zoom: float) -> list[FloatMap]:
    detector = DamageDetector(card_with(card, zoom=zoom, far=0.0), network)
    return [detector.heat(photo_read(photo)) for photo in tqdm(photos, desc=f"zoom {zoom:.2f}")]


def _choice(judged: Sequence[Judged], zoom: float, far: float, shape: Shape) -> Choice:
    whole: Curve = curve(judged, loose)
    threshold = whole.threshold_for(ALARMS)
    recall = whole.at(threshold)[1]
    merit = recall + whole.average_precision() + curve(judged, at_iou(0.3)).average_precision()
    grow, gap, relative = shape
    return Choice(zoom, far, grow, gap, relative, threshold, recall, merit, tuple(judged))


def card_with(card: Card, **changes: float) -> Card:
    """Return `card` with some thresholds ("grow", "score") or parameters (all others) changed."""
    limits = {key: value for key, value in changes.items() if key in card.thresholds}
    numbers = {key: value for key, value in changes.items() if key not in card.thresholds}
    return replace(card, thresholds=dict(card.thresholds) | limits, parameters=dict(card.parameters) | numbers)
