"""From what the models saw to damages that people can judge (the `damage_identification` job)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from damages.families import Family, Sighting, group, merge_within_image
from damages.geometry import iou
from damages.models import Damage, DamageState, Source
from damages.querysets import DamageQuerySet
from damages.services.deletions import damages_settle
from damages.services.sightings import footage_read, polygon_of, sightings_of
from damages.taxonomy import category_of
from imaging.detections import is_proposal
from imaging.models import Detection, JobRun, PipelineRun

#: A new proposal that covers what a person has judged already is that damage, not another one.
SAME_OUTLINE_IOU: Final = 0.5


def run(job: JobRun) -> None:
    """Turn the run's detections into damage families; a second run of the job finds them made."""
    damages_propose(run=job.run)


def damages_propose(*, run: PipelineRun) -> list[Damage]:
    """Make the damages of a run from its detections: one row for each photo a damage was seen on.

    Only detections that their model is sure enough of become damages; the weaker ones wait for people who ask for more.
    Duplicates of overlapping tiles are joined; sightings in neighbouring frames of a video share a representative.
    Proposals of an earlier run that nobody judged are withdrawn; what people judged or drew stays and is not proposed
    again. Returns the run's damages, whether made by this call or by an earlier one.
    """
    seen = run.detections.filter(is_proposal(), image__deleted_at__isnull=True).select_related("image")
    detections = {str(row.pk): row for row in seen}
    footage = footage_read(run, {row.image_id for row in detections.values()})
    sightings = merge_within_image(sightings_of(detections.values(), footage))
    with transaction.atomic():
        # Two workers on one run: the second waits here and finds the work done.
        PipelineRun.objects.all_tenants("a worker locks its run").select_for_update().get(pk=run.pk)
        made = list(_damages(run).filter(detection__run=run, source=Source.MODEL))
        if made:
            return made
        _withdraw_unjudged(run)
        fresh = _not_judged_yet(run, sightings)
        families = group(fresh, footage.motions, frames=footage.frames)
        return _write(run, families, {str(sighting.key): sighting for sighting in fresh}, detections)


def _damages(run: PipelineRun) -> DamageQuerySet:
    return Damage.objects.all_tenants("a worker writes what its run found").filter(image_set_id=run.image_set_id)


def _withdraw_unjudged(run: PipelineRun) -> None:
    """Take back what earlier runs proposed and nobody has touched."""
    stale = _damages(run).filter(source=Source.MODEL, state=DamageState.CREATED, decided_at__isnull=True)
    gone = list(stale.filter(deleted_at__isnull=True, decisions__isnull=True).values_list("pk", flat=True))
    if gone:
        _damages(run).filter(pk__in=gone).update(deleted_at=timezone.now())
        # What people judged stays, whatever represented it.
        damages_settle(ids=gone, user=None, step=Source.MODEL)


def _not_judged_yet(run: PipelineRun, sightings: Iterable[Sighting]) -> list[Sighting]:
    """Leave out sightings that a standing damage of the same photo already covers."""
    judged = _damages(run).filter(Q(deleted_at__isnull=True) | Q(decisions__isnull=False)).distinct()
    known = [(str(row.image_id), polygon_of(row.polygon)) for row in judged]
    return [
        sighting
        for sighting in sightings
        if not any(
            image == sighting.image and iou(polygon, sighting.polygon) >= SAME_OUTLINE_IOU for image, polygon in known
        )
    ]


def _write(
    run: PipelineRun,
    families: Iterable[Family],
    sightings: dict[str, Sighting],
    detections: dict[str, Detection],
) -> list[Damage]:
    """One row for each sighting, representatives first, since the others point at them."""
    rows: list[Damage] = []
    followers: list[Damage] = []
    for family in families:
        head = _row(run, sightings[str(family.representative)], family.label, detections)
        rows.append(head)
        others = [key for key in family.members if key != family.representative]
        followers += [_row(run, sightings[str(key)], family.label, detections, head) for key in others]
    return [*_damages(run).bulk_create(rows), *_damages(run).bulk_create(followers)]


def _row(
    run: PipelineRun,
    sighting: Sighting,
    label: str,
    detections: dict[str, Detection],
    representative: Damage | None = None,
) -> Damage:
    detection = detections[str(sighting.key)]
    return Damage(
        image_set_id=run.image_set_id,
        image_id=detection.image_id,
        car_id=run.image_set.car_id,
        detection=detection,
        model_version_id=detection.model_version_id,
        category=category_of(label, polygon=sighting.polygon, aspect=sighting.aspect),
        polygon=[list(point) for point in sighting.polygon],
        image_width=detection.image_width,
        image_height=detection.image_height,
        confidence=sighting.score,
        representative=representative,
    )
