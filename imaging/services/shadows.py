"""Looks in shadow: what a candidate says about photos that the current version has seen. Never shown to clients.

Each photo is a row, and the row is the queue. Rows are made when the current version's job is done and worked off only
while nothing else waits, one photo at a time; whatever goes wrong stays in the row.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from assets.models import ImageState
from imaging.detections import is_proposal
from imaging.jobs.files import pixels_of
from imaging.ml.comparing import Comparison, Sight
from imaging.ml.matching import Standing
from imaging.ml.model import Model, UInt8Image
from imaging.ml.on_vehicle import on_vehicle
from imaging.ml.types import Finding
from imaging.models import Detection, JobRun, ModelVersion, ShadowRun, ShadowState, VersionState
from imaging.ops.decode import reduced
from imaging.services.model_versions import load, model_version_note, version_load
from imaging.shadowing import SHADOWED, Shadowed, shadowed_in

log = structlog.get_logger(__name__)

#: Seconds after which a look whose worker was not heard of again is given to another one.
LEASE_SECONDS: Final = 300
MOST_ATTEMPTS: Final = 2
_WHY: Final = "looks in shadow are found by their state, whoever's photos they are of"
_LONGEST_ERROR: Final = 500


def shadows_open(*, job: JobRun) -> int:
    """A job is done: let candidates in shadow for its tenant look at the same photos later; returns how many looks.

    Nothing that goes wrong here keeps the job from being done.
    """
    names = shadowed_in(job.name)
    if not names:
        return 0
    try:
        with transaction.atomic():
            return _open(job, names)
    except Exception:
        log.exception("shadow.not_opened", job=job.name, run=str(job.run_id))
        return 0


def _open(job: JobRun, names: Collection[str]) -> int:
    candidates = _in_shadow(job, names)
    if not candidates:
        return 0
    against = _ran(job)
    photos = job.run.image_set.images.filter(deleted_at__isnull=True, state=ImageState.USABLE)
    rows = [
        ShadowRun(run_id=job.run_id, image_id=photo, candidate_id=candidate, against_id=against[name])
        for photo in photos.values_list("pk", flat=True)
        for candidate, name in candidates
        if name in against
    ]
    _rows().bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _in_shadow(job: JobRun, names: Collection[str]) -> list[tuple[UUID, str]]:
    """Candidates of these models, with their models' names, that see the photos of the job's tenant."""
    whose, tenant_id = Q(shadow_for_all=True), job.run.image_set.tenant_id
    if tenant_id is not None:
        whose |= Q(shadow_tenants=tenant_id)
    rows = ModelVersion.objects.filter(whose, name__in=names, state=VersionState.SHADOW).order_by().distinct()
    return list(rows.values_list("pk", "name"))


def _ran(job: JobRun) -> dict[str, UUID]:
    """Name of each model that the job ran -> id of its version."""
    rows = ModelVersion.objects.filter(Q(pk=job.model_version_id) | Q(pk__in=job.helpers.order_by().values("pk")))
    return dict(rows.values_list("name", "pk"))


def shadows_wait() -> bool:
    """Whether a photo waits to be looked at in shadow."""
    return _free().exists()


def shadow_next() -> ShadowRun | None:
    """Look at the next photo that waits, and store what came of it; None if there is none (or another took it)."""
    row = _claimed()
    if row is None:
        return None
    try:
        _finish(row, **_looked(row))
    except Exception as error:
        log.exception("shadow.failed", shadow_run=str(row.pk), candidate=str(row.candidate))
        _fail(row, f"{type(error).__name__}: {error}"[:_LONGEST_ERROR])
    return row


def shadows_give_up() -> int:
    """Mark the looks as failed whose workers vanished each time; returns how many."""
    lost = _rows().filter(state=ShadowState.RUNNING, lease_until__lt=timezone.now(), attempts__gte=MOST_ATTEMPTS)
    # Asked first: this is called every few seconds, and even an update of nothing waits for SQLite's one writer.
    if not lost.exists():
        return 0
    vanished = "The worker vanished while the candidate looked."
    return lost.update(state=ShadowState.FAILED, error=vanished, finished_at=timezone.now())


# --- one look ---


def _looked(row: ShadowRun) -> dict[str, Any]:
    """What the candidate saw, beside what the current version saw, as columns of the row."""
    shadowed = SHADOWED[row.candidate.name]
    pixels = _shown(row, shadowed)
    candidate = on_vehicle(version_load(row.candidate.name, row.candidate_id, threads=settings.ML_THREADS), _load)
    started = time.perf_counter()
    said = shadowed.measure.look(candidate, pixels)
    seconds = time.perf_counter() - started
    current = Sight(_stored(row)) if shadowed.is_stored else shadowed.measure.look(_current(row), pixels)
    return {
        "seconds": seconds,
        "findings": _told(said.findings),
        "current_findings": _told(current.findings),
        **_columns(shadowed.measure.compare(current, said)),
    }


def _shown(row: ShadowRun, shadowed: Shadowed) -> UInt8Image:
    """The photo as the job shows it to the model."""
    pixels = pixels_of(row.image.received)
    return pixels if shadowed.side is None else reduced(pixels, max_side=shadowed.side)


def _load(name: str) -> Model:
    return load(name, threads=settings.ML_THREADS)


def _stored(row: ShadowRun) -> tuple[Finding, ...]:
    """What the current version said of the photo, as far as it counted."""
    rows = Detection.objects.all_tenants(_WHY).filter(
        is_proposal(), run=row.run_id, image=row.image_id, model_version=row.against_id
    )
    return tuple(
        Finding(one.label, one.score, tuple((x, y) for x, y in one.polygon))
        for one in rows.order_by("-score", "ordinal")
    )


def _current(row: ShadowRun) -> Model:
    """The current version, if it is still the one that the job ran."""
    model = _load(row.candidate.name)
    if model_version_note(model.card).pk != row.against_id:
        raise LookupError("Another version is current by now.")
    return model


def _told(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {"label": one.label, "score": round(one.score, 4), "polygon": [list(point) for point in one.polygon]}
        for one in findings
    ]


def _columns(found: Comparison) -> dict[str, Any]:
    """A comparison as columns: the pairs, how many of them stand in which way, and what was measured besides."""
    return {
        "pairs": [[pair.standing, pair.current, pair.candidate] for pair in found.pairs],
        "overlap": found.overlap,
        "wheels_agreed": found.wheels_agreed,
        "wheels_alone": found.wheels_alone,
        **{str(standing): sum(pair.standing == standing for pair in found.pairs) for standing in Standing},
    }


# --- rows ---


def _claimed() -> ShadowRun | None:
    """The photo that waited longest, taken: the attempt is counted before the look, as for jobs."""
    row = _free().order_by("created_at", "pk").first()
    if row is None:
        return None
    until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    same = _rows().filter(pk=row.pk, state=row.state, attempts=row.attempts)
    if not same.update(state=ShadowState.RUNNING, attempts=F("attempts") + 1, lease_until=until):
        return None
    return _rows().select_related("candidate", "against", "image").filter(pk=row.pk).first()


def _free() -> QuerySet[ShadowRun]:
    """Rows that wait, and those whose worker vanished."""
    lost = Q(state=ShadowState.RUNNING, lease_until__lt=timezone.now(), attempts__lt=MOST_ATTEMPTS)
    return _rows().filter(Q(state=ShadowState.WAITING) | lost)


def _finish(row: ShadowRun, **columns: Any) -> None:
    _mine(row).update(
        state=ShadowState.DONE, finished_at=timezone.now(), lease_until=None, error="",
        modified_at=timezone.now(), **columns
    )  # fmt: skip


def _fail(row: ShadowRun, error: str) -> None:
    """Note why a look failed; once more it is tried later."""
    is_over = row.attempts >= MOST_ATTEMPTS
    _mine(row).update(
        state=ShadowState.FAILED if is_over else ShadowState.WAITING, error=error, lease_until=None,
        finished_at=timezone.now() if is_over else None, modified_at=timezone.now(),
    )  # fmt: skip


def _mine(row: ShadowRun) -> QuerySet[ShadowRun]:
    return _rows().filter(pk=row.pk, state=ShadowState.RUNNING, attempts=row.attempts)


def _rows() -> QuerySet[ShadowRun]:
    return ShadowRun.objects.all_tenants(_WHY)
