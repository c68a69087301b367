"""People's work on image sets: counts, locks, and how a job ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import ImageSet
from damages.models import Step
from damages.services.manual import manual_job_lock, manual_job_unlock
from damages.services.manual_status import manual_job_set_status
from damages.services.statistics import jobs_waiting
from inspection_platform import workflow
from inspection_platform.api.base import as_uuid
from inspection_platform.api.core.docs import manual as docs
from inspection_platform.api.core.presenters import manual as present
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.common import query_of
from inspection_platform.api.core.serializers.manual import CountQuery, ManualProcessBody, ManualStatusBody
from inspection_platform.api.core.views.common import Concern, CoreView
from inspection_platform.api.core.views.image_sets import SeenSetsView
from tenants.errors import NotFound
from tenants.scope import Reach

COUNTED: Final = "Image sets counted successfully"
_STEPS: Final[Mapping[str, Step]] = {"forManualAnnotation": Step.ANNOTATION, "forManualReview": Step.REVIEW}


class ImageSetsCountView(CoreView):
    """W57."""

    operations = {"GET": "W57"}

    @docs.image_sets_count
    def get(self, request: Request) -> Response:
        """Count the jobs of the tenant worked in."""
        query = query_of(CountQuery, request)
        reach = Reach.some([self.actor.tenant.pk] if self.actor.tenant else ())
        now = timezone.now()
        counts = {
            name: present.waiting(jobs_waiting(step=step, user=self.user, reach=reach, now=now))
            for name, step in _STEPS.items()
            if query[name]
        }
        return Response(success(**counts, message=COUNTED))


class ManualJobView(SeenSetsView):
    """What the views of one image set's job share: that it has one, and what they answer."""

    image_set: ImageSet

    def find(self, request: Request, **kwargs: Any) -> Concern:  # noqa: ARG002 - the base's signature
        """The set, if the asker sees it and it has a job."""
        seen = self.sets_seen({as_uuid(kwargs["image_set_id"], "Image set")})
        image_set = seen.filter(manual_processing__isnull=False).first()
        if image_set is None:
            raise NotFound("This set has no manual steps.")
        self.image_set = image_set
        return Concern()

    def answer(self) -> Response:
        """The id of the set."""
        return Response(success({"id": str(self.image_set.pk)}))


class ImageSetLockView(ManualJobView):
    """W62."""

    operations = {"POST": "W62"}

    @docs.image_set_lock
    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Lock the set for the asker."""
        step = Step(self.validated(ManualProcessBody)["manualProcess"])
        manual_job_lock(user=self.user, image_set=self.image_set, step=step)
        return self.answer()


class ImageSetUnlockView(ManualJobView):
    """W64."""

    operations = {"POST": "W64"}

    @docs.image_set_unlock
    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Put the set back where it waited."""
        step = Step(self.validated(ManualProcessBody)["manualProcess"])
        manual_job_unlock(user=self.user, image_set=self.image_set, step=step)
        return self.answer()


class ImageSetStatusView(ManualJobView):
    """W63."""

    operations = {"PATCH": "W63"}

    @docs.image_set_status
    def patch(self, _request: Request, **_kwargs: Any) -> Response:
        """Finish, skip or reopen."""
        values = self.validated(ManualStatusBody)
        with transaction.atomic():
            manual_job_set_status(
                user=self.user,
                image_set=self.image_set,
                status=values.get("status"),
                is_skipped=values.get("isSkipped"),
            )
            workflow.manual_finished(image_set=self.image_set)
        return self.answer()
