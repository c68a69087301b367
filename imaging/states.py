"""The state table of a model's version: what it may do here, and what may follow."""

from __future__ import annotations

from typing import Final

from django.db.models import TextChoices

from tenants.errors import Conflict


class VersionState(TextChoices):
    """Where a version of a model stands."""

    RELEASED = "released", "came with a release"
    CANDIDATE = "candidate", "candidate"
    SHADOW = "shadow", "in shadow"
    CURRENT = "current", "current"
    FORMER = "former", "former"
    DROPPED = "dropped", "dropped"


_S = VersionState

#: From a state to those that may follow; staying is not a transition. What came with a release has no state of its own
#: to move to: it is what runs while no other version is current. A dropped version comes back by uploading it again.
NEXT: Final[dict[VersionState, frozenset[VersionState]]] = {
    _S.RELEASED: frozenset(),
    _S.CANDIDATE: frozenset({_S.SHADOW, _S.CURRENT, _S.DROPPED}),
    _S.SHADOW: frozenset({_S.CANDIDATE, _S.CURRENT, _S.DROPPED}),
    _S.CURRENT: frozenset({_S.FORMER}),
    _S.FORMER: frozenset({_S.SHADOW, _S.CURRENT, _S.DROPPED}),
    _S.DROPPED: frozenset({_S.CANDIDATE}),
}


def state_checked(before: str, after: VersionState) -> VersionState:
    """Return `after` if it may follow `before`; raise Conflict otherwise."""
    old = VersionState(before)
    if after not in NEXT[old]:
        raise Conflict(f"A version that is {old.label!r} cannot become {after.label!r}.")
    return after
