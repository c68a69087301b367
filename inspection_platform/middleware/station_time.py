"""Staff read times as the clocks of their stations show them; every API speaks UTC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from tenants.acting import station_zone

STAFF_PAGES: Final = "/admin/"


class StationTime:
    """Renders the staff's pages in the time zone of the tenant they act for; UTC where they act for several."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(STAFF_PAGES):
            return self.get_response(request)
        # `override` puts back what was there before, whatever happens: threads are used again.
        with timezone.override(station_zone(request)):
            return self.get_response(request)
