"""Image sets that people have to do with, for the tests of the manual queue."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from assets.models import ImageSet
from damages.models import ManualProcessing, ManualStatus
from tenants.models import Tenant
from tests import factories

SETS = "/core/v1/imageSets"
_ages = itertools.count(1)


def job(tenant: Tenant, status: ManualStatus = ManualStatus.ANNOTATION_WAITING, **extra: Any) -> ImageSet:
    """A set of the tenant at this status, a second younger than the one made before it; `extra` is of its job.

    `image_set_id` in `extra` is the set's id.
    """
    identity = {"id": extra.pop("image_set_id")} if "image_set_id" in extra else {}
    image_set = factories.image_set(tenant, photos=0, **identity)
    values = {
        "waiting_since": timezone.now() - timedelta(days=1) + timedelta(seconds=next(_ages)),
        "annotation_enabled": True,
        "review_enabled": True,
    }
    ManualProcessing(image_set=image_set, tenant=tenant, status=status, **(values | extra)).save()
    return image_set


def job_of(image_set_id: UUID | str) -> ManualProcessing:
    """The job of a set as it is now."""
    return ManualProcessing.objects.all_tenants("a test looks at its row").get(image_set=UUID(str(image_set_id)))


def lock_over(image_set: ImageSet) -> None:
    """Let the lock on a set be over."""
    rows = ManualProcessing.objects.all_tenants("a test lets time pass").filter(image_set=image_set)
    assert rows.update(locked_until=timezone.now() - timedelta(seconds=1)) == 1
