"""W32: the line in which reviewers wait for a review."""

from __future__ import annotations

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from damages.services.reviewers import reviewer_queue_join
from inspection_platform.api.core.docs import manual as docs
from inspection_platform.api.core.presenters import manual as present
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.common import maybe_uuid
from inspection_platform.api.core.serializers.reviewers import SPELLINGS, QueueBody
from inspection_platform.api.core.views.common import Concern, CoreView
from inspection_platform.api.idempotency import idempotent
from tenants.errors import Forbidden
from tenants.models import User

QUEUED: Final = "Reviewer successfully placed in the queue"


class ReviewersQueueView(CoreView):
    """W32."""

    operations = {"POST": "W32"}
    reviewer: User | None = None

    def find(self, request: Request, **_kwargs: Any) -> Concern:  # noqa: ARG002 - the base's signature
        """The reviewer who is named."""
        for name in SPELLINGS:
            self.reviewer = self.seen_person(maybe_uuid(self.body.get(name))) or self.reviewer
        return Concern()

    @docs.queue_join
    @idempotent
    def post(self, _request: Request) -> Response:
        """Let a reviewer stand in the line."""
        reviewer = self.reviewer or self.user
        if reviewer.pk != self.user.pk and not self.actor.is_global_admin:
            raise Forbidden("Reviewers place nobody but themselves.")
        self.validated(QueueBody)
        entry = reviewer_queue_join(user=reviewer, tenant=self.actor.tenant)
        return Response(success(present.queue_place(entry), message=QUEUED))
