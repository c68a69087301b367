"""Published results: the facts of an image set, frozen at a moment, and the event that tells of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from assets.models import Image, ImageSet, ImageSetState, Upload, UploadState
from damages.models import Damage, ResultCause, ResultVersion
from imaging.models import JobState, ModelVersion, PipelineRun
from tenants.models import Event
from tenants.scope import Reach
from tenants.services.events import event_record

RESULT_EVENT: Final = "image_set.result"
#: What the workflow hears: published results of the sets in the payload may be outdated.
CHANGED_EVENT: Final = "damages.changed"
FACTS_SCHEMA: Final = 1


def result_publish(*, image_set: ImageSet, cause: ResultCause, run: PipelineRun | None) -> ResultVersion:
    """Freeze what is known of the set as its next result version and record the event that carries it outward."""
    with transaction.atomic():
        _lock(image_set)
        return _publish(image_set, cause=cause, run=run, facts=facts_of(image_set, run=run))


def result_correct(*, image_set: ImageSet, run: PipelineRun | None) -> ResultVersion | None:
    """Publish the set anew, as `result_publish` does, if its facts are other ones than those published last.

    None if they are the same, or if nothing was published yet: whoever is told twice of one change does no harm.
    """
    with transaction.atomic():
        _lock(image_set)
        last = _results(image_set).order_by("-version").first()
        facts = facts_of(image_set, run=run)
        if last is None or last.facts == facts:
            return None
        return _publish(image_set, cause=ResultCause.CORRECTION, run=run, facts=facts)


def changes_tell(image_set_ids: Iterable[UUID], *, tenant_ids: Iterable[UUID]) -> Event | None:
    """Record, for the workflow, that what was published of these sets may be outdated, if anything was.

    Call it in the transaction of the change. Sets that are removed are not told of.
    """
    published = ResultVersion.objects.of(Reach.some(tenant_ids)).filter(
        image_set__in=set(image_set_ids), image_set__deleted_at__isnull=True
    )
    told = sorted(str(key) for key in published.order_by().values_list("image_set", flat=True).distinct())
    if not told:
        return None
    tenant_id, *others = tenant_ids
    return event_record(
        tenant_id=None if others else tenant_id,
        kind=CHANGED_EVENT,
        subject_id=UUID(told[0]),
        ordering_key=f"damages:{told[0]}",
        payload={"image_sets": told},
    )


def _lock(image_set: ImageSet) -> None:
    """The set's row is the lock: two causes at once make two versions, one after the other."""
    ImageSet.objects.all_tenants("a result locks its set").select_for_update().get(pk=image_set.pk)


def _results(image_set: ImageSet) -> QuerySet[ResultVersion]:
    return ResultVersion.objects.all_tenants("the results of a set, one after the other").filter(image_set=image_set)


def _publish(
    image_set: ImageSet, *, cause: ResultCause, run: PipelineRun | None, facts: dict[str, Any]
) -> ResultVersion:
    version = (_results(image_set).aggregate(last=Max("version"))["last"] or 0) + 1
    row = ResultVersion(image_set=image_set, version=version, cause=cause, run=run, facts=facts)
    row.save(force_insert=True)
    event_record(
        tenant_id=image_set.tenant_id,
        kind=RESULT_EVENT,
        subject_id=row.pk,
        ordering_key=f"image_set:{image_set.pk}",
        payload={"image_set": str(image_set.pk), "version": version, "cause": str(cause)},
    )
    return row


