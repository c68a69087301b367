"""What a model hands back: plain, frozen facts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a model saw.

    `label`: a word of the model's own, see its card. `score`: 0..1. `polygon`: three or more points (x, y), 0..1 of
    the image's width and height, origin top left.
    """

    label: str
    score: float
    polygon: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """All that `model` in `version` saw on an image of `width` x `height` pixels, best score first."""

    model: str
    version: str
    width: int
    height: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader read on a plate's crop.

    `text`: A-Z, 0-9 and `_` for a character that was seen but could not be read, no separators; empty for a crop
    without text. `characters`: each character of the text with its confidence, 0..1, left to right. `score`: the
    least of those confidences, 0 where there are none.
    """

    text: str
    score: float
    characters: tuple[tuple[str, float], ...]
