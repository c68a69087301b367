"""The daily clean-up: a table of what goes, and when. Each rule is a service of the app that owns the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone
from django_q.models import Task

from assets.services.cleanup import (
    incoming_leftovers_remove,
    published_orphans_remove,
    received_orphans_remove,
    submissions_prune,
)
from assets.services.received import received_expire, received_tell
from assets.services.recordings import recording_parts_remove, recordings_prune
from assets.services.staging import announced_orphans_remove
from damages.services.cleanup import image_sets_prune
from damages.services.retention import image_sets_erase
from imaging.services.model_files import model_copies_remove, model_orphans_remove
from tenants.services.batches import rows_delete
from tenants.services.cleanup import (
    auth_sessions_prune,
    idempotency_prune,
    invitations_prune,
    one_time_codes_prune,
)
from tenants.services.invitations import invitations_expire

log = structlog.get_logger(__name__)

#: A file younger than this may still get its row.
FILE_PATIENCE: Final = timedelta(days=1)
#: A version that was tried or rolled back so lately may be wanted again soon.
MODEL_PATIENCE: Final = timedelta(days=30)
#: How long the task queue's own record of failures is kept; the failures of jobs are in the job rows.
QUEUE_RECORD: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one step removed, or would remove; `failure` says why it could not be done."""

    what: str
    count: int = 0
    failure: str = ""


def _unused_since(now: datetime) -> datetime:
    return now - timedelta(days=settings.SESSION_DAYS)


def _django_sessions(now: datetime, dry_run: bool) -> int:  # noqa: FBT001 - a step of the table below
    return rows_delete(Session.objects.filter(expire_date__lt=now), dry_run=dry_run)


def _queue_records(now: datetime, dry_run: bool) -> int:  # noqa: FBT001 - as above
    return rows_delete(Task.objects.filter(stopped__lt=now - QUEUE_RECORD), dry_run=dry_run)


#: In order: a set that nobody submitted goes before the session it hangs on; a retention that has just changed is told
#: of after those that were told of before have been followed.
STEPS: Final[tuple[tuple[str, Callable[[datetime, bool], int]], ...]] = (
    ("image sets never submitted", lambda now, dry: image_sets_prune(before=_unused_since(now), dry_run=dry)),
    ("sessions never used", lambda now, dry: submissions_prune(before=_unused_since(now), dry_run=dry)),
    ("image sets past their retention", lambda now, dry: image_sets_erase(now=now, dry_run=dry)),
    ("photos as received past their retention", lambda now, dry: received_expire(now=now, dry_run=dry)),
    ("image sets past a changed retention, only told", lambda now, dry: received_tell(now=now, dry_run=dry)),
    ("received files without a row", lambda now, dry: received_orphans_remove(before=now - FILE_PATIENCE, dry_run=dry)),
    (
        "published files without a set",
        lambda now, dry: published_orphans_remove(before=now - FILE_PATIENCE, dry_run=dry),
    ),
    ("passages never recorded", lambda now, dry: recordings_prune(before=_unused_since(now), dry_run=dry)),
    (
        "parts of recordings nobody went on with",
        lambda now, dry: recording_parts_remove(before=now - FILE_PATIENCE, dry_run=dry),
    ),
    (
        "announced files that no set waits for",
        lambda now, dry: announced_orphans_remove(before=now - FILE_PATIENCE, dry_run=dry),
    ),
    (
        "files of models without a version",
        lambda now, dry: model_orphans_remove(before=now - FILE_PATIENCE, dry_run=dry),
    ),
    (
        "copies of models that no version needs, on this machine",
        lambda now, dry: model_copies_remove(
            asked_before=now - FILE_PATIENCE, needed_since=now - MODEL_PATIENCE, dry_run=dry
        ),
    ),
    ("half-received files", lambda now, dry: incoming_leftovers_remove(before=now - FILE_PATIENCE, dry_run=dry)),
    ("one-time codes used or expired", lambda now, dry: one_time_codes_prune(now=now, dry_run=dry)),
    ("invitations not answered in time", lambda now, dry: invitations_expire(now=now, dry_run=dry)),
    ("invitations long over", lambda now, dry: invitations_prune(now=now, dry_run=dry)),
    ("logins over", lambda now, dry: auth_sessions_prune(now=now, dry_run=dry)),
    ("stored answers out of date", lambda now, dry: idempotency_prune(now=now, dry_run=dry)),
    ("admin sessions expired", _django_sessions),
    ("old records of the task queue", _queue_records),
)


def cleanup(*, dry_run: bool = False) -> Iterator[Outcome]:
    """Do every step, or with `dry_run` only count, and yield what came of each.

    A step that fails (a storage that is away) does not keep the others from being done.
    """
    now = timezone.now()
    for what, step in STEPS:
        try:
            yield Outcome(what, step(now, dry_run))
        except Exception as error:
            log.exception("cleanup.failed", what=what)
            yield Outcome(what, failure=f"{type(error).__name__}: {error}")
