"""Building blocks of the reference: refusals, paging, headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from inspection_platform.api.core.serializers.common import Refused

#: Status to what it says, and an example of its message.
_REFUSALS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("Something about the input is wrong; `errors` names it.", "limit: A valid integer is required."),
    401: ("No token or key, or one that opens nothing any more.", "The token is not valid."),
    403: ("Seen, but not allowed for this role.", "sortBy is for tenant admins, annotators and reviewers."),
    404: ("There is no such thing, or it is another tenant's.", "Image set not found."),
    405: ("Another method is needed; see `Allow`.", "This method is not allowed here."),
    409: ("Somebody else was first, or the state does not allow it.", "The image set is locked."),
    503: ("A source that is needed does not answer; try again later.", "The vehicle register does not answer."),
    429: ("Too many requests; see `Retry-After`.", "Request was throttled. Expected available in 12 seconds."),
}


#: The status whose body also names the fields at fault.
NAMES_FIELDS: Final = 400


def refusals(*statuses: int) -> dict[int, OpenApiResponse]:
    """Responses for these error statuses."""
    return {status: _refusal(status) for status in statuses}


def _refusal(status: int) -> OpenApiResponse:
    description, message = _REFUSALS[status]
    value: dict[str, Any] = {"success": False, "message": message}
    if status == NAMES_FIELDS:
        name, _, reason = message.partition(": ")
        value["errors"] = {name: [reason]}
    return OpenApiResponse(Refused, description, [OpenApiExample("Refused", value, response_only=True)])


def answer(shape: Any, description: str, example: Mapping[str, Any]) -> OpenApiResponse:
    """A success with its example."""
    return OpenApiResponse(shape, description, [OpenApiExample("Success", dict(example), response_only=True)])
