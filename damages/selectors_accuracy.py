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
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, TextField
from django.db.models.functions import Cast

from damages.matched_photos import MatchedPhotos
from damages.models import Damage, DamageState, ManualStatus, Source
from damages.querysets import DamageQuerySet
from imaging.ml.rates import Rate
from imaging.models import Detection, JobRun, JobState, ModelVersion
from tenants.scope import Reach

#: Damages to be matched one by one. Of more than these recall is that of the latest sets, and the page says of which.
MOST_MATCHED: Final = 25_000
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
    """Tallies by cell, with the versions they speak of.

    `recall_after`: found and missed are those of sets recorded after this moment; None: of all.
    """

    cells: Mapping[Cell, Tally]
    versions: Mapping[UUID, ModelVersion]
    recall_after: datetime | None = None

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
    created_at: datetime
    run: UUID | None
    recorded_at: datetime
    outline: str


class _Look(NamedTuple):
    """A finished look of a model at a set."""

    run: UUID
    version: UUID
    finished_at: datetime | None


#: What a run said about a photo.
_Sight = tuple[UUID, UUID]


def accuracy(filters: AccuracyFilters, *, reach: Reach) -> Accuracy:
    """Precision and recall from decisions within reach, in five queries however many damages there are."""
    versions = {row.pk: row for row in ModelVersion.objects.only("name", "version", "card")}
    rows = _within(Damage.objects.of(reach).visible(), filters)
    to_match, after = _to_match(rows, versions)
    cells: defaultdict[Cell, Tally] = defaultdict(Tally)
    for cell, tally in _proposals(rows, versions, after):
        cells[cell].add(tally)
    for cell, is_found in _photos(to_match, versions, reach).results():
        cells[cell].add(Tally(found=1) if is_found else Tally(missed=1))
    kept = {cell: tally for cell, tally in cells.items() if _is_asked_for(cell, filters)}
    return Accuracy(kept, versions, after)


def _within(rows: DamageQuerySet, filters: AccuracyFilters) -> DamageQuerySet:
    if filters.since:
        rows = rows.filter(image_set__recorded_at__gte=filters.since)
    if filters.until:
        rows = rows.filter(image_set__recorded_at__lt=filters.until)
    if filters.camera:
        rows = rows.filter(image__camera="" if filters.camera == "-" else filters.camera)
    return rows


def _is_asked_for(cell: Cell, filters: AccuracyFilters) -> bool:
    """What is asked of a damage by itself, asked at the end: those of one photo compete for what the model saw."""
    return filters.category in {"", cell.category} and filters.version_id in {None, cell.version_id}


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


# --- proposals ---


def _proposals(
    rows: DamageQuerySet, versions: Mapping[UUID, ModelVersion], after: datetime | None
) -> Iterable[tuple[Cell, Tally]]:
    """What was decided about proposals; counted by the database. `after`: as in `Accuracy`."""
    decided = rows.filter(_counts("confidence", versions), source=Source.MODEL).exclude(state=DamageState.CREATED)
    groups = decided.order_by().values("model_version", "category", "image__camera", "state")
    for row in groups.annotate(number=Count("pk"), reviewed=Count("pk", filter=_reviewed(after))):
        is_right = row["state"] == DamageState.ACCEPTED
        tally = Tally(accepted=row["number"], found=row["reviewed"]) if is_right else Tally(rejected=row["number"])
        yield Cell(row["model_version"], row["category"], row["image__camera"]), tally


def _counts(score: str, versions: Mapping[UUID, ModelVersion]) -> Q:
    """Those whose `score` reaches the threshold of their version: `imaging.detections.is_proposal`, for many rows.

    That one looks into the card, which the database would have to unpack for each of a million rows.
    """
    reached = Q(pk__in=[])
    for pk, version in versions.items():
        reached |= Q(**{"model_version": pk, f"{score}__gte": version.threshold})
    return reached


def _reviewed(after: datetime | None = None) -> Q:
    reviewed = Q(image_set__manual_processing__status=ManualStatus.REVIEWED)
    return reviewed & Q(image_set__recorded_at__gt=after) if after else reviewed


# --- what people drew ---


def _to_match(rows: DamageQuerySet, versions: Mapping[UUID, ModelVersion]) -> tuple[list[_Wanted], datetime | None]:
    """Accepted damages in reviewed sets that no proposal stands for; if of the latest sets alone, those after when."""
    accepted = rows.filter(_reviewed(), state=DamageState.ACCEPTED).exclude(
        _counts("confidence", versions), source=Source.MODEL
    )
    columns = accepted.order_by("-image_set__recorded_at", "-pk").values_list(
        "image_set", "image", "image__camera", "category", "created_at", "detection__run", "image_set__recorded_at",
        _text("polygon"),
    )  # fmt: skip
    wanted = [_Wanted(*row) for row in columns[: MOST_MATCHED + 1]]
    if len(wanted) <= MOST_MATCHED:
        return wanted, None
    # A set whose damages did not all fit is left out: recall is that of whole sets.
    after = wanted[-1].recorded_at
    return [row for row in wanted if row.recorded_at > after], after


def _text(column: str) -> Cast:
    """An outline as the database keeps it; unpacking it into lists would take longer than all the rest."""
    return Cast(column, TextField())


def _photos(
    wanted: Sequence[_Wanted], versions: Mapping[UUID, ModelVersion], reach: Reach
) -> MatchedPhotos[_Sight, Cell]:
    """What is to be matched, by run and photo; without damages at which no model had looked."""
    photos: MatchedPhotos[_Sight, Cell] = MatchedPhotos()
    looks = _looks({row.image_set for row in wanted}, reach)
    for row in wanted:
        look = _look_before(row, looks[row.image_set])
        if look is not None:
            photos.want((look.run, row.image), Cell(look.version, row.category, row.camera), row.outline)
    for run, image, score, outline in _free_findings({image for _, image in photos}, versions, reach):
        photos.offer((run, image), score, outline)
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
    images: Collection[UUID], versions: Mapping[UUID, ModelVersion], reach: Reach
) -> Iterable[tuple[UUID, UUID, float, str]]:
    """Findings on these photos that count, and are no accepted proposals: run, photo, score, outline."""
    taken = Damage.objects.of(reach).filter(detection=OuterRef("pk"), state=DamageState.ACCEPTED)
    rows = Detection.objects.of(reach).filter(_counts("score", versions), ~Exists(taken))
    return rows.filter(image__in=images).values_list("run", "image", "score", _text("polygon"))
