"""The end of a retention: image sets erased for good, with files, damages, results and what was told of them.

It is here since only here is known all that hangs on a set. What stays is the RetentionRecord of each batch.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from assets.models import ImageSet, Passage, Recording, RetentionKind, Submission
from assets.querysets import ImageSetQuerySet
from assets.services.cleanup import files_of_sets, files_remove
from assets.services.received import image_sets_due, retention_record, retentions_known
from assets.services.visits import visits_pair
from damages.models import Damage, ManualProcessing, ResultVersion
from damages.services.deletions import damages_settle
from damages.services.matching import cars_lock
from damages.services.results import CHANGED_EVENT
from tenants.models import Delivery, Event, TenantSettings
from tenants.services.batches import batch_lock

_SETS_AT_A_TIME: Final = 50


def image_sets_erase(*, now: datetime, dry_run: bool = False) -> int:
    """Erase sets whose tenant's retention is over, removed ones too; how many, or with `dry_run` how many would be.

    Only where an earlier clean-up has told of this retention. Sets in the pipeline, under dispute, or held by somebody
    stay for now. Lines of damages that began in such a set begin with the next earliest, and what was published of the
    sets concerned is told to be outdated.
    """
    return sum(_erase(settings, now, dry_run=dry_run) for settings in retentions_known())


def _erase(settings: TenantSettings, now: datetime, *, dry_run: bool) -> int:
    held = ManualProcessing.objects.of(settings.tenant_id).filter(
        image_set=OuterRef("pk"), holder__isnull=False, locked_until__gt=now
    )
    rows = image_sets_due(settings, now).filter(~Exists(held))
    if dry_run:
        return rows.count()
    total = 0
    last = UUID(int=0)
    while wanted := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_SETS_AT_A_TIME]):
        # Those that somebody else has locked just now are left to the next clean-up.
        total += _erase_some(settings, rows.filter(pk__in=wanted), now)
        last = wanted[-1]
    return total


def _erase_some(settings: TenantSettings, rows: ImageSetQuerySet, now: datetime) -> int:
    """Rows first: should the process die before the files are gone, the clean-up of orphans removes them."""
    with transaction.atomic():
        damages = Damage.objects.of(settings.tenant_id).filter(image_set__in=rows).order_by()
        cars = set(damages.values_list("car", flat=True)) | set(rows.values_list("car", flat=True))
        cars_lock(cars)
        keys = batch_lock(rows, size=_SETS_AT_A_TIME)
        if not keys:
            return 0
        _let_go(settings.tenant_id, keys, now)
        files = {*files_of_sets(keys), *_files_of_passages(settings.tenant_id, keys)}
        sets = ImageSet.objects.of(settings.tenant_id).filter(pk__in=keys)
        erased = [
            {"id": str(pk), "recorded_at": moment.isoformat()} for pk, moment in sets.values_list("pk", "recorded_at")
        ]
        photos = sum(1 for key in files if key.startswith("received/"))
        _delete(settings.tenant_id, keys)
        retention_record(settings, RetentionKind.DELETED, photos=photos, image_sets=len(keys), erased=erased)
    files_remove(sorted(files))
    return len(keys)


def _let_go(tenant_id: UUID, keys: Collection[UUID], now: datetime) -> None:
    """Let lines of damages and pairs of visits go on without these sets."""
    sets = ImageSet.objects.of(tenant_id).filter(pk__in=keys)
    sets.filter(deleted_at__isnull=True).update(deleted_at=now)
    damages = set(Damage.objects.of(tenant_id).filter(image_set__in=keys).values_list("pk", flat=True))
    if damages:
        damages_settle(ids=damages, user=None)
    for image_set in sets.filter(capture_set__isnull=False):
        visits_pair(image_set=image_set)


def _files_of_passages(tenant_id: UUID, keys: Collection[UUID]) -> list[str]:
    recordings = Recording.objects.all_tenants("the recordings of passages that end with their sets")
    files = recordings.filter(passage__in=_passages(tenant_id, keys)).values_list("file", flat=True)
    return [key for key in files if key]


def _passages(tenant_id: UUID, keys: Collection[UUID]) -> Any:
    """Passages of which no other set tells."""
    others = ImageSet.objects.of(tenant_id).filter(passage=OuterRef("pk")).exclude(pk__in=keys)
    return Passage.objects.of(tenant_id).filter(~Exists(others), image_sets__in=keys).values("pk")


def _delete(tenant_id: UUID, keys: Collection[UUID]) -> None:
    """Delete the sets with all that hangs on them, what was sent and told of them, and their passages."""
    sets = ImageSet.objects.of(tenant_id).filter(pk__in=keys)
    results = ResultVersion.objects.of(tenant_id).filter(image_set__in=keys)
    subjects = [*keys, *results.values_list("pk", flat=True)]
    submissions = list(sets.exclude(submission=None).values_list("submission", flat=True))
    passages = list(_passages(tenant_id, keys).values_list("pk", flat=True))
    # News of damages names the first of several sets: what is not told yet may concern others.
    waiting = Q(kind=CHANGED_EVENT, handled_at__isnull=True)
    events = Event.objects.of(tenant_id).filter(~waiting, subject_id__in=subjects)
    Delivery.objects.of(tenant_id).filter(event__in=events).delete()
    events.delete()
    sets.order_by().delete()
    Submission.objects.of(tenant_id).filter(pk__in=submissions).delete()
    Passage.objects.of(tenant_id).filter(pk__in=passages).delete()
