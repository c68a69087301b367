"""Refusals in one vocabulary: every exception an API view may raise, before a family dresses it in its own envelope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions as drf

from tenants import errors


class RefusalKind(StrEnum):
    """Why a request was refused."""

    INVALID = "invalid"
    NOT_AUTHENTICATED = "not_authenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    REPEATED = "repeated"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    THROTTLED = "throttled"
    QUOTA_EXCEEDED = "quota_exceeded"
    UNAVAILABLE = "unavailable"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What went wrong. `fields` names wrong inputs; `error` is the exception itself, for a family's own kinds."""

    kind: RefusalKind
    message: str
    fields: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    error: BaseException | None = None


class FamilyEnvelope(Protocol):
    """What a family's `errors` module offers."""

    def render(self, refusal: Refusal) -> tuple[int, dict[str, Any]]:
        """The HTTP status and the JSON body of a refusal in this family's words."""


#: From an exception class to its kind; the first that fits counts.
_KINDS: Final[tuple[tuple[type[BaseException], RefusalKind], ...]] = (
    (errors.Invalid, RefusalKind.INVALID),
    (errors.NotAuthenticated, RefusalKind.NOT_AUTHENTICATED),
    (errors.Forbidden, RefusalKind.FORBIDDEN),
    (errors.NotFound, RefusalKind.NOT_FOUND),
    (errors.Conflict, RefusalKind.CONFLICT),
    (errors.RepeatRefused, RefusalKind.REPEATED),
    (errors.QuotaExceeded, RefusalKind.QUOTA_EXCEEDED),
    (errors.Unavailable, RefusalKind.UNAVAILABLE),
    (errors.DomainError, RefusalKind.INVALID),
    (drf.NotAuthenticated, RefusalKind.NOT_AUTHENTICATED),
    (drf.AuthenticationFailed, RefusalKind.NOT_AUTHENTICATED),
    (drf.PermissionDenied, RefusalKind.FORBIDDEN),
    (PermissionDenied, RefusalKind.FORBIDDEN),
    (drf.NotFound, RefusalKind.NOT_FOUND),
    (Http404, RefusalKind.NOT_FOUND),
    (drf.MethodNotAllowed, RefusalKind.METHOD_NOT_ALLOWED),
    (drf.UnsupportedMediaType, RefusalKind.UNSUPPORTED_MEDIA_TYPE),
    (drf.Throttled, RefusalKind.THROTTLED),
    (drf.ValidationError, RefusalKind.INVALID),
    (drf.ParseError, RefusalKind.INVALID),
    (MultiPartParserError, RefusalKind.INVALID),
    (SuspiciousOperation, RefusalKind.INVALID),
)

_SENTENCES: Final[Mapping[RefusalKind, str]] = {
    RefusalKind.INVALID: "The request is not valid.",
    RefusalKind.NOT_AUTHENTICATED: "Authentication is needed.",
    RefusalKind.FORBIDDEN: "You may not do this.",
    RefusalKind.NOT_FOUND: "Not found.",
    RefusalKind.METHOD_NOT_ALLOWED: "This method is not allowed here.",
    RefusalKind.UNSUPPORTED_MEDIA_TYPE: "This content type is not supported.",
    RefusalKind.THROTTLED: "Too many requests.",
    RefusalKind.UNEXPECTED: "Something went wrong.",
}

FIRST_SERVER_ERROR: Final = 500

#: From the status of an answer that no view made (unknown route, crash) to the kind of refusal it stands for.
_STATUSES: Final[Mapping[int, RefusalKind]] = {
    400: RefusalKind.INVALID,
    401: RefusalKind.NOT_AUTHENTICATED,
    403: RefusalKind.FORBIDDEN,
    404: RefusalKind.NOT_FOUND,
    405: RefusalKind.METHOD_NOT_ALLOWED,
    413: RefusalKind.INVALID,
    415: RefusalKind.UNSUPPORTED_MEDIA_TYPE,
    429: RefusalKind.THROTTLED,
    503: RefusalKind.UNAVAILABLE,
}


def refusal_of(error: BaseException, *, headers: Mapping[str, str] | None = None) -> Refusal | None:
    """The refusal an exception stands for; None for one that nobody foresaw (a crash)."""
    kind = next((kind for known, kind in _KINDS if isinstance(error, known)), None)
    if kind is None:
        return None
    fields = _fields_of(error)
    return Refusal(
        kind=kind, message=_message_of(error, kind, fields), fields=fields, headers=headers or {}, error=error
    )


def refusal_of_status(status: int) -> Refusal:
    """The refusal behind an error status that Django itself answered with."""
    kind = _STATUSES.get(status, RefusalKind.INVALID if status < FIRST_SERVER_ERROR else RefusalKind.UNEXPECTED)
    return Refusal(kind=kind, message=_SENTENCES.get(kind, "The service is not available."))


def _fields_of(error: BaseException) -> dict[str, list[str]]:
    if isinstance(error, errors.Invalid | errors.Conflict):
        return error.fields
    if isinstance(error, drf.ValidationError) and isinstance(error.detail, dict):
        return _by_path(error.detail)
    return {}


def _by_path(detail: Mapping[str, Any]) -> dict[str, list[str]]:
    """Nested serializer errors as `{"damages.0.points": [reason, ...]}`."""
    found: dict[str, list[str]] = {}
    for path, reason in _reasons(detail, ""):
        found.setdefault(path, []).append(reason)
    return found


def _reasons(detail: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            # DRF files reasons about the whole object under this name; they belong to the object itself.
            step = "" if name == "non_field_errors" and path else str(name)
            yield from _reasons(inner, f"{path}.{step}".strip("."))
    elif isinstance(detail, list):
        for number, inner in enumerate(detail):
            is_reason = isinstance(inner, str)
            yield from _reasons(inner, path if is_reason else f"{path}.{number}".strip("."))
    else:
        yield path, str(detail)


def _message_of(error: BaseException, kind: RefusalKind, fields: Mapping[str, list[str]]) -> str:
    if isinstance(error, errors.DomainError):
        return error.message
    if isinstance(error, RequestDataTooBig):
        return "The body is too large."
    for name, reasons in fields.items():
        return f"{name}: {reasons[0]}"
    if isinstance(error, drf.ParseError | drf.AuthenticationFailed | drf.PermissionDenied | drf.Throttled):
        return str(error.detail)
    if isinstance(error, drf.ValidationError) and isinstance(error.detail, list) and error.detail:
        return str(error.detail[0])
    return _SENTENCES[kind]
