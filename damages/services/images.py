"""Single photos that people remove and restore, with the damages on them.

Locks are taken in the order of `damages.services.image_sets`: cars, then the manual job, then the set, then damages.
"""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone

from assets.models import Image, ImageSet, ImageSetState
from assets.querysets import ImageQuerySet
from assets.services.image_sets import image_set_lock
from assets.services.inspections import inspection_log
from damages.models import Action, Damage
from damages.querysets import DamageQuerySet
from damages.services.deletions import damages_follow
from damages.services.manual import edits_begin
from damages.services.matching import cars_lock
from damages.services.results import changes_tell
from tenants.errors import Conflict, NotFound
from tenants.models import User
from tenants.scope import Reach

_WHY: Final = "a photo that was reached already"


@transaction.atomic
def image_delete(*, image: Image, by: User) -> Image:
    """Remove a photo and the damages on it (softly; `image_restore` brings both back).

    A line of damages whose first occurrence was on it begins with the next earliest, and what was published of the set
    is outdated. Raises NotFound for a photo that is gone already; Conflict while somebody else works on the set, after
    its review, in the pipeline and under dispute.
    """
    image_set = _begin(image, by=by)
    row = _images().visible().select_for_update(of=("self",)).filter(pk=image.pk).first()
    if row is None:
        raise NotFound("Image not found.")
    row.deleted_at, row.deleted_by = timezone.now(), by
    row.save(update_fields=["deleted_at", "deleted_by", "modified_at"])
    damages_follow(holder=row, damages=_damages(row).filter(deleted_at__isnull=True), by=by, action=Action.DELETED)
    _tell(image_set, by=by, message=f"The photo {row.pk} ({row}) was removed.")
    return row


@transaction.atomic
def image_restore(*, image: Image, by: User) -> Image:
    """Bring a removed photo back, with the damages that went with it; those removed before stay removed.

    Raises NotFound for a photo that is not removed (any more); Conflict as `image_delete` does, and if the same photo
    was uploaded to the set again.
    """
    image_set = _begin(image, by=by)
    row = _images().select_for_update(of=("self",)).filter(pk=image.pk, deleted_at__isnull=False).first()
    if row is None:
        raise NotFound("Image not found.")
    if _images().visible().filter(image_set=image_set, sha256=row.sha256).exists():
        raise Conflict("The same photo is in the set again.")
    gone_with_it = _damages(row).filter(deleted_at=row.deleted_at)
    row.deleted_at = row.deleted_by = None
    row.save(update_fields=["deleted_at", "deleted_by", "modified_at"])
    damages_follow(holder=row, damages=gone_with_it, by=by, action=Action.RESTORED)
    _tell(image_set, by=by, message=f"The photo {row.pk} ({row}) was restored.")
    return row


def _begin(image: Image, *, by: User) -> ImageSet:
    """Lock what a change of the photo's damages concerns, and ask whether it may be made now."""
    cars_lock(_damages(image).order_by().values_list("car", flat=True).distinct())
    for reason in edits_begin(user=by, image_set_ids=[image.image_set_id], reach=Reach.every()).values():
        raise Conflict(reason)
    row = image_set_lock(image.image_set)
    if row.deleted_at is not None:
        raise NotFound("Image not found.")
    if row.under_dispute:
        raise Conflict("The image set is under dispute.")
    if row.state == ImageSetState.PROCESSING:
        raise Conflict("The image set is in the pipeline; try again when it has finished.")
    return row


def _tell(image_set: ImageSet, *, by: User, message: str) -> None:
    inspection_log(image_set, by=by, message=message)
    if image_set.tenant_id is not None:
        changes_tell([image_set.pk], tenant_ids=[image_set.tenant_id])


def _damages(image: Image) -> DamageQuerySet:
    return Damage.objects.all_tenants(_WHY).filter(image=image)


def _images() -> ImageQuerySet:
    return Image.objects.all_tenants(_WHY)
