"""The state table of manual work on an image set: what it waits for, and what may follow."""

from __future__ import annotations

from typing import Final

from damages.models import ManualStatus, Step
from tenants.errors import Conflict
from tenants.models import ANNOTATOR, REVIEWER

_S = ManualStatus

#: From a status to those that may follow; staying is not a transition. Work that people finished is never made undone
#: (NONE) and a skipped or finished set may be asked for again.
NEXT: Final[dict[ManualStatus, frozenset[ManualStatus]]] = {
    _S.NONE: frozenset({_S.ANNOTATION_WAITING, _S.REVIEW_WAITING, _S.SKIPPED}),
    _S.ANNOTATION_WAITING: frozenset({_S.ANNOTATED, _S.REVIEW_WAITING, _S.SKIPPED}),
    _S.ANNOTATED: frozenset({_S.ANNOTATION_WAITING, _S.REVIEW_WAITING, _S.SKIPPED}),
    _S.REVIEW_WAITING: frozenset({_S.REVIEWED, _S.SKIPPED}),
    _S.REVIEWED: frozenset({_S.ANNOTATION_WAITING, _S.REVIEW_WAITING, _S.SKIPPED}),
    _S.SKIPPED: frozenset({_S.ANNOTATION_WAITING, _S.REVIEW_WAITING}),
}

#: The status in which a step's work waits or goes on, and the group that may do it.
WAITING: Final[dict[Step, ManualStatus]] = {
    Step.ANNOTATION: _S.ANNOTATION_WAITING,
    Step.REVIEW: _S.REVIEW_WAITING,
}
GROUP: Final[dict[Step, str]] = {Step.ANNOTATION: ANNOTATOR, Step.REVIEW: REVIEWER}


def status_checked(before: int, after: ManualStatus) -> ManualStatus:
    """Return `after` if it may follow `before`; raise Conflict otherwise."""
    old = ManualStatus(before)
    if after not in NEXT[old]:
        raise Conflict(f"From {old.label!r} the set cannot become {after.label!r}.")
    return after


def step_of(status: int) -> Step | None:
    """The step that a status waits for; None when no people are needed."""
    return next((step for step, waiting in WAITING.items() if waiting == status), None)
