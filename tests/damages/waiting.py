"""Sets that wait for people, and what tests of manual steps look at."""

from __future__ import annotations

import itertools
from datetime import timedelta

from django.utils import timezone

from assets.models import ImageSet
from damages.models import ManualProcessing, ManualStatus, Step
from damages.services.manual import manual_job_claim_next
from tenants.models import Tenant, User
from tenants.services.people import reach_of
from tests import factories

S = ManualStatus
_ages = itertools.count(1)


def waiting(
    tenant: Tenant, *, status: ManualStatus = S.ANNOTATION_WAITING, review: bool = True, **extra: object
) -> ImageSet:
    """A set that waits for a step, one second younger than the one made before it."""
    image_set = factories.image_set(tenant)
    values: dict[str, object] = {
        "waiting_since": timezone.now() - timedelta(days=1) + timedelta(seconds=next(_ages)),
        "annotation_enabled": True,
        "review_enabled": review,
    }
    ManualProcessing(image_set=image_set, tenant=tenant, status=status, **(values | extra)).save()
    return image_set


def job_of(image_set: ImageSet) -> ManualProcessing:
    return ManualProcessing.objects.of(image_set.tenant_id or image_set.pk).get(image_set=image_set)


def claim(user: User, step: Step = Step.ANNOTATION) -> ImageSet | None:
    job = manual_job_claim_next(user=user, step=step, reach=reach_of(user))
    return job.image_set if job else None


def forget_lock(image_set: ImageSet) -> None:
    """Let the set's lock be over."""
    rows = ManualProcessing.objects.of(image_set.tenant_id or image_set.pk).filter(image_set=image_set)
    assert rows.update(locked_until=timezone.now() - timedelta(seconds=1)) == 1
