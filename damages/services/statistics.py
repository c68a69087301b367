"""What people have done and what waits for them, counted in fixed numbers of queries."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Count, F, Q

from damages.models import ManualProcessing, Step
from damages.states import GROUP
from tenants.models import GLOBAL_ADMIN, User
from tenants.scope import Reach

#: For each step: when it was done, by whom, and when somebody last took it up.
_DONE: Final[dict[Step, tuple[str, str, str]]] = {
    Step.ANNOTATION: ("annotated_at", "last_annotator", "last_annotation_lock_at"),
    Step.REVIEW: ("reviewed_at", "last_reviewer", "last_review_lock_at"),
}


@dataclass(frozen=True, slots=True)
class Done:
    """Jobs done: of each person who still does the step, and the stray ones of people who no longer do."""

    by_person: dict[UUID, Counter[Step]] = field(default_factory=lambda: defaultdict(Counter))
    stray: Counter[Step] = field(default_factory=Counter)


def jobs_done(*, reach: Reach, since: datetime, until: datetime) -> Done:
    """Who annotated and reviewed how many image sets from `since` on and before `until`; three queries.

    A set that was done again counts once, for its last time; from when somebody takes it up again until it is finished
    anew, it is not done. Stray: the person has been deleted, or has left the step's group without being a global admin.
    """
    counts = {step: _counted(step, reach=reach, since=since, until=until) for step in Step}
    able = _able({person for counted in counts.values() for person in counted if person is not None})
    done = Done()
    for step, counted in counts.items():
        for person, number in counted.items():
            if person is not None and step in able.get(person, ()):
                done.by_person[person][step] = number
            else:
                done.stray[step] += number
    return done


def _counted(step: Step, *, reach: Reach, since: datetime, until: datetime) -> dict[UUID | None, int]:
    done_at, person, locked_at = _DONE[step]
    rows = ManualProcessing.objects.of(reach).filter(
        # Taking a set up names its new worker, so what is known of the work before belongs to nobody any more.
        Q(**{f"{locked_at}__isnull": True}) | Q(**{f"{locked_at}__lte": F(done_at)}),
        **{f"{done_at}__gte": since, f"{done_at}__lt": until},
    )
    return dict(rows.order_by().values_list(person).annotate(number=Count("pk")))


def _able(people: Iterable[UUID]) -> dict[UUID, set[Step]]:
    """Which steps each of these people may do; without those who are deleted."""
    rows = User.objects.filter(pk__in=list(people), deleted_at__isnull=True)
    able: defaultdict[UUID, set[Step]] = defaultdict(set)
    for person, is_superuser, group in rows.values_list("pk", "is_superuser", "groups__name"):
        able[person] |= {step for step in Step if is_superuser or group in {GROUP[step], GLOBAL_ADMIN}}
    return able


@dataclass(frozen=True, slots=True)
class Waiting:
    """The jobs of a step: how many somebody has locked, how many nobody has, and whether the asker locks one."""

    is_locked_by_asker: bool
    locked: int
    unlocked: int


def jobs_waiting(*, step: Step, user: User, reach: Reach, now: datetime) -> Waiting:
    """Count the image sets that wait for the step or are being worked on, in one query. A lock that is over is none."""
    locked = Q(holder__isnull=False, locked_until__gt=now)
    found = (
        ManualProcessing.objects.of(reach)
        .waiting(step)
        .aggregate(
            total=Count("pk"),
            locked=Count("pk", filter=locked),
            own=Count("pk", filter=locked & Q(holder=user)),
        )
    )
    return Waiting(
        is_locked_by_asker=found["own"] > 0, locked=found["locked"], unlocked=found["total"] - found["locked"]
    )