def facts_of(image_set: ImageSet, *, run: PipelineRun | None) -> dict[str, Any]:
    """The facts of a set as plain JSON (schema 1): what was sent, what of it is usable, and which damages stand."""
    submission = image_set.submission
    damages = list(_standing(image_set))
    refused = list(image_set.uploads.filter(state=UploadState.REFUSED))
    return {
        "schema": FACTS_SCHEMA,
        "status": "rejected" if image_set.state == ImageSetState.REJECTED else "available",
        "reason": image_set.reason,
        "inspection_id": submission.external_key if submission else str(image_set.pk),
        "case_id": submission.case_id if submission else "",
        "image_set_id": str(image_set.pk),
        "tenant_id": str(image_set.tenant_id),
        "family": submission.family if submission else "core",
        "metadata": submission.metadata if submission else {},
        "agent_id": submission.agent_id if submission else "",
        "agent_name": submission.agent_name if submission else "",
        "submitted_at": image_set.submitted_at.isoformat() if image_set.submitted_at else None,
        "finished_at": image_set.finished_at.isoformat() if image_set.finished_at else None,
        "upload_status": "incomplete upload" if refused else "complete upload",
        "damage_detection": _detection_state(run),
        "models": [
            {"name": model.name, "version": model.version, "sha256": model.sha256} for model in _models(run, damages)
        ],
        "images": [_image_facts(image) for image in _images(image_set)],
        "refused": [_refused_facts(upload) for upload in refused],
        "damages": [_damage_facts(damage) for damage in damages],
    }


def _standing(image_set: ImageSet) -> list[Damage]:
    rows = Damage.objects.all_tenants("a result reads its set").filter(image_set=image_set).standing()
    return list(rows.select_related("model_version").order_by("image__position", "image__frame", "created_at", "pk"))


def _images(image_set: ImageSet) -> list[Image]:
    return list(image_set.images.filter(deleted_at__isnull=True).select_related("upload"))


def _detection_state(run: PipelineRun | None) -> str:
    """`done`, `off` or `failed`: so that no damages found and nobody looked stay two different things."""
    job = run.jobs.filter(name="damage_detection").first() if run else None
    if job is None or job.state == JobState.SKIPPED:
        return "off"
    return "done" if job.state == JobState.DONE else "failed"


def _models(run: PipelineRun | None, damages: list[Damage]) -> list[ModelVersion]:
    spoke = {damage.model_version for damage in damages if damage.model_version}
    if run:
        jobs, plates = run.jobs.order_by(), run.plate_readings.order_by()
        ran = Q(pk__in=jobs.values("model_version")) | Q(pk__in=jobs.values("helpers"))
        spoke |= set(ModelVersion.objects.filter(ran | Q(pk__in=plates.values("reader"))))
    return sorted(spoke, key=lambda model: (model.name, model.version))


def _image_facts(image: Image) -> dict[str, Any]:
    upload = image.upload
    return {
        "id": str(image.pk),
        "position": image.position,
        "frame": image.frame,
        "name": image.name,
        "extension": _extension(upload),
        "original_id": upload.original_id if upload else "",
        "pair": upload.pair if upload else None,
        "source_url": upload.url if upload else "",
        "width": image.width,
        "height": image.height,
        "flags": image.flags,
        "state": image.state,
        "published": image.published.name or "",
    }


def _extension(upload: Upload | None) -> str:
    """The extension of the file as the client named it; `.jpg` where it gave none."""
    name = upload.name if upload else ""
    stem, dot, extension = name.rpartition(".")
    return f".{extension.lower()}" if stem and dot and extension.isalnum() else ".jpg"


def _refused_facts(upload: Upload) -> dict[str, Any]:
    return {
        "position": upload.position,
        "name": upload.name,
        "source_url": upload.url,
        "reason": upload.reason,
    }


def _damage_facts(damage: Damage) -> dict[str, Any]:
    return {
        "id": str(damage.pk),
        "representative_id": str(damage.representative_id or damage.pk),
        "image_id": str(damage.image_id),
        "category": damage.category,
        "polygon": damage.polygon,
        "image_width": damage.image_width,
        "image_height": damage.image_height,
        "confidence": damage.confidence,
        "state": damage.state,
        "source": damage.source,
        "model_version": str(damage.model_version) if damage.model_version else None,
        "first_damage_id": str(damage.first_damage_id) if damage.first_damage_id else None,
    }
