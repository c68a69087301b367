"""Clean-up of image sets that nobody submitted. It is here since only here is known what would be lost with a set."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from assets.models import ImageSet, ImageSetState
from assets.services.cleanup import files_of_sets, files_remove
from tenants.services.batches import batch_lock

_SETS_AT_A_TIME: Final = 50


def image_sets_prune(*, before: datetime, dry_run: bool = False) -> int:
    """Delete sets that were opened before this moment and never submitted, with their files; how many there were.

    One with a run, a damage, a result or manual work is never touched, whatever its state says.
    """
    rows = _abandoned(before)
    if dry_run:
        return rows.count()
    total = 0
    while count := _prune_some(rows):
        total += count
    return total


def _abandoned(before: datetime) -> QuerySet[ImageSet]:
    rows = ImageSet.objects.all_tenants("the clean-up looks after every tenant's sets")
    return rows.filter(
        state=ImageSetState.OPEN, under_dispute=False, submitted_at__isnull=True,
        created_at__lt=before, runs__isnull=True,
        damages__isnull=True, pictogram_damages__isnull=True, results__isnull=True, manual_processing__isnull=True,
    )  # fmt: skip


def _prune_some(rows: QuerySet[ImageSet]) -> int:
    """Rows first: should the process die before the files are gone, no row names them and the next clean-up does it."""
    with transaction.atomic():
        keys = batch_lock(rows, size=_SETS_AT_A_TIME)
        files = files_of_sets(keys)
        rows.filter(pk__in=keys).order_by().delete()
    files_remove(files)
    return len(keys)
