"""From scores to chances, and how far the chances can be trusted: fitted and drawn on labelled photos. No torch.

A score becomes a chance by a logistic curve over its logit, as in J. Platt, "Probabilistic Outputs for Support Vector
Machines" (1999), with his smoothed targets. The curve rises everywhere, so the order of proposals stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import optimize

from imaging.training.evaluate import Look
from imaging.training.metrics import Judged, Rule, loose, match

Scores = npt.NDArray[np.float64]
Hits = npt.NDArray[np.bool_]
EDGE = 1e-4
BINS = 10
SIDE, PAD = 480, 48
INK, QUIET, LINE = (20, 24, 32), (150, 156, 168), (37, 99, 235)


@dataclass(frozen=True, slots=True)
class Bin:
    """The proposals with a chance in [low, high): how many, the mean chance they were given, the share that hit."""

    low: float
    high: float
    count: int
    said: float
    observed: float


def proposals(found: Look) -> tuple[Scores, Hits]:
    """The scores of all proposals of a look, and whether each hit a label by its rule."""
    return hits_of([seen.judged for seen in found.seen], found.rule)


def hits_of(judged: Sequence[Judged], rule: Rule = loose) -> tuple[Scores, Hits]:
    """The scores of all proposals on these photos, and whether each hit a label by `rule`."""
    if not judged:
        return np.zeros(0), np.zeros(0, dtype=bool)
    hits = [match(photo, rule) >= 0 for photo in judged]
    return np.concatenate([photo.scores for photo in judged]), np.concatenate(hits)


def platt_fit(scores: Scores, hits: Hits) -> tuple[float, float]:
    """Return slope and offset such that sigmoid(slope * logit(score) + offset) is the chance of a hit.

    (1, 0), which changes nothing, where hits or misses are missing or better scores do not hit more.
    """
    right, wrong = int(hits.sum()), int((~hits).sum())
    if not right or not wrong:
        return 1.0, 0.0
    logits = logit(scores)
    target = np.where(hits, (right + 1.0) / (right + 2.0), 1.0 / (wrong + 2.0))

    def cost(values: npt.NDArray[np.float64]) -> float:
        z = values[0] * logits + values[1]
        return float((np.logaddexp(0.0, z) - target * z).sum())

    slope, offset = (float(value) for value in optimize.minimize(cost, np.array([1.0, 0.0]), method="BFGS").x)
    return (slope, offset) if slope > 0 else (1.0, 0.0)


def chance(scores: Scores, slope: float, offset: float) -> Scores:
    """The calibrated chances of scores."""
    return np.asarray(1.0 / (1.0 + np.exp(-(slope * logit(scores) + offset))))


def logit(scores: Scores) -> Scores:
    """log(p / (1 - p)), finite also for 0 and 1."""
    edged = np.clip(scores, EDGE, 1.0 - EDGE)
    return np.asarray(np.log(edged / (1.0 - edged)))


def reliability(chances: Scores, hits: Hits, *, bins: int = BINS) -> list[Bin]:
    """Equal bins over 0..1; those without a proposal are left out."""
    place = np.minimum((chances * bins).astype(int), bins - 1)
    return [
        Bin(
            low=index / bins,
            high=(index + 1) / bins,
            count=int((place == index).sum()),
            said=float(chances[place == index].mean()),
            observed=float(hits[place == index].mean()),
        )
        for index in range(bins)
        if (place == index).any()
    ]


def calibration_error(rows: Sequence[Bin]) -> float:
    """How far the chances are from the observed shares, on average over the proposals (expected calibration error)."""
    count = sum(row.count for row in rows)
    return sum(row.count * abs(row.said - row.observed) for row in rows) / max(1, count)


def told(chances: Scores, hits: Hits) -> dict[str, Any]:
    """The table for a card."""
    rows = reliability(chances, hits)
    return {
        "proposals": len(chances),
        "mean_error": round(calibration_error(rows), 4),
        "bins": [{name: round(value, 3) for name, value in asdict(row).items()} for row in rows],
    }


def lines_of(chances: Scores, hits: Hits) -> list[str]:
    """The table for people."""
    rows = reliability(chances, hits)
    head = [f"chances are off by {calibration_error(rows):.3f} on average over {len(chances)} proposals"]
    return head + [
        f"chance {row.low:.1f} to {row.high:.1f}: said {row.said:.2f}, observed {row.observed:.2f} of {row.count}"
        for row in rows
    ]


def plot_write(chances: Scores, hits: Hits, path: Path) -> None:
    """Draw said against observed: on the diagonal a chance means what it says; a disc's area tells how many."""
    rows = reliability(chances, hits)
    canvas = Image.new("RGB", (SIDE + 2 * PAD, SIDE + 2 * PAD), (255, 255, 255))
    pen = ImageDraw.Draw(canvas)

    def at(x: float, y: float) -> tuple[float, float]:
        return PAD + x * SIDE, PAD + (1.0 - y) * SIDE

    for step in range(11):
        share = step / 10
        pen.line([at(share, 0), at(share, 1)], fill=(232, 234, 238))
        pen.line([at(0, share), at(1, share)], fill=(232, 234, 238))
        pen.text((at(share, 0)[0] - 8, PAD + SIDE + 8), f"{share:.1f}", fill=INK)
        pen.text((PAD - 28, at(0, share)[1] - 6), f"{share:.1f}", fill=INK)
    pen.line([at(0, 0), at(1, 1)], fill=QUIET, width=2)
    pen.line([at(row.said, row.observed) for row in rows], fill=LINE, width=2)
    most = max((row.count for row in rows), default=1)
    for row in rows:
        (x, y), radius = at(row.said, row.observed), 4 + 14 * (row.count / most) ** 0.5
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=LINE, width=2)
        pen.text((x + radius + 3, y - 6), str(row.count), fill=INK)
    pen.text((PAD + SIDE / 2 - 40, PAD + SIDE + 26), "chance said", fill=INK)
    pen.text((8, PAD - 24), "share observed", fill=INK)
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path)
