"""What people have done and what waits for them, counted in fixed numbers of queries."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q

from damages.models import FinishedStep, ManualProcessing, Step
from damages.states import GROUP
from tenants.models import GLOBAL_ADMIN, User
from tenants.scope import Reach


@dataclass(frozen=True, slots=True)
class Done:
    """Jobs done: of each person who still does the step, and the stray ones of people who no longer do."""

    by_person: dict[UUID, Counter[Step]] = field(default_factory=lambda: defaultdict(Counter))
    stray: Counter[Step] = field(default_factory=Counter)


def jobs_done(*, reach: Reach, since: datetime, until: datetime) -> Done:
    """Who finished how many annotations and reviews from `since` on and before `until`; two queries.

    Every time a step was finished counts, for who finished it. Stray: the person has been deleted, or has left the
    step's group without being a global admin.
    """
    counts = _counted(reach=reach, since=since, until=until)
    able = _able({person for _, person, _ in counts if person is not None})
    done = Done()
    for step, person, number in counts:
        if person is not None and step in able.get(person, ()):
            done.by_person[person][step] = number
        else:
            done.stray[step] += number
    return done


def _counted(*, reach: Reach, since: datetime, until: datetime) -> list[tuple[Step, UUID | None, int]]:
    """For each step and person how often they finished it; the person is None when their row is gone."""
    # Naming the steps lets a database read its index of tenant, step and time.
    rows = FinishedStep.objects.of(reach).filter(step__in=Step.values, finished_at__gte=since, finished_at__lt=until)
    counted = rows.order_by().values_list("step", "by").annotate(number=Count("pk"))
    return [(Step(step), person, number) for step, person, number in counted]


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
