"""Image sets: into the pipeline, and out of it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from assets.catalogue import MASKABLE_JOBS
from assets.models import ImageSet, ImageSetState, ImageState, UploadState
from assets.privacy import blur_rule
from assets.states import states_before
from tenants.errors import Conflict, NotFound


def image_set_process(*, image_set: ImageSet) -> ImageSet:
    """Mark a set as being in the pipeline; Conflict if it already is, is deleted, or lost its received photos."""
    with transaction.atomic():
        # The clean-up that deletes received photos locks the set as well: one of both comes first.
        ImageSet.objects.all_tenants("a run locks its set").select_for_update().filter(pk=image_set.pk).first()
        _received_check(image_set)
        return _move(image_set, ImageSetState.PROCESSING, reason="", finished=False)


def image_set_lock(image_set: ImageSet) -> ImageSet:
    """The set's row as it is now, locked until the transaction ends; NotFound if it is erased."""
    rows = ImageSet.objects.all_tenants("a set that was reached already").select_for_update(of=("self",))
    row = rows.filter(pk=image_set.pk).first()
    if row is None:
        raise NotFound("Image set not found.")
    return row


def image_set_conclude(*, image_set: ImageSet, failure: str = "") -> ImageSet:
    """Mark a set as failed, rejected (nothing of it can be used) or ready; Conflict if it is not in the pipeline."""
    if failure:
        return _move(image_set, ImageSetState.FAILED, reason=failure)
    reason = _rejection(image_set)
    return _move(image_set, ImageSetState.REJECTED if reason else ImageSetState.READY, reason=reason)


def jobs_off(image_set: ImageSet) -> dict[str, str]:
    """The jobs that are switched off for a set, with the reason: by its rig, by its tenant, or for want of input."""
    off = dict.fromkeys(image_set.pipeline_mask, "Switched off for this image set.")
    rig = image_set.capture_set
    off |= dict.fromkeys(rig.pipeline_mask if rig else [], "Switched off for the capture set.")
    if image_set.tenant and not image_set.tenant.settings.damage_detection_enabled:
        off |= dict.fromkeys(MASKABLE_JOBS, "Damage detection is switched off for the tenant.")
    if "damage_detection" in off:
        off.setdefault("damage_identification", "Damage detection is switched off.")
    if not blur_rule(image_set).is_on and not _is_withheld(image_set):
        off["face_blur"] = "Face blur is off for all cameras."
    if not image_set.uploads.filter(state=UploadState.WAITING).exists():
        off["fetch"] = "No file has to be fetched."
    return off


def _is_withheld(image_set: ImageSet) -> bool:
    """Whether photos wait for their blurred picture, though the set may have got a tenant with other settings since."""
    waiting = image_set.images.filter(deleted_at__isnull=True, state=ImageState.USABLE, published="")
    return waiting.exists()


def _received_check(image_set: ImageSet) -> None:
    """Refuse to run what the models cannot see any more."""
    gone = image_set.images.filter(deleted_at__isnull=True, received_deleted_at__isnull=False)
    first = gone.order_by("received_deleted_at").values_list("received_deleted_at", flat=True).first()
    if first:
        raise Conflict(f"The received photos were deleted on {first:%Y-%m-%d}, so the set cannot be run again.")


def _rejection(image_set: ImageSet) -> str:
    """Why nothing of the set can be used; empty if something can. The words are ours: the vendor's are not public."""
    images = list(image_set.images.filter(deleted_at__isnull=True))
    if any(image.state == ImageState.USABLE for image in images):
        return ""
    if not images:
        return "Corrupt media: none of the files could be fetched or read."
    if any(image.published for image in images):
        return "Poor image quality: nothing can be seen on any of the photos."
    return "Corrupt media: none of the photos could be decoded."


def _move(image_set: ImageSet, state: ImageSetState, *, reason: str, finished: bool = True) -> ImageSet:
    """One step of the state table as a conditional UPDATE, so that of two at once one is refused."""
    now = timezone.now()
    rows = ImageSet.objects.all_tenants("moving a set that was reached already").visible()
    moved = rows.filter(pk=image_set.pk, state__in=states_before(state)).update(
        state=state, reason=reason, finished_at=now if finished else None, modified_at=now
    )
    if not moved:
        raise Conflict(f"The image set cannot become {state.label} now.")
    image_set.refresh_from_db(fields=["state", "reason", "finished_at", "modified_at"])
    return image_set
