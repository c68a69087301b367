"""A contact sheet of hits and misses, to look at what the figures hide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from imaging.training.evaluate import Seen, hit_labels, photo_read
from imaging.training.metrics import Rule, loose, match

CELL, COLUMNS, ROWS = 320, 6, 6
HIT, ALARM, MISS = (0, 200, 0), (255, 140, 0), (255, 0, 0)


def sheet_write(seen: Sequence[Seen], threshold: float, path: Path, rule: Rule = loose) -> None:
    """Draw up to 36 photos, worst first: green hits, orange false alarms, red labels that were missed."""
    ranked = sorted(seen, key=lambda one: -_faults(one, threshold, rule))[: COLUMNS * ROWS]
    canvas = Image.new("RGB", (CELL * COLUMNS, CELL * max(1, -(-len(ranked) // COLUMNS))))
    for index, one in enumerate(ranked):
        canvas.paste(_drawn(one, threshold, rule), (index % COLUMNS * CELL, index // COLUMNS * CELL))
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path)


def _faults(seen: Seen, threshold: float, rule: Rule) -> int:
    shown = int((seen.judged.scores >= threshold).sum())
    hits = len(hit_labels(seen, threshold, rule))
    return len(seen.judged.labels) + shown - 2 * hits


def _drawn(seen: Seen, threshold: float, rule: Rule) -> Image.Image:
    picture = Image.fromarray(photo_read(seen.photo))
    scale = CELL / max(picture.size)
    picture = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    pen = ImageDraw.Draw(picture)
    taken = set(hit_labels(seen, threshold, rule).tolist())
    for index, thing in enumerate(seen.photo.things):
        if index not in taken:
            left, top, width, height = (value * CELL / max(seen.photo.width, seen.photo.height) for value in thing.box)
            pen.rectangle((left, top, left + width, top + height), outline=MISS)
    for finding, label in zip(seen.findings, match(seen.judged, rule), strict=True):
        if finding.score >= threshold:
            points = [(x * picture.width, y * picture.height) for x, y in finding.polygon]
            pen.polygon(points, outline=HIT if label >= 0 else ALARM)
    return picture
