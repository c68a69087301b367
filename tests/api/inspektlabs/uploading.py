"""What the tests of uploads share: films, refusals, and that nothing happened."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from assets.models import ImageSet, Submission, SubmissionState
from tenants.models import UsageCounter
from tests import media
from tests.api.inspektlabs.conftest import incoming_files
from tests.factories import House

MB = 1_000_000

INVALID_TYPE = "Invalid file type, only image or video allowed"


@lru_cache(maxsize=8)
def film(container: str, at_least: int = MB + 1) -> bytes:
    """A real video of more than 1 MB."""
    size = (320, 240) if at_least <= MB + 1 else (640, 480)
    return media.video(1.0, size, container, min_bytes=at_least)


def refusal(response: Any) -> tuple[int, str]:
    body = response.json()
    assert body["status"] == "error"
    return response.status_code, body["message"]


def faults(response: Any) -> list[str]:
    return [fault["name"] for fault in response.json()["files"]]


def nothing_happened(house: House) -> bool:
    """No set, no file, no use counted, and the session is still good."""
    states = Submission.objects.of(house.tenant.pk).values_list("state", flat=True)
    used = UsageCounter.objects.of(house.tenant.pk).filter(used__gt=0)
    sets = ImageSet.objects.of(house.tenant.pk)
    return not (sets.exists() or used.exists() or incoming_files()) and set(states) == {SubmissionState.ISSUED}
