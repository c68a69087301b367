"""JSON of image sets (contract 4.4). `externalKey`, `status` and `reason` are ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from damages.models import ManualStatus
from damages.selectors_image_sets import Freshness, PlateGroup
from damages.standings import CarShown, HandWork, ImageSetStanding, ManualShown, RigShown, RunShown, SetShown
from imaging.models import JobState, RunState
from imaging.pipeline import JOBS
from inspection_platform.api.core.presenters.common import seconds
from tenants.rows import id_text, in_utc, json_value, maybe_id_text

DETECTION: Final = "damage_detection"
_START: Final = ("start", 0)
_STEP: Final = 1


def image_set(standing: ImageSetStanding) -> dict[str, Any]:
    """An image set as lists print it."""
    row = standing.image_set
    return {
        "id": id_text(row.id),
        "appraisalId": row.appraisal_id or None,
        "carId": maybe_id_text(row.car_id),
        "carInfo": car_info(row, standing.car),
        "createdAt": seconds(row.created_at),
        "hasImages": bool(row.has_images),
        # Their meaning is not documented; nothing is withheld from a tenant here, and nothing triggers that.
        "limitedTenantFields": {"isAvailable": True, "isTriggered": False},
        "manualProcessing": manual_processing(standing.manual, standing.hand_work),
        "mlProcessing": ml_processing(standing.run),
        "origin": origin(standing.rig),
        "passageId": maybe_id_text(row.passage_id),
        "pipeline": pipeline(_jobs_switched_on(standing.run)),
        "recDate": seconds(row.recorded_at),
        "relatedImageSetId": maybe_id_text(row.related_image_set_id),
        "tenantId": maybe_id_text(row.tenant_id),
        "externalKey": row.submission__external_key,
        "status": row.state,
        "reason": reason(standing),
    }


def image_set_detail(standing: ImageSetStanding, *, user_id: UUID, now: datetime) -> dict[str, Any]:
    """An image set as asked for by id: also says which manual step this person could begin now."""
    shown = image_set(standing)
    manual = standing.manual
    is_free = manual is not None and _is_free_for(manual, user_id=user_id, now=now)
    waits_for = manual.status if manual and is_free else None
    shown["manualProcessing"] |= {
        "manualAnnotationAvailable": waits_for == ManualStatus.ANNOTATION_WAITING,
        "manualReviewAvailable": waits_for == ManualStatus.REVIEW_WAITING,
    }
    return shown


def _is_free_for(manual: ManualShown, *, user_id: UUID, now: datetime) -> bool:
    is_mine = manual.holder_id is None or id_text(manual.holder_id) == str(user_id)
    return is_mine or manual.locked_until is None or in_utc(manual.locked_until) <= now


def car_info(row: SetShown, car: CarShown | None) -> dict[str, Any]:
    """What is known of the car: what was said of this set first, then the register; "" and 0 where nothing is."""
    said = json_value(row.car_info)
    plate = f"{row.country_code}#{row.plate}" if row.plate else ""
    return {
        "color": said.get("color") or (car and car.color) or "",
        "displacement": said.get("displacement") or (car and car.displacement) or 0,
        "fuel": said.get("fuel") or (car and car.fuel) or "",
        "gear": said.get("gear") or (car and car.gear) or "",
        "kW": said.get("kW") or (car and car.kilowatts) or 0,
        "mileage": said.get("mileage") or (car and car.mileage) or 0,
        "model": said.get("model") or (car and f"{car.make} {car.model}".strip()) or "",
        "registrationNo": f"{car.country_code}#{car.plate}" if car else plate,
        "vin": said.get("vin") or (car and car.vin) or "",
        "year": said.get("year") or (car and car.year) or 0,
    }


def group_facts(standing: ImageSetStanding, group: PlateGroup) -> dict[str, Any]:
    """What a set says in addition where it stands for all sets of its plate."""
    return {
        "imageSetCount": group.count,
        "lastRecDate": seconds(standing.image_set.recorded_at),
        "damagesInLatestPassage": group.damages,
    }


def freshness(found: Mapping[UUID, Freshness]) -> dict[str, dict[str, bool]]:
    """How new the damages of sets are, by their ids."""
    return {str(pk): {"hasNewDamages": one.has_new, "hasRecentDamages": one.has_recent} for pk, one in found.items()}


def origin(rig: RigShown | None) -> dict[str, Any]:
    """The rig the set came from; empty for a set that a client sent."""
    if rig is None:
        return {"id": None, "label": "", "location": "", "name": "", "type": ""}
    return {
        "id": id_text(rig.id),
        "label": rig.label,
        "location": rig.location,
        "name": rig.name,
        "type": "virtual" if rig.is_virtual else "device",
    }


def manual_processing(manual: ManualShown | None, work: HandWork) -> dict[str, Any]:
    """The manual steps; all keys, with nulls for what has not happened."""
    return {
        "annotationEnabled": bool(manual and manual.annotation_enabled),
        "annotationTime": seconds(manual.annotated_at) if manual else None,
        "annotatorDamagesDeletedByReviewer": work.removed_by_reviewers,
        "createdAt": seconds(manual.created_at) if manual else None,
        "damagesAddedByAnnotator": work.drawn_by_annotators,
        "damagesAddedByReviewer": work.drawn_by_reviewers,
        "isSkipped": bool(manual and manual.is_skipped),
        "lastAnnotationLockTime": seconds(manual.last_annotation_lock_at) if manual else None,
        "lastAnnotatorId": maybe_id_text(manual.last_annotator_id) if manual else None,
        "lastReviewLockTime": seconds(manual.last_review_lock_at) if manual else None,
        "lastReviewerId": maybe_id_text(manual.last_reviewer_id) if manual else None,
        "reviewEnabled": bool(manual and manual.review_enabled),
        "reviewTime": seconds(manual.reviewed_at) if manual else None,
        "status": manual.status if manual else ManualStatus.NONE.value,
    }


def ml_processing(run: RunShown | None) -> dict[str, Any]:
    """How far the models are. A run that ended counts as identified, its jobs switched off or absent included."""
    detection = run.jobs.get(DETECTION) if run else None
    is_running = run is not None and run.state == RunState.RUNNING
    is_open = detection is not None and detection.state in {JobState.WAITING, JobState.QUEUED, JobState.RUNNING}
    is_done = detection is not None and detection.state == JobState.DONE
    return {
        "damageIdentificationFinished": run is not None and not is_running,
        "dmgDetectProcessing": is_running and is_open,
        "dmgDetectTimestamp": seconds(detection.finished_at) if detection and is_done else None,
    }


def reason(standing: ImageSetStanding) -> str:
    """Why a set was rejected or failed, or why nobody looked for damages; "" when all is well."""
    detection = standing.jobs.get(DETECTION)
    if standing.image_set.reason or detection is None or detection.state != JobState.SKIPPED:
        return standing.image_set.reason
    return detection.reason or "Damage detection is switched off."


@lru_cache(maxsize=1024)
def pipeline(names: tuple[str, ...]) -> str:
    """The jobs as the contract prints them: a Python mapping of (job, step) to its predecessors, `start` at the end.

    Jobs that are switched off are left out; who waited for them waits for what they waited for.
    """
    chosen = [name for name in JOBS if name in names]
    table = {(name, _STEP): [(need, _STEP) for need in _needs(name, chosen)] or [_START] for name in chosen}
    return repr({**table, _START: None})


def _needs(name: str, chosen: Collection[str]) -> list[str]:
    found: list[str] = []
    for need in JOBS[name].needs:
        found += [need] if need in chosen else _needs(need, chosen)
    return list(dict.fromkeys(found))


def _jobs_switched_on(run: RunShown | None) -> tuple[str, ...]:
    return tuple(name for name, job in run.jobs.items() if job.state != JobState.SKIPPED) if run else ()
