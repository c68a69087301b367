"""Reference of people's work on image sets."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from inspection_platform.api.core.docs.common import answer, refusals
from inspection_platform.api.core.operations import callers_text
from inspection_platform.api.core.serializers.annotators import StatisticsFound, StatisticsQuery
from inspection_platform.api.core.serializers.image_sets import ImageSetChanged
from inspection_platform.api.core.serializers.manual import (
    CountQuery,
    ImageSetsCounted,
    ManualProcessBody,
    ManualStatusBody,
)
from inspection_platform.api.core.serializers.reviewers import QueueBody, QueueJoined

TAG: Final = "core: manual work"
_ID: Final = "12345678-abcd-abcd-abcd-123456789012"
_REVIEWER: Final = "047040ea-c47a-4866-8390-53451374057d"
_PATH: Final = [OpenApiParameter("image_set_id", OpenApiTypes.UUID, OpenApiParameter.PATH)]
_STEP: Final = {"manualProcess": "ANNOTATION"}


def _body(example: dict[str, Any]) -> list[OpenApiExample]:
    return [OpenApiExample("Body", example, request_only=True)]


def _changed() -> OpenApiResponse:
    return answer(ImageSetChanged, "Its id.", {"success": True, "data": {"id": _ID}})


statistics = extend_schema(
    operation_id="core_annotators_statistics",
    tags=[TAG],
    summary="Count the jobs that people did",
    description=(
        "Of the tenant worked in; of all tenants for global admins. With neither date the last 90 days are looked at, "
        "with one of them 90 days from `startDate` or up to `endDate`; both seconds count. Stray jobs were done by "
        "somebody who has been deleted or has left the group since (ours); they are in no person's figures. An image "
        "set that was done again counts each time, for whoever finished it that time (ours). "
        f"{callers_text('W31')}"
    ),
    parameters=[StatisticsQuery],
    responses={
        200: answer(
            StatisticsFound,
            "The statistics.",
            {
                "success": True,
                "data": {
                    "numberOfStrayAnnotatedJobs": 0,
                    "numberOfStrayReviewedJobs": 0,
                    "result": {
                        "538ef6c9-d7f4-4646-821e-6b66809f4156": {"annotated": 1, "reviewed": 0},
                        "ac821ae7-c4c5-46cb-bc7a-50ceaee1a43d": {"annotated": 0, "reviewed": 1},
                        "afe8e2e1-49c4-46db-a4fa-25d1c902f566": {"annotated": 7, "reviewed": 2},
                    },
                },
                "message": "statistics about annotator jobs fetched successfully",
            },
        ),
        **refusals(400, 401, 403),
    },
)

queue_join = extend_schema(
    operation_id="core_reviewers_queue",
    tags=[TAG],
    summary="Stand in line for a review",
    description=(
        "For when no review is free. The line is that of the tenant worked in; global admins who work in none wait for "
        "the reviews of every tenant (ours). Reviewers are served in the order of their queue time: the next review of "
        "the tenant that becomes free is locked for them, they leave the line, and `GET "
        "/imageSets?forManualReview=true` in that tenant returns it (ours). Whoever stands in the line already keeps "
        "their place; who asks in another tenant leaves the first one's line for the end of the other's (ours). If a "
        "review is free at this moment, it is given out at once; 409 for a reviewer who has one there (both ours). "
        "Reviewers place themselves, global admins others too; a reviewer who is no member of the tenant worked in "
        "then waits for the reviews of all of their own (ours). Without an id it is the asker (ours). "
        f"{callers_text('W32')}"
    ),
    request=QueueBody,
    responses={
        200: answer(
            QueueJoined,
            "The place in the line.",
            {
                "success": True,
                "data": {"queueTime": 1672234058, "reviewerId": _REVIEWER},
                "message": "Reviewer successfully placed in the queue",
            },
        ),
        **refusals(400, 401, 403, 404, 409),
    },
    examples=_body({"reviewerId": _REVIEWER}),
)

image_sets_count = extend_schema(
    operation_id="core_image_sets_count",
    tags=[TAG],
    summary="Count the jobs that wait",
    description=(
        "Of the tenant worked in, in annotation, in review, or both: at least one has to be asked for. The counts are "
        "beside `success`, not in `data`, and only those that were asked for. A lock whose time is over counts as none "
        f"(ours). {callers_text('W57')}"
    ),
    parameters=[CountQuery],
    responses={
        200: answer(
            ImageSetsCounted,
            "The counts.",
            {
                "success": True,
                "forManualAnnotation": {"isLockedByCurrentUser": False, "locked": 0, "unlocked": 11},
                "forManualReview": {"isLockedByCurrentUser": True, "locked": 1, "unlocked": 5},
                "message": "Image sets counted successfully",
            },
        ),
        **refusals(400, 401, 403),
    },
)

image_set_lock = extend_schema(
    operation_id="core_image_sets_lock",
    tags=[TAG],
    summary="Lock an image set for annotation or review",
    description=(
        "For this one in place of the next. The lock lasts 30 minutes unless the installation says otherwise; locking "
        "again, and each change of the set's damages, lets it begin anew (ours). ANNOTATION is for annotators, REVIEW "
        "for reviewers. 409 while somebody else holds the set, and if it does not wait for this step; 404 for a set "
        f"that never had manual steps (ours). {callers_text('W62')}"
    ),
    parameters=_PATH,
    request=ManualProcessBody,
    responses={200: _changed(), **refusals(400, 401, 403, 404, 409)},
    examples=_body(_STEP),
)

image_set_unlock = extend_schema(
    operation_id="core_image_sets_unlock",
    tags=[TAG],
    summary="Put an image set back where it waited",
    description=(
        "One that nobody holds stays free. 409 while somebody else holds it, and if it does not wait for this step "
        f"(ours). A review goes to the first reviewer in the line. {callers_text('W64')}"
    ),
    parameters=_PATH,
    request=ManualProcessBody,
    responses={200: _changed(), **refusals(400, 401, 403, 404, 409)},
    examples=_body(_STEP),
)

image_set_status = extend_schema(
    operation_id="core_image_sets_status",
    tags=[TAG],
    summary="Finish, skip or reopen the manual work on an image set",
    description=(
        "The vendor gives no meanings; ours are these. `status` 2 ends the annotation that the asker holds: the set "
        "waits for its review then (3), if one is wanted. 4 ends the review; every proposal has to be decided. 5, or "
        "`isSkipped: true`, skips the step that the asker holds; `status` 2 or 4 beside it names that step. 1 and 3 "
        "let a finished or skipped set wait for annotation or review again, and 3 also hands on a set that the asker "
        "annotates. `isSkipped: false` alone lets a skipped set wait for the step in which it was skipped. Annotation "
        "is for annotators, review for reviewers. 409 for every other change, 0 included, and while somebody else "
        f"holds the set. {callers_text('W63')}"
    ),
    parameters=_PATH,
    request=ManualStatusBody,
    responses={200: _changed(), **refusals(400, 401, 403, 404, 409)},
    examples=_body({"isSkipped": True, "status": 2}),
)
