"""Photos as received: sealed, looked at by global admins alone, and deleted when their tenant's retention is over.

With the retention of its tenant a whole set ends (`damages.services.retention`); what is deleted here is of sets that
have to stay for the time being, since somebody works on them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.files import File
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from assets.kinds import VIDEO_KINDS
from assets.models import Image, ImageSet, ImageSetState, RetentionKind, RetentionRecord, Upload
from assets.querysets import ImageSetQuerySet
from assets.services.cleanup import files_remove
from tenants.errors import Conflict, Forbidden, NotFound
from tenants.models import TenantSettings, User
from tenants.services.batches import batch_lock
from tenants.services.people import is_global_admin

log = structlog.get_logger(__name__)

LOOKED: Final = "Looked at the photo as received."
_SETS_AT_A_TIME: Final = 50
#: Sets whose received photos a model may be about to read.
_MOVING: Final = (ImageSetState.OPEN, ImageSetState.PROCESSING)


def received_open(*, image: Image, by: User) -> File[Any]:
    """The photo as it came, for a global admin; the look is in the admin's log before anything is seen.

    Forbidden for everybody else, Conflict once it was deleted, NotFound if the file is gone all the same.
    """
    if not is_global_admin(by):
        raise Forbidden("Photos as received are for global admins only.")
    if image.received_deleted_at:
        raise Conflict(f"The photo as received was deleted on {image.received_deleted_at:%Y-%m-%d}.")
    LogEntry.objects.log_actions(
        user_id=by.pk, queryset=[image], action_flag=CHANGE, change_message=LOOKED, single_object=True
    )
    try:
        return image.received.open("rb")
    except (FileNotFoundError, ValueError) as error:
        raise NotFound("The photo as received is not in storage.") from error


def received_expire(*, now: datetime, dry_run: bool = False) -> int:
    """Delete photos as received whose tenant's retention is over and of which a blurred picture is published.

    Only where an earlier clean-up has told of this retention already. The videos that such photos are frames of go with
    the last of them. Each batch leaves a RetentionRecord. Returns how many photos it was, or with `dry_run` would be.
    """
    return sum(_expire(settings, now, dry_run=dry_run) for settings in retentions_known())


def received_tell(*, now: datetime, dry_run: bool = False) -> int:
    """Tell, for each tenant whose retention has changed, what the next clean-up will delete; how many sets in all."""
    total = 0
    for settings in _with_told().exclude(expiry_after_days=F("told")):
        count = image_sets_due(settings, now).count()
        total += count
        if not dry_run:
            photos = _due_images(settings, now).count()
            retention_record(settings, RetentionKind.TOLD, photos=photos, image_sets=count)
    return total


def retentions_known() -> QuerySet[TenantSettings]:
    """Settings with a retention that an earlier clean-up has told of."""
    return _with_told().filter(expiry_after_days__gt=0, expiry_after_days=F("told"))


def image_sets_due(settings: TenantSettings, now: datetime) -> ImageSetQuerySet:
    """The tenant's sets at rest, removed ones too, whose retention is over; never one under dispute."""
    rows = ImageSet.objects.of(settings.tenant_id)
    before = now - timedelta(days=settings.expiry_after_days)
    due = rows.filter(created_at__lt=before, under_dispute=False).exclude(state__in=_MOVING)
    return due if settings.expiry_after_days else rows.none()


def retention_record(
    settings: TenantSettings,
    kind: RetentionKind,
    *,
    photos: int,
    image_sets: int,
    erased: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Leave a record of what a clean-up deleted or told; `erased` is what is left of each set."""
    RetentionRecord(
        tenant=settings.tenant, kind=kind, days=settings.expiry_after_days, photos=photos, image_sets=image_sets,
        erased=list(erased),
    ).save()  # fmt: skip
    log.info(
        "retention.followed",
        kind=str(kind),
        tenant=str(settings.tenant_id),
        days=settings.expiry_after_days,
        photos=photos,
        image_sets=image_sets,
    )


def _with_told() -> QuerySet[TenantSettings]:
    """Settings with the retention that the last clean-up has told of (0 if none has).

    What was told when a retention ended for photos as received alone does not count.
    """
    told = RetentionRecord.objects.all_tenants("the clean-up keeps every tenant's retention")
    whole = told.filter(tenant=OuterRef("tenant"), kind=RetentionKind.TOLD, image_sets__isnull=False)
    last = whole.order_by("-created_at").values("days")[:1]
    return TenantSettings.objects.annotate(told=Coalesce(Subquery(last), 0)).select_related("tenant")


def _due_images(settings: TenantSettings, now: datetime) -> QuerySet[Image]:
    """Blurred photos, in sets at rest, whose retention is over."""
    images = Image.objects.of(settings.tenant_id).exclude(published="")
    return images.filter(
        faces_blurred_at__isnull=False,
        received_deleted_at__isnull=True,
        image_set__in=image_sets_due(settings, now).values("pk"),
    )


def _expire(settings: TenantSettings, now: datetime, *, dry_run: bool) -> int:
    due = _due_images(settings, now)
    if dry_run:
        return due.count()
    sets = ImageSet.objects.of(settings.tenant_id).exclude(state__in=_MOVING)
    rows = sets.filter(Exists(due.filter(image_set=OuterRef("pk"))))
    total = 0
    while count := _expire_some(settings, rows, due, now):
        total += count
    return total


def _expire_some(settings: TenantSettings, rows: QuerySet[ImageSet], due: QuerySet[Image], now: datetime) -> int:
    """Rows first, under the lock that a run of the set takes as well.

    Should the process die before the files are gone, no row names them and the clean-up of orphans removes them.
    """
    with transaction.atomic():
        sets = batch_lock(rows, size=_SETS_AT_A_TIME)
        photos = due.filter(image_set__in=sets).values_list("received", flat=True)
        count, keys = len(photos), set(filter(None, photos))
        if not count:
            return 0
        _forget(settings.tenant_id, sets, keys, now)
        keys |= _forget_videos(settings.tenant_id, sets)
        retention_record(settings, RetentionKind.DELETED, photos=count, image_sets=0)
    files_remove(sorted(keys))
    return count


def _forget(tenant_id: UUID, sets: Collection[UUID], keys: Collection[str], now: datetime) -> None:
    """Take these files from every row that names them: a photo sent twice is one file."""
    images = Image.objects.of(tenant_id).filter(image_set__in=sets, received__in=keys)
    images.update(received="", received_deleted_at=now, modified_at=now)
    Upload.objects.of(tenant_id).filter(image_set__in=sets, file__in=keys).update(file="", modified_at=now)


def _forget_videos(tenant_id: UUID, sets: Collection[UUID]) -> set[str]:
    """Take from their rows the videos of which no frame is left as received; returns their keys."""
    frames = Image.objects.of(tenant_id).filter(upload=OuterRef("pk"))
    videos = Upload.objects.of(tenant_id).filter(~Q(file=""), image_set__in=sets, kind__in=VIDEO_KINDS)
    gone = videos.filter(Exists(frames), ~Exists(frames.filter(received_deleted_at__isnull=True)))
    found = dict(gone.values_list("pk", "file"))
    Upload.objects.of(tenant_id).filter(pk__in=found).update(file="")
    return set(found.values())
