"""Where a number's pattern tells a letter from a digit that looks the same: I and 1, O and 0, S and 5, B and 8.

A reading stays as it is unless a pattern of registration numbers fits it at a small cost in likelihood; the cost that
is allowed comes from the model's card. What holds letters alone or digits alone stays: people choose words.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

ALPHABET: Final = string.ascii_uppercase + string.digits
# Chances of the characters of one text, in the alphabet's order: (characters, 36), each row up to 1.
Chances = npt.NDArray[np.float64]
LEAST: Final = 1e-6
# Letters and digits: two kinds.
MIXED: Final = 2

STATES: Final = (
    *("AN", "AP", "AR", "AS", "BR", "CG", "CH", "DD", "DL", "DN", "GA", "GJ", "HP", "HR", "JH", "JK", "KA", "KL", "LA"),
    *("LD", "MH", "ML", "MN", "MP", "MZ", "NL", "OD", "OR", "PB", "PY", "RJ", "SK", "TN", "TR", "TS", "UK", "UP", "WB"),
)
# L a letter, D a digit, XX one of India's states.
PATTERNS: Final = (
    # India: state, district, series, number; Delhi's districts have one digit.
    *(f"XX{'D' * place}{'L' * series}DDDD" for place in (1, 2) for series in (1, 2, 3)),
    *(f"XXDD{'L' * series}{'D' * number}" for series in (1, 2) for number in (1, 2, 3)),
    # United Kingdom since 2001, 1983, 1963.
    *("LLDDLLL", "LDLLL", "LDDLLL", "LDDDLLL", "LLLDL", "LLLDDL", "LLLDDDL"),
    # France and Italy; Ireland; California; many others with three letters and some digits.
    *("LLDDDLL", "DDDLLDDDDD", "DDLLDDDDD", "DLLLDDD", "LLLDDD", "LLLDDDD", "DDDLLL"),
)


@dataclass(frozen=True, slots=True)
class _Fit:
    """A text that fits a pattern: places in the alphabet, how unlikely it is, and what each place could have been."""

    places: tuple[int, ...]
    cost: float
    allowed: npt.NDArray[np.bool_]


def fitted(chances: Chances, *, most: float) -> list[tuple[str, float]]:
    """Return the characters with their confidence, changed to a pattern's where that costs at most `most`.

    The cost is the logarithm of how much less likely the changed text is. A changed character's confidence is its
    share of what its place in the pattern allows.
    """
    best = chances.argmax(axis=1)
    kept = [(ALPHABET[place], float(row[place])) for place, row in zip(best, chances, strict=True)]
    if len({sign.isdigit() for sign, _ in kept}) < MIXED:
        return kept
    fits = [_fit(pattern, chances) for pattern in PATTERNS if len(pattern) == len(chances)]
    nearest = min(fits, key=lambda fit: fit.cost, default=None)
    if nearest is None or nearest.cost > most:
        return kept
    return [
        old if ALPHABET[place] == old[0] else (ALPHABET[place], float(row[place] / max(LEAST, row[allowed].sum())))
        for old, place, row, allowed in zip(kept, nearest.places, chances, nearest.allowed, strict=True)
    ]


def _fit(pattern: str, chances: Chances) -> _Fit:
    """The likeliest text of `pattern`."""
    allowed = _allowed(pattern)
    likely = np.log(np.maximum(chances, LEAST))
    places: list[int] = np.where(allowed, likely, -np.inf).argmax(axis=1).tolist()
    if pattern.startswith("X"):
        state: tuple[int, int] = max(_states(), key=lambda pair: float(likely[0, pair[0]] + likely[1, pair[1]]))
        places[:2] = state
    cost = float((likely.max(axis=1) - likely[np.arange(len(places)), places]).sum())
    return _Fit(tuple(places), cost, allowed)


@functools.cache
def _allowed(pattern: str) -> npt.NDArray[np.bool_]:
    """Which characters each place of `pattern` may hold, (places, 36)."""
    digits = np.array([sign.isdigit() for sign in ALPHABET])
    return np.stack([digits if sign == "D" else ~digits for sign in pattern])


@functools.cache
def _states() -> Sequence[tuple[int, int]]:
    return [(ALPHABET.index(state[0]), ALPHABET.index(state[1])) for state in STATES]
