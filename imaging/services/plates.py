"""The plate of a set's car, from what was read on its photos."""

from __future__ import annotations

from assets.models import ImageSet
from assets.plates import Plate, plate_parse
from assets.services.routing import Route, image_set_route
from imaging.models import PipelineRun, PlateReading
from imaging.plate_votes import Verdict, Vote, votes_merge


def plate_verdict(*, run: PipelineRun) -> Verdict:
    """What the photos of a run say together: the plate, or why they leave it open."""
    rows = PlateReading.objects.all_tenants("a worker weighs what its run read")
    counted = rows.filter(run=run, counted=True, image__deleted_at__isnull=True)
    return votes_merge(
        Vote(
            photo=str(row.image_id),
            characters=tuple((character, confidence) for character, confidence in row.characters),
            area=row.area_pixels,
        )
        for row in counted
    )


def plate_read(*, image_set: ImageSet, verdict: Verdict) -> Plate | None:
    """The verdict as a plate of the country where the set was recorded; None when unsure.

    Letters and digits do not tell the country, so the rig's place stands for it, or what the client said.
    """
    rig = image_set.capture_set
    country = rig.country_code if rig else image_set.country_code
    return plate_parse(verdict.plate, country) if verdict.is_sure else None


def run_route(*, run: PipelineRun) -> Route | None:
    """Route a capture unit's recording by the plate that its photos agree on; None when they do not.

    Sets that clients entered keep their tenant: for them the plate is only a reading.
    """
    verdict = plate_verdict(run=run)
    plate = plate_read(image_set=run.image_set, verdict=verdict)
    if plate is None:
        return None
    evidence = {
        "run": str(run.pk),
        "confidence": round(verdict.confidence, 4),
        "agreeing": verdict.agreeing,
        "photos": verdict.photos,
    }
    return image_set_route(image_set=run.image_set, plate=plate, evidence=evidence)
