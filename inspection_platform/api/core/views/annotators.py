"""W31: who annotated and reviewed how much."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from damages.services.statistics import jobs_done
from inspection_platform.api.core.docs import manual as docs
from inspection_platform.api.core.presenters import manual as present
from inspection_platform.api.core.presenters.common import success
from inspection_platform.api.core.serializers.annotators import StatisticsQuery
from inspection_platform.api.core.serializers.common import query_of
from inspection_platform.api.core.views.common import CoreView

FETCHED: Final = "statistics about annotator jobs fetched successfully"
#: How much time is looked at unless both ends are named.
_WINDOW: Final = timedelta(days=90)
#: A second that is named belongs to the time looked at.
_SECOND: Final = timedelta(seconds=1)


class StatisticsView(CoreView):
    """W31."""

    operations = {"GET": "W31"}

    @docs.statistics
    def get(self, request: Request) -> Response:
        """Count the jobs that people did."""
        since, until = _window(query_of(StatisticsQuery, request))
        done = jobs_done(reach=self.actor.reach, since=since, until=until)
        return Response(success(present.statistics(done), message=FETCHED))


def _window(query: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """From when, and before when; 90 days from the start or up to the end that is named, or up to now."""
    start, end = (_moment(query.get(name)) for name in ("startDate", "endDate"))
    if start is None:
        end = end or timezone.now()
        return end - _WINDOW, end + _SECOND
    return start, (end or start + _WINDOW) + _SECOND


def _moment(value: int | None) -> datetime | None:
    return None if value is None else datetime.fromtimestamp(value, UTC)
