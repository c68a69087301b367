"""One plate from the readings of many photos, or the word that there is none. Pure: no database, no Django.

Each photo has one vote, weighed by how well and how large it was read. The votes of the commonest length are merged
character by character; what one photo could not read, another may fill in. Where the evidence is not there, the
answer is "unsure" and says why: a plate decides who gets to see a car, so it is never guessed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

Key = TypeVar("Key", int, str)

UNREADABLE: Final = "_"
#: From this area on (pixels; the default of a rig's smallest plate) a vote has its full weight, below it less.
FULL_AREA: Final = 25_000.0
#: Share of the weight that a length, and each character, must have: two alike photos outvote a third, one does not
#: outvote another.
MAJORITY: Final = 0.6
#: A character that one photo read with this confidence needs no second photo ...
ALONE: Final = 0.99
#: ... otherwise the confidences of two or more photos must add up to this.
TOGETHER: Final = 1.2
#  Chosen on real crops (the choosing half of plates/cc0, and 13 cars in 62 frames of the romanian day drives) with the
#  reader's first version: of single crops 65 of 266 are sure and none is wrong (at 0.9: 144 and 11); of all sets of
#  two, three, four frames of a car 88, 97, 99 % are sure and none is wrong.
#: Characters that the photo which shows the plate best may lack.
GAPS: Final = 2


@dataclass(frozen=True, slots=True)
class Vote:
    """What one photo says: (character or `_`, confidence 0..1) from left to right, and the plate's area in pixels."""

    photo: str
    characters: tuple[tuple[str, float], ...]
    area: float

    @property
    def text(self) -> str:
        """The characters alone."""
        return "".join(character for character, _ in self.characters)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the photos say together.

    `text`: the merged characters, `_` where they are not decided. `reason`: why that is no plate; empty when it is
    one. `confidence`: of the weakest character, the best confidence it was read with times its share of the votes.
    `agreeing` of `photos` votes say exactly this, as far as they are legible.
    """

    text: str
    confidence: float
    agreeing: int
    photos: int
    reason: str

    @property
    def is_sure(self) -> bool:
        """Whether the text is the plate."""
        return not self.reason

    @property
    def plate(self) -> str:
        """The plate; empty when unsure."""
        return self.text if self.is_sure else ""


@dataclass(frozen=True, slots=True)
class _Character:
    """The winner of one place: its share of the votes, its best confidence, and whether that is enough."""

    value: str
    share: float
    best: float
    is_proven: bool

    @property
    def is_decided(self) -> bool:
        return self.share >= MAJORITY and self.is_proven


def votes_merge(votes: Iterable[Vote]) -> Verdict:
    """Merge the votes, one for each photo, in whatever order they come."""
    cast = sorted(
        (vote for vote in votes if vote.characters), key=lambda vote: (vote.photo, vote.characters, vote.area)
    )
    if not cast:
        return Verdict("", 0.0, 0, 0, "No plate was read on any photo.")
    length, share = _commonest_length(cast)
    alike = [vote for vote in cast if len(vote.characters) == length]
    places = [_winner(alike, place) for place in range(length)]
    text = "".join(place.value if place.is_decided else UNREADABLE for place in places)
    agreeing = [vote for vote in alike if _agrees(vote, text)]
    confidence = min(place.best * place.share for place in places) * share
    return Verdict(text, confidence, len(agreeing), len(cast), _doubt(places, share, agreeing))


def _weight(vote: Vote, confidence: float) -> float:
    return confidence * math.sqrt(min(1.0, vote.area / FULL_AREA))


def _commonest_length(votes: Sequence[Vote]) -> tuple[int, float]:
    """The length with most weight, and its share of all weight."""
    weights: dict[int, float] = defaultdict(float)
    for vote in votes:
        legible = sum(confidence for character, confidence in vote.characters if character != UNREADABLE)
        weights[len(vote.characters)] += _weight(vote, legible / len(vote.characters))
    return _heaviest(weights)


def _winner(votes: Sequence[Vote], place: int) -> _Character:
    """Who wins one place; `_` abstains."""
    weights: dict[str, float] = defaultdict(float)
    confidences: dict[str, list[float]] = defaultdict(list)
    for vote in votes:
        character, confidence = vote.characters[place]
        if character != UNREADABLE:
            weights[character] += _weight(vote, confidence)
            confidences[character].append(confidence)
    if not weights:
        return _Character(UNREADABLE, 0.0, 0.0, is_proven=False)
    value, share = _heaviest(weights)
    backing = confidences[value]
    return _Character(value, share, max(backing), is_proven=_is_proven(backing))


def _is_proven(confidences: Sequence[float]) -> bool:
    return max(confidences) >= ALONE or sum(confidences) >= TOGETHER


def _heaviest(weights: Mapping[Key, float]) -> tuple[Key, float]:
    """The key of most weight (of two alike, the smaller key) and its share of all."""
    winner = min(weights, key=lambda key: (-weights[key], key))
    total = sum(weights.values())
    return winner, weights[winner] / total if total else 0.0


def _agrees(vote: Vote, text: str) -> bool:
    """Whether all that the vote could read is in the text; an undecided place agrees with nobody."""
    return all(mine in (UNREADABLE, merged) for mine, merged in zip(vote.text, text, strict=True))


def _doubt(places: Sequence[_Character], share: float, agreeing: Sequence[Vote]) -> str:
    """Why the merged characters are no plate; empty when they are."""
    if share < MAJORITY:
        return "The photos do not agree on how many characters the plate has."
    if any(place.value == UNREADABLE for place in places):
        return "A character could not be read on any photo."
    if any(place.share < MAJORITY for place in places):
        return "The photos do not agree on a character."
    if not all(place.is_proven for place in places):
        return "A character was read too weakly."
    # Characters of two plates might win at different places and make a third one.
    if not any(vote.text.count(UNREADABLE) <= GAPS for vote in agreeing):
        return "No photo shows enough of the characters together."
    return ""
