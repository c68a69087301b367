"""What Django answers by itself under a family's prefix wears that family's envelope too."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from inspection_platform.api.base import RefusalResponse
from inspection_platform.api.families import envelope_of
from inspection_platform.api.refusals import FamilyEnvelope, refusal_of_status

FIRST_ERROR_STATUS = 400


class FamilyErrors:
    """Replaces unknown routes, refused hosts and crashes (Django's HTML, also with DEBUG) by the family's JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code < FIRST_ERROR_STATUS or isinstance(response, RefusalResponse):
            return response
        envelope = envelope_of(request.path_info)
        return response if envelope is None else dress(envelope, response)


def dress(envelope: FamilyEnvelope, response: HttpResponseBase) -> HttpResponse:
    """The family's JSON in place of an answer that no view of the family made; `Allow` is kept."""
    status, body = envelope.render(refusal_of_status(response.status_code))
    kept = {name: response.headers[name] for name in ("Allow", "Retry-After") if name in response.headers}
    dressed = JsonResponse(body, status=status, headers={**kept, "Cache-Control": "no-store"})
    # Django's own middleware that does this has passed already.
    dressed.headers["Content-Length"] = str(len(dressed.content))
    return dressed
