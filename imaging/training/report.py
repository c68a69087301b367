"""What the judge of a model is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Request:
    """Which photos to judge a shipped model on.

    `data`: a label file (COCO; for a reader a TSV), by default the model's own test set under `DATA_ROOT`.
    `images`: the folder of its photos, by default `images` beside it. `masks`: a folder of masks, for models that
    give one. `sheet`: where the contact sheet of hits and misses goes.
    """

    data: Path | None = None
    images: Path | None = None
    masks: Path | None = None
    sheet: Path | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """`figures`: the one JSON object, all rates 0..1; `lines`: the card's table for people."""

    figures: dict[str, float]
    lines: list[str] = field(default_factory=list)
