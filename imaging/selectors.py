"""Reads of models: their versions and history, and how candidates in shadow stand beside the current version."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Avg, Count, Q, QuerySet, Sum

from imaging.ml import registry
from imaging.ml.card import Card
from imaging.ml.matching import Standing
from imaging.ml.rates import Rate
from imaging.models import ChangeKind, ModelChange, ModelVersion, ShadowRun, ShadowState, VersionState
from tenants.scope import Reach

#: A photo on which the two differ in anything.
_DIFFERS: Final = Q(near__gt=0) | Q(kind_differs__gt=0) | Q(only_current__gt=0) | Q(only_candidate__gt=0)
#: Columns of things that are summed over photos.
_SUMMED: Final = (*(str(standing) for standing in Standing), "wheels_agreed", "wheels_alone")
#: Word of the address bar -> the photos it stands for.
KINDS: Final[Mapping[str, Q]] = {
    "": _DIFFERS,
    Standing.ONLY_CURRENT: Q(only_current__gt=0),
    Standing.ONLY_CANDIDATE: Q(only_candidate__gt=0),
    Standing.NEAR: Q(near__gt=0),
    Standing.KIND_DIFFERS: Q(kind_differs__gt=0),
    "all": Q(),
}


@dataclass(frozen=True, slots=True)
class ModelStanding:
    """A model: the card of the release, the version that was promoted (None: the release's speaks), and all others."""

    name: str
    released: Card
    current: ModelVersion | None
    versions: Sequence[ModelVersion]

    @property
    def version(self) -> str:
        """The version that speaks."""
        return self.current.version if self.current else self.released.version

    @property
    def card(self) -> Mapping[str, object]:
        """Its card."""
        return self.current.card if self.current else self.released.raw

    @property
    def in_shadow(self) -> list[ModelVersion]:
        """Versions that run beside it."""
        return [row for row in self.versions if row.state == VersionState.SHADOW]

    @property
    def candidates(self) -> list[ModelVersion]:
        """Versions that wait for somebody to try them."""
        return [row for row in self.versions if row.state == VersionState.CANDIDATE]


def model_standings(names: Collection[str] | None = None) -> list[ModelStanding]:
    """All models of the release, or those of these names, with their versions, newest first; one query."""
    wanted = [name for name in registry.names() if names is None or name in names]
    found: dict[str, list[ModelVersion]] = {name: [] for name in wanted}
    for row in ModelVersion.objects.filter(name__in=wanted).select_related("uploaded_by").order_by("-created_at"):
        found[row.name].append(row)
    return [_standing(name, rows) for name, rows in found.items()]


def _standing(name: str, rows: Sequence[ModelVersion]) -> ModelStanding:
    current = next((row for row in rows if row.state == VersionState.CURRENT), None)
    return ModelStanding(name, registry.card(name), current, rows)


def is_released(row: ModelVersion, released: Card) -> bool:
    """Whether a version is the one that came with the running release."""
    digests = {file.sha256 for file in released.files}
    return row.state == VersionState.RELEASED and row.version == released.version and row.sha256 in digests


def model_changes(name: str) -> QuerySet[ModelChange]:
    """What was done with a model's versions, newest first."""
    return ModelChange.objects.filter(name=name).select_related("model_version", "replaced", "by")


def model_before(standing: ModelStanding) -> ModelVersion | None:
    """The version that a roll-back brings back: the one that the last promotion replaced, if it can still speak."""
    if standing.current is None:
        return None
    last = model_changes(standing.name).filter(kind=ChangeKind.PROMOTED, model_version=standing.current).first()
    before = last.replaced if last else None
    may = before is not None and (before.state == VersionState.FORMER or is_released(before, standing.released))
    return before if may else None


# --- shadow ---


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a candidate stands beside the current version: photos and things seen, by how they compare.

    `wheels_agreed`, `wheels_alone`: how many of the things are wheels that both saw, and that one of them saw.
    `overlap`: mean IoU of the masks where both saw a vehicle; None where that never was. `seconds`: the candidate's
    mean look at a photo; None before the first.
    """

    photos: int = 0
    photos_alike: int = 0
    agreed: int = 0
    near: int = 0
    kind_differs: int = 0
    only_current: int = 0
    only_candidate: int = 0
    wheels_agreed: int = 0
    wheels_alone: int = 0
    waiting: int = 0
    failed: int = 0
    overlap: float | None = None
    seconds: float | None = None

    @property
    def of_things(self) -> Rate:
        """Share of the things that either saw which both saw alike."""
        return Rate(self.agreed, self.agreed + self.near + self.kind_differs + self.only_current + self.only_candidate)

    @property
    def of_wheels(self) -> Rate:
        """Share of the wheels that either saw which both saw."""
        return Rate(self.wheels_agreed, self.wheels_agreed + self.wheels_alone)

    @property
    def of_views(self) -> Rate:
        """Share of the photos on which either saw a car where both named the same view."""
        return Rate(self.agreed - self.wheels_agreed, self.of_things.count - self.of_wheels.count)

    @property
    def of_views_near(self) -> Rate:
        """The same with views that are 45 degrees apart counted as alike."""
        return Rate(self.of_views.hits + self.near, self.of_views.count)

    @property
    def of_photos(self) -> Rate:
        """Share of the photos on which they differ in nothing."""
        return Rate(self.photos_alike, self.photos)


@dataclass(frozen=True, slots=True)
class ShadowFilters:
    """Which looks of a candidate: of a tenant, by a camera ("-": by none of a rig); None leaves a filter out."""

    tenant_id: UUID | None = None
    camera: str | None = None


def shadow_runs(filters: ShadowFilters, *, reach: Reach) -> QuerySet[ShadowRun]:
    """Looks in shadow at photos that are still there."""
    rows = ShadowRun.objects.of(reach).filter(image__deleted_at__isnull=True, image__image_set__deleted_at__isnull=True)
    if filters.tenant_id:
        rows = rows.filter(image__image_set__tenant=filters.tenant_id)
    if filters.camera:
        rows = rows.filter(image__camera="" if filters.camera == "-" else filters.camera)
    return rows


def agreements(rows: QuerySet[ShadowRun]) -> dict[UUID, Agreement]:
    """Candidate's id -> how it stands beside the current version on these photos; one query for all of them."""
    done = Q(state=ShadowState.DONE)
    sums = {name: Sum(name, filter=done, default=0) for name in _SUMMED}
    counted = rows.order_by().values("candidate").annotate(
        photos=Count("pk", filter=done),
        photos_alike=Count("pk", filter=done & ~_DIFFERS),
        waiting=Count("pk", filter=Q(state__in=[ShadowState.WAITING, ShadowState.RUNNING])),
        failed=Count("pk", filter=Q(state=ShadowState.FAILED)),
        mean_seconds=Avg("seconds", filter=done),
        mean_overlap=Avg("overlap", filter=done),
        **{f"sum_{name}": total for name, total in sums.items()},
    )  # fmt: skip
    return {row["candidate"]: _agreement(row) for row in counted}


def _agreement(row: Mapping[str, Any]) -> Agreement:
    return Agreement(
        **{name: row[name] for name in ("photos", "photos_alike", "waiting", "failed")},
        **{name: row[f"sum_{name}"] for name in _SUMMED},
        overlap=row["mean_overlap"],
        seconds=row["mean_seconds"],
    )


def disagreements(rows: QuerySet[ShadowRun], *, kind: str = "") -> QuerySet[ShadowRun]:
    """The photos on which the two differ, or differ in one way (a word of `KINDS`), the latest first."""
    chosen = rows.filter(KINDS.get(kind, _DIFFERS), state=ShadowState.DONE)
    return chosen.select_related(
        "image__image_set__tenant", "image__image_set__submission", "candidate", "against"
    ).order_by("-finished_at", "-pk")
