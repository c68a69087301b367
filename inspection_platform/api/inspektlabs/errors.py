"""Refusals of the Inspektlabs-shaped family: `{"status": "error", "message": ...}`.

The texts are wire constants of the contract, letter by letter; those marked *ours* fill what the contract leaves open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from rest_framework.exceptions import ValidationError

from inspection_platform.api.refusals import Refusal, RefusalKind
from tenants.errors import DomainError


@dataclass(frozen=True, slots=True)
class Answer:
    """A refusal on the wire: its status and its text."""

    status: int
    message: str


TOO_MANY_IMAGES: Final = Answer(400, "Maximum 99 images upload possible")
INVALID_FILE_TYPE: Final = Answer(400, "Invalid file type, only image or video allowed")
VIDEO_TOO_SMALL: Final = Answer(400, "Please upload video greater than 1 MB.")
CALLBACK_MISSING: Final = Answer(400, "please provide callback_url")
SESSION_USED: Final = Answer(400, "please generate new token and session")
UNSUPPORTED_TYPE: Final = Answer(415, "unsupported file type only images or videos")
QUOTA_EXCEEDED: Final = Answer(429, "API call limit exceeded")
WINDOW_CLOSED: Final = Answer(503, "ML servers are not available currently.")
UNEXPECTED: Final = Answer(404, "Something Went Worng")  # sic

# Texts of sister operations of the vendor's, used here where the upload's own page is silent.
TOKEN_INVALID: Final = Answer(401, "token invalid")
NO_ACCESS: Final = Answer(403, "no access")
METHOD_NOT_ALLOWED: Final = Answer(405, "method not allowed")
FIELD_MISSING: Final = Answer(400, "Missing a required field")
INVALID_DATA: Final = "Invalid data: {}"

# Ours: the contract names the rule but no text.
VIDEO_TOO_LARGE: Final = Answer(400, "Please upload video less than 100 MB.")
MIXED_MEDIA: Final = Answer(400, "Please upload either images or videos, not both")
PAIR_SIZE: Final = Answer(400, "Each of url_pairs must have exactly 2 images")
BODY_TOO_LARGE: Final = Answer(400, INVALID_DATA.format("the body is too large"))
NOT_FOUND: Final = Answer(404, "not found")

# Authentication (IX1, IX3).
KEY_MALFORMED: Final = Answer(400, "Invalid API key")
KEY_REFUSED: Final = Answer(401, "API Key not valid")
TOKEN_KEY_MISSING: Final = Answer(400, "API Key is required")
TOKEN_KEY_REFUSED: Final = Answer(401, "Invalid API Key. Please try again or contact support")
TOKEN_KEY_BLOCKED: Final = Answer(403, "Unauthorized access")
TOKEN_UNEXPECTED: Final = Answer(400, "Something went wrong. Please try again later.")

#: What each kind of refusal says where an operation does not choose its own words.
ANSWERS: Final[Mapping[RefusalKind, Answer]] = {
    RefusalKind.NOT_AUTHENTICATED: TOKEN_INVALID,
    RefusalKind.FORBIDDEN: NO_ACCESS,
    RefusalKind.NOT_FOUND: NOT_FOUND,
    RefusalKind.METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED,
    RefusalKind.CONFLICT: SESSION_USED,
    RefusalKind.UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_TYPE,
    RefusalKind.THROTTLED: QUOTA_EXCEEDED,
    RefusalKind.QUOTA_EXCEEDED: QUOTA_EXCEEDED,
    RefusalKind.UNAVAILABLE: WINDOW_CLOSED,
    RefusalKind.UNEXPECTED: UNEXPECTED,
}

_MISSING_CODES: Final = frozenset({"required", "null", "blank", "empty"})


class Refused(DomainError):
    """A refusal in this family's own words; `extra` is added to the body."""

    def __init__(self, answer: Answer, **extra: Any) -> None:
        super().__init__(answer.message)
        self.answer = answer
        self.extra = extra


def invalid_data(reason: str) -> Refused:
    """The refusal of a field whose value cannot be right."""
    return Refused(Answer(400, INVALID_DATA.format(reason)))


def render(refusal: Refusal) -> tuple[int, dict[str, Any]]:
    """The status and body of a refusal."""
    if isinstance(refusal.error, Refused):
        return _body(refusal.error.answer, refusal.error.extra)
    if isinstance(refusal.error, TooManyFilesSent):
        return _body(TOO_MANY_IMAGES)
    if isinstance(refusal.error, RequestDataTooBig | TooManyFieldsSent):
        return _body(BODY_TOO_LARGE)
    if missing := missing_fields(refusal.error):
        return _body(FIELD_MISSING, {"fields": missing})
    if refusal.kind is RefusalKind.REPEATED:
        return _body(Answer(409, refusal.message))
    fallback = Answer(400, INVALID_DATA.format(refusal.message))
    return _body(ANSWERS.get(refusal.kind, fallback))


def missing_fields(error: BaseException | None) -> list[str]:
    """The names of the required fields that a serializer did not find."""
    if not isinstance(error, ValidationError):
        return []
    codes = error.get_codes()
    return list(_missing(codes)) if isinstance(codes, dict) else []


def _missing(codes: Mapping[str, Any]) -> Iterator[str]:
    for name, found in codes.items():
        if isinstance(found, list) and _MISSING_CODES.intersection(code for code in found if isinstance(code, str)):
            yield name


def _body(answer: Answer, extra: Mapping[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    return answer.status, {"status": "error", "message": answer.message, **(extra or {})}
