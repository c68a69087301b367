"""What pages say of a candidate beside the current version: in other words for things, masks and views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from imaging.ml.comparing import MASKS, MASKS_AGREE, VIEWS, Measure
from imaging.ml.matching import Standing
from imaging.selectors import Agreement
from imaging.shadowing import SHADOWED

_LOOSE: Final = (
    "are one thing when their boxes overlap by a tenth (IoU), or the centre of the candidate’s box lies in the current "
    "one’s; each is paired once, the candidate’s surest first."
)
_INTERVALS: Final = "Intervals are Wilson’s at 95 %; below 30 cases the number is shown, a verdict is not."


@dataclass(frozen=True, slots=True)
class ShadowWords:
    """`counts`: how things can stand -> headline of their number. `marks`: the same beside a single mark. `rule`: how
    the two are compared. `is_together`: both outlines are drawn on one picture. `has_views`: rates of views and wheels
    are shown, too."""

    counts: Mapping[Standing, str]
    marks: Mapping[Standing, str]
    rule: str
    is_together: bool = False
    has_views: bool = False

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """Choices of a filter by difference: word of the address bar, words of the page."""
        ways = [(str(standing), words) for standing, words in self.counts.items() if standing != Standing.AGREED]
        return [("", "Any difference"), *ways, ("all", "All photos, also those without a difference")]


_ALONE: Final = {
    Standing.ONLY_CURRENT: "Only the current version saw it",
    Standing.ONLY_CANDIDATE: "Only the candidate saw it",
}
_ALONE_MARKS: Final = {
    Standing.ONLY_CURRENT: "only the current version",
    Standing.ONLY_CANDIDATE: "only the candidate",
}

_THINGS: Final = ShadowWords(
    counts={
        Standing.AGREED: "Both saw it, with the same word",
        Standing.KIND_DIFFERS: "Both saw it, with different words",
        **_ALONE,
    },
    marks={Standing.AGREED: "both saw it", Standing.KIND_DIFFERS: "with different words", **_ALONE_MARKS},
    rule=f"Two outlines {_LOOSE} Things that both saw with the same word are agreed upon, out of all that either saw. "
    f"{_INTERVALS}",
)

_OF_MASKS: Final = ShadowWords(
    counts={
        Standing.AGREED: f"Both saw a vehicle, IoU {MASKS_AGREE:.2f} or more",
        Standing.KIND_DIFFERS: f"Both saw a vehicle, IoU below {MASKS_AGREE:.2f}",
        Standing.ONLY_CURRENT: "Only the current version saw a vehicle",
        Standing.ONLY_CANDIDATE: "Only the candidate saw a vehicle",
    },
    marks={Standing.AGREED: "both saw it", Standing.KIND_DIFFERS: "both saw it, with another outline", **_ALONE_MARKS},
    rule="The two masks are compared by the area they share over the area that either covers (IoU), cell by cell. From "
    f"{MASKS_AGREE:.2f} on they agree; below it, or where one of them saw no vehicle, they disagree. Photos on which "
    f"neither saw one count as photos without a difference alone. The outlines drawn are simplified. {_INTERVALS}",
    is_together=True,
)

_OF_VIEWS: Final = ShadowWords(
    counts={
        Standing.AGREED: "Same view, or a wheel that both saw",
        Standing.NEAR: "Views 45 degrees apart",
        Standing.KIND_DIFFERS: "Views further apart",
        **{standing: f"{words}: a car or a wheel" for standing, words in _ALONE.items()},
    },
    marks={
        Standing.AGREED: "both saw it",
        Standing.NEAR: "45 degrees apart",
        Standing.KIND_DIFFERS: "further than 45 degrees apart",
        **_ALONE_MARKS,
    },
    rule=f"Each names at most one view of a car. Two wheels {_LOOSE} Agreement on things is that on views and wheels "
    f"together. {_INTERVALS}",
    has_views=True,
)

_OF_MEASURE: Final[tuple[tuple[Measure, ShadowWords], ...]] = ((MASKS, _OF_MASKS), (VIEWS, _OF_VIEWS))


def shadow_words(name: str) -> ShadowWords:
    """The words for a model; those for things where it cannot run in shadow."""
    measure = SHADOWED[name].measure if name in SHADOWED else None
    return next((words for other, words in _OF_MEASURE if other is measure), _THINGS)


def counted(agreement: Agreement, words: ShadowWords) -> list[tuple[str, int]]:
    """How many things stand in each way, by the page's words."""
    return [(title, getattr(agreement, standing)) for standing, title in words.counts.items()]
