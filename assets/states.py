"""The state table of an image set: what it is, and what may follow."""

from __future__ import annotations

from typing import Final

from django.db import models


class ImageSetState(models.TextChoices):
    """Where an image set stands between the first photo and the result."""

    OPEN = "open", "waiting for photos"
    PROCESSING = "processing", "in the pipeline"
    READY = "ready", "result made"
    REJECTED = "rejected", "rejected"
    FAILED = "failed", "failed"


_S = ImageSetState

#: From a state to those that may follow. Failed, rejected and finished sets may be run again.
NEXT: Final[dict[ImageSetState, frozenset[ImageSetState]]] = {
    _S.OPEN: frozenset({_S.PROCESSING}),
    _S.PROCESSING: frozenset({_S.READY, _S.REJECTED, _S.FAILED}),
    _S.READY: frozenset({_S.PROCESSING}),
    _S.REJECTED: frozenset({_S.PROCESSING}),
    _S.FAILED: frozenset({_S.PROCESSING}),
}


def states_before(state: ImageSetState) -> list[ImageSetState]:
    """The states from which `state` may be reached."""
    return [before for before, after in NEXT.items() if state in after]
