"""Judge any shipped model of boxes: the part that their recipes share. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from imaging.ml import registry
from imaging.training.coco import Photo, coco_load
from imaging.training.evaluate import Look, Proposer, details, figures, look
from imaging.training.metrics import Rule, loose
from imaging.training.report import Report, Request
from imaging.training.sheet import sheet_write

# What a recipe tells besides: from the look and the sheet's place to lines for people.
Also = Callable[[Look, Path | None], list[str]]
# From the model as it was loaded to what is judged.
Around = Callable[[Proposer], Proposer]


def boxes_evaluate(
    name: str,
    request: Request,
    test: Path,
    *,
    categories: Sequence[str] = (),
    rule: Rule = loose,
    also: Also | None = None,
    around: Around = lambda model: model,
) -> Report:
    """Judge the shipped model `name` on the asked photos, by default those of the COCO file `test`.

    `categories`: only labels of these names count, if the file knows any of them. `rule`: when a label is found.
    `also` adds lines of its own. `around`: the model as the platform runs it, with others before it.
    """
    photos = coco_load(request.data if request.data is not None else test, request.images)
    model = around(cast("Proposer", registry.load(name)))
    return boxes_judge(model, only(photos, categories), request.sheet, rule, also)


def boxes_judge(
    model: Proposer, photos: Sequence[Photo], sheet: Path | None, rule: Rule = loose, also: Also | None = None
) -> Report:
    """Judge a model on `photos` by `rule` and draw the contact sheet."""
    found = look(model, photos, rule)
    threshold = model.card.thresholds["score"]
    row = figures(found, threshold)
    lines = table(row, details(found, threshold))
    if also is not None:
        lines += also(found, sheet)
    if sheet is not None:
        sheet_write(found.seen, threshold, sheet, rule)
        lines.append(f"hits (green), alarms (orange), misses (red): {sheet}")
    return Report(row, lines)


def only(photos: Sequence[Photo], categories: Sequence[str]) -> list[Photo]:
    """Leave out labels of other categories; if none of the labels is of them, all stay."""
    known = {thing.category for photo in photos for thing in photo.things} & set(categories)
    return [photo.of(known) for photo in photos] if known else list(photos)


def table(row: dict[str, float], more: dict[str, Any]) -> list[str]:
    """Lines of the card's table."""
    lines = [f"{more['photos']} photos, {more['labels']} labels"]
    lines += [f"{name:<20}{value:>8.3f}" for name, value in row.items()]
    lines += [f"recall at {alarms} alarms an image: {value:.3f}" for alarms, value in more["recall_by_alarms"].items()]
    for title in ("recall_by_size", "recall_by_category"):
        lines += [
            f"{title[10:]:<9}{name:<20}{one['recall']:>8.3f} of {one['labels']}" for name, one in more[title].items()
        ]
    return lines
