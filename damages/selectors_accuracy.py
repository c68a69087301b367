"""How right the damage model is in use, by what people decide about its proposals and draw themselves.

The definitions are printed on the page (`portal/accuracy`), which is their only other place:

* A proposal is a damage that a model put there with at least the threshold of its card. Accepted ones are right,
  rejected ones wrong: precision. Whatever people change of one they accepted (its outline, its category) leaves it
  right; it counts under the category it has now.
* In sets that were reviewed, every accepted damage is one that was to be found: proposals found it themselves; one that
  a person drew was found if a finding on its photo, not itself an accepted proposal, matches it by the rule by which
  models are judged (`imaging.ml.matching.loose`), and missed otherwise: recall. A proposal from below the threshold
  that a person accepted is missed unless such a finding matches it. Damages drawn where no model had looked count
  nowhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np
from django.db.models import Case, Count, Exists, OuterRef, Q, Value, When

from damages.models import Damage, DamageState, ManualStatus, Source
from damages.querysets import DamageQuerySet
from imaging.ml.matching import assign, boxes_around, loose
from imaging.ml.rates import Rate
from imaging.models import Detection, JobRun, JobState, ModelVersion
from tenants.scope import Reach

#: Damages to be matched one by one; of more than these only the latest are looked at, and the page says so.
MOST_MATCHED: Final = 10_000
_JOB: Final = "damage_detection"


@dataclass(frozen=True, slots=True)
class AccuracyFilters:
    """What is counted: sets recorded in a time (UTC), one category, camera ("-": none of a rig) or version."""

    since: datetime | None = None
    until: datetime | None = None
    category: str = ""
    camera: str = ""
    version_id: UUID | None = None


@dataclass(slots=True)
class Tally:
    """Counts of photos' damages: proposals accepted and rejected, accepted damages found and missed."""

    accepted: int = 0
    rejected: int = 0
    found: int = 0
    missed: int = 0

    def add(self, other: Tally) -> None:
        """Count another one in."""
        self.accepted += other.accepted
        self.rejected += other.rejected
        self.found += other.found
        self.missed += other.missed

    @property
    def precision(self) -> Rate:
        """Accepted of those decided upon."""
        return Rate(self.accepted, self.accepted + self.rejected)

    @property
    def recall(self) -> Rate:
        """Found of those that were there, in reviewed sets."""
        return Rate(self.found, self.found + self.missed)


