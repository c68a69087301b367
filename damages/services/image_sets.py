"""Image sets that people remove and restore, with everything that follows for damages and for people's work.

They are services of `damages`, since only here is known what goes with a set. Locks are taken in the order of
`damages.services.matching`: cars, then the manual job, then the set, then damages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from assets.models import ImageSet, ImageSetState
from assets.plates import Plate
from assets.querysets import ImageSetQuerySet
from assets.services.image_sets import image_set_conclude
from assets.services.inspections import entered_link, entered_waiting, image_set_describe, inspection_log
from assets.services.visits import visits_pair
from damages.models import Action, Damage, ManualProcessing
from damages.querysets import DamageQuerySet, ManualQuerySet
from damages.services.deletions import damages_follow
from damages.services.locks import is_taken, release
from damages.services.matching import cars_lock
from damages.services.reviewers import reviewers_serve
from damages.services.routing import damages_car_note
from imaging.models import RunState
from imaging.services.runs import run_fail
from tenants.errors import Conflict, NotFound
from tenants.models import User

REMOVED: Final = "The image set was removed."
RESTORED: Final = "The image set was restored."
_WHY: Final = "what hangs on a set that was reached already"


@transaction.atomic
def image_set_delete(*, image_set: ImageSet, by: User) -> ImageSet:
    """Remove a set and its damages (softly; `image_set_restore` brings both back).

    What the models were doing with it ends as failed, and whoever removes it lets go of it. A line of damages whose
    first occurrence was in this set begins with the next earliest. Raises NotFound for a set that is gone already, and
    Conflict while somebody else works on it, or while it is under dispute.
    """
    job = _locked(image_set)
    row = _sets().visible().select_for_update(of=("self",)).filter(pk=image_set.pk).first()
    if row is None:
        raise NotFound("Image set not found.")
    if row.under_dispute:
        raise Conflict("The image set is under dispute.")
    if job is not None and job.holder_id not in (None, by.pk) and is_taken(job, now=timezone.now()):
        raise Conflict("Somebody else is working on this set.")
    if job is not None and job.holder_id is not None:
        release(job)
    _stop(row)
    row.deleted_at, row.deleted_by = timezone.now(), by
    row.save(update_fields=["deleted_at", "deleted_by", "modified_at"])
    _follow(row, _damages(row).filter(deleted_at__isnull=True), by=by, action=Action.DELETED)
    inspection_log(row, by=by, message=REMOVED)
    return row


@transaction.atomic
def image_set_restore(*, image_set: ImageSet, by: User) -> ImageSet:
    """Bring a removed set back, with the damages that went with it; those removed before stay removed.

    Damages that began a line before do so again, and manual work waits where it waited. Raises NotFound for a set that
    is not removed (any more).
    """
    job = _locked(image_set)
    row = _sets().select_for_update(of=("self",)).filter(pk=image_set.pk, deleted_at__isnull=False).first()
    if row is None:
        raise NotFound("Image set not found.")
    gone_with_it = _damages(row).filter(deleted_at=row.deleted_at)
    row.deleted_at = row.deleted_by = None
    row.save(update_fields=["deleted_at", "deleted_by", "modified_at"])
    _follow(row, gone_with_it, by=by, action=Action.RESTORED)
    if job is not None:
        reviewers_serve(job=job)
    inspection_log(row, by=by, message=RESTORED)
    return row


@transaction.atomic
def image_set_say(
    *, image_set: ImageSet, car_info: Mapping[str, Any], plate: Plate | None = None, partner_state: str | None = None
) -> ImageSet:
    """`image_set_describe`, and the set's damages follow it to its car."""
    row = image_set_describe(image_set=image_set, car_info=car_info, plate=plate, partner_state=partner_state)
    if plate is not None:
        damages_car_note(image_set=row)
    return row


def entered_join(*, plates: Iterable[Plate]) -> None:
    """Cars with these plates were registered: sets that their tenants had entered before, and damages, are theirs."""
    for image_set_id in list(entered_waiting(plates=plates)):
        with transaction.atomic():
            row = entered_link(image_set_id=image_set_id)
            if row is not None:
                damages_car_note(image_set=row)


def _locked(image_set: ImageSet) -> ManualProcessing | None:
    """Lock the cars whose damages may change their lines, then the set's job, which is returned."""
    cars = set(_damages(image_set).order_by().values_list("car", flat=True).distinct())
    cars_lock({*cars, image_set.car_id})
    return _jobs().filter(image_set=image_set).select_for_update(of=("self",)).first()


def _stop(row: ImageSet) -> None:
    """End what the models are doing with the set: a job under way finds its run ended and stops."""
    if row.state != ImageSetState.PROCESSING:
        return
    for run in row.runs.filter(state=RunState.RUNNING):
        run_fail(run=run, reason=REMOVED)
    image_set_conclude(image_set=row, failure="It was removed while it was in the pipeline.")


def _follow(row: ImageSet, damages: DamageQuerySet, *, by: User, action: Action) -> None:
    """Let these damages go or come back with their set, and its visit find its pair anew."""
    damages_follow(holder=row, damages=damages, by=by, action=action)
    visits_pair(image_set=row)


def _damages(image_set: ImageSet) -> DamageQuerySet:
    return Damage.objects.all_tenants(_WHY).filter(image_set=image_set)


def _sets() -> ImageSetQuerySet:
    return ImageSet.objects.all_tenants(_WHY)


def _jobs() -> ManualQuerySet:
    return ManualProcessing.objects.all_tenants(_WHY)
