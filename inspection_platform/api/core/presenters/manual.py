"""People's work on image sets, as clients see it."""

from __future__ import annotations

from typing import Any

from damages.models import ReviewerQueueEntry, Step
from damages.services.statistics import Done, Waiting
from inspection_platform.api.core.presenters.common import seconds


def statistics(done: Done) -> dict[str, Any]:
    """Who did how much; people in the order of their ids."""
    return {
        "numberOfStrayAnnotatedJobs": done.stray[Step.ANNOTATION],
        "numberOfStrayReviewedJobs": done.stray[Step.REVIEW],
        "result": {
            str(person): {"annotated": counts[Step.ANNOTATION], "reviewed": counts[Step.REVIEW]}
            for person, counts in sorted(done.by_person.items())
        },
    }


def queue_place(entry: ReviewerQueueEntry) -> dict[str, Any]:
    """A reviewer's place in the line."""
    return {"queueTime": seconds(entry.queued_at), "reviewerId": str(entry.reviewer_id)}


def waiting(counts: Waiting) -> dict[str, Any]:
    """The jobs of a step."""
    return {
        "isLockedByCurrentUser": counts.is_locked_by_asker,
        "locked": counts.locked,
        "unlocked": counts.unlocked,
    }