@dataclass(frozen=True, slots=True)
class Cell:
    """What is counted together: a model's version, a category, and a camera ("" for none of a rig)."""

    version_id: UUID
    category: str
    camera: str


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Tallies by cell, with the versions they speak of. `is_capped`: not all damages could be matched."""

    cells: Mapping[Cell, Tally]
    versions: Mapping[UUID, ModelVersion]
    is_capped: bool = False

    @property
    def total(self) -> Tally:
        """All together."""
        return _sum(self.cells.values())

    def by_category(self) -> list[tuple[str, Tally]]:
        """By category, the most frequent first."""
        return self._by(lambda cell: cell.category)

    def by_camera(self) -> list[tuple[str, Tally]]:
        """By camera."""
        return self._by(lambda cell: cell.camera)

    def by_version(self) -> list[tuple[str, Tally]]:
        """By model and version."""
        return self._by(lambda cell: str(self.versions[cell.version_id]))

    def _by(self, key: Callable[[Cell], str]) -> list[tuple[str, Tally]]:
        groups: defaultdict[str, list[Tally]] = defaultdict(list)
        for cell, tally in self.cells.items():
            groups[key(cell)].append(tally)
        sums = [(name, _sum(tallies)) for name, tallies in groups.items()]
        return sorted(sums, key=lambda one: (-one[1].precision.count - one[1].recall.count, one[0]))


class _Wanted(NamedTuple):
    """A damage that was to be found. `run`: of the detection that it was made of, if it was made of one."""

    image_set: UUID
    image: UUID
    camera: str
    category: str
    polygon: Sequence[Sequence[float]]
    created_at: datetime
    run: UUID | None


class _Look(NamedTuple):
    """A finished look of a model at a set."""

    run: UUID
    version: UUID
    finished_at: datetime | None


@dataclass(slots=True)
class _Photo:
    """What a run's findings and people's damages on one photo have to be matched: outlines with their cells."""

    wanted: list[tuple[Cell, Sequence[Sequence[float]]]] = field(default_factory=list)
    offered: list[tuple[float, Sequence[Sequence[float]]]] = field(default_factory=list)


def accuracy(filters: AccuracyFilters, *, reach: Reach) -> Accuracy:
    """Precision and recall from decisions within reach, in five queries however many damages there are."""
    versions = {row.pk: row for row in ModelVersion.objects.only("name", "version", "card")}
    rows = _within(Damage.objects.of(reach).visible(), filters)
    cells: defaultdict[Cell, Tally] = defaultdict(Tally)
    for cell, tally in _proposals(rows, versions):
        cells[cell].add(tally)
    to_match = _to_match(rows, versions)
    photos = _photos(to_match[:MOST_MATCHED], versions, reach)
    for cell, tally in _matched(photos):
        cells[cell].add(tally)
    kept = {cell: tally for cell, tally in cells.items() if _is_asked_for(cell, filters)}
    return Accuracy(kept, versions, is_capped=len(to_match) > MOST_MATCHED)


def _within(rows: DamageQuerySet, filters: AccuracyFilters) -> DamageQuerySet:
    if filters.since:
        rows = rows.filter(image_set__recorded_at__gte=filters.since)
    if filters.until:
        rows = rows.filter(image_set__recorded_at__lt=filters.until)
    return rows


def _is_asked_for(cell: Cell, filters: AccuracyFilters) -> bool:
    camera = "" if filters.camera == "-" else filters.camera
    return (
        filters.category in {"", cell.category}
        and (not filters.camera or cell.camera == camera)
        and filters.version_id in {None, cell.version_id}
    )


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


# --- proposals ---


def _proposals(rows: DamageQuerySet, versions: Mapping[UUID, ModelVersion]) -> Iterable[tuple[Cell, Tally]]:
    """What was decided about proposals; counted by the database."""
    decided = rows.filter(_counts("confidence", versions), source=Source.MODEL).exclude(state=DamageState.CREATED)
    groups = decided.order_by().values(
        "model_version", "category", "image__camera", "state",
        is_reviewed=Case(When(_reviewed(), then=Value(True)), default=Value(False)),  # noqa: FBT003 - Django's Value
    )  # fmt: skip
    for row in groups.annotate(number=Count("pk")):
        number, is_right = row["number"], row["state"] == DamageState.ACCEPTED
        tally = Tally(accepted=number) if is_right else Tally(rejected=number)
        tally.found = number if is_right and row["is_reviewed"] else 0
        yield Cell(row["model_version"], row["category"], row["image__camera"]), tally


def _counts(score: str, versions: Mapping[UUID, ModelVersion]) -> Q:
    """Those whose `score` reaches the threshold of their version: `imaging.detections.is_proposal`, for many rows.

    That one looks into the card, which the database would have to unpack for each of a million rows.
    """
    reached = Q(pk__in=[])
    for pk, version in versions.items():
        reached |= Q(**{"model_version": pk, f"{score}__gte": version.threshold})
    return reached


def _reviewed() -> Q:
    return Q(image_set__manual_processing__status=ManualStatus.REVIEWED)


# --- what people drew ---


def _to_match(rows: DamageQuerySet, versions: Mapping[UUID, ModelVersion]) -> list[_Wanted]:
    """Accepted damages in reviewed sets that no proposal stands for, the latest first."""
    accepted = rows.filter(_reviewed(), state=DamageState.ACCEPTED).exclude(
        _counts("confidence", versions), source=Source.MODEL
    )
    columns = accepted.order_by("-created_at", "-pk").values_list(
        "image_set", "image", "image__camera", "category", "polygon", "created_at", "detection__run"
    )
    return [_Wanted(*row) for row in columns[: MOST_MATCHED + 1]]


def _photos(
    wanted: Sequence[_Wanted], versions: Mapping[UUID, ModelVersion], reach: Reach
) -> Mapping[tuple[UUID, UUID], _Photo]:
    """(run, photo) -> what is to be matched there; without damages at which no model had looked."""
    photos: defaultdict[tuple[UUID, UUID], _Photo] = defaultdict(_Photo)
    looks = _looks({row.image_set for row in wanted}, reach)
    for row in wanted:
        look = _look_before(row, looks[row.image_set])
        if look is not None:
            cell = Cell(look.version, row.category, row.camera)
            photos[look.run, row.image].wanted.append((cell, row.polygon))
    for run, image, score, polygon in _free_findings(photos, versions, reach):
        photos[run, image].offered.append((score, polygon))
    return photos


def _looks(image_sets: Collection[UUID], reach: Reach) -> Mapping[UUID, list[_Look]]:
    """Image set -> the times a model looked at it, the latest first."""
    done = JobRun.objects.of(reach).filter(
        run__image_set__in=image_sets, name=_JOB, state=JobState.DONE, model_version__isnull=False
    )
    looks: defaultdict[UUID, list[_Look]] = defaultdict(list)
    columns = ("run__image_set", "run", "model_version", "finished_at")
    for image_set, run, version, finished_at in done.order_by("-finished_at").values_list(*columns):
        looks[image_set].append(_Look(run, version, finished_at))
    return looks


def _look_before(row: _Wanted, looks: Sequence[_Look]) -> _Look | None:
    """The look that a damage came with, if it came with a detection, else the last one before it was drawn."""
    if row.run is not None:
        return next((look for look in looks if look.run == row.run), None)
    return next((look for look in looks if look.finished_at and look.finished_at <= row.created_at), None)


def _free_findings(
    photos: Mapping[tuple[UUID, UUID], _Photo], versions: Mapping[UUID, ModelVersion], reach: Reach
) -> list[tuple[UUID, UUID, float, Sequence[Sequence[float]]]]:
    """Findings on these photos that count, and are no accepted proposals: run, photo, score, outline."""
    taken = Damage.objects.of(reach).filter(detection=OuterRef("pk"), state=DamageState.ACCEPTED)
    rows = Detection.objects.of(reach).filter(_counts("score", versions), ~Exists(taken))
    found = rows.filter(image__in={image for _, image in photos})
    return [one for one in found.values_list("run", "image", "score", "polygon") if one[:2] in photos]


def _matched(photos: Mapping[tuple[UUID, UUID], _Photo]) -> Iterable[tuple[Cell, Tally]]:
    """Whether each damage that was to be found was."""
    for photo in photos.values():
        if not photo.offered:
            yield from ((cell, Tally(missed=1)) for cell, _ in photo.wanted)
            continue
        boxes = boxes_around([outline for _, outline in photo.offered])
        scores = np.array([score for score, _ in photo.offered], dtype=np.float64)
        hits = set(assign(boxes, scores, boxes_around([outline for _, outline in photo.wanted]), loose).tolist())
        for place, (cell, _) in enumerate(photo.wanted):
            yield cell, Tally(found=1) if place in hits else Tally(missed=1)
