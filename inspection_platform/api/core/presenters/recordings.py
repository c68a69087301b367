"""JSON of recordings (ours)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse

from assets.models import Recording
from assets.services.recordings import recording_offset
from inspection_platform.api.core.presenters.common import seconds


def recording(rows: Sequence[Recording]) -> dict[str, Any]:
    """A unit's recording of a passage: its rows, one for each camera, with the passage fetched."""
    passage = rows[0].passage
    return {
        "passageId": str(passage.pk),
        "recDate": seconds(passage.recorded_at),
        "isComplete": all(row.completed_at for row in rows),
        "cameras": [recording_camera(row, offset=recording_offset(row)) for row in rows],
    }


def recording_camera(row: Recording, *, offset: int) -> dict[str, Any]:
    """The file of one camera, of which `offset` bytes are here."""
    return {
        "camera": row.camera,
        "isStored": bool(row.file),
        "offset": offset,
        "url": settings.PUBLIC_URL + reverse("core-recording-camera", args=[row.passage_id, row.camera]),
    }
