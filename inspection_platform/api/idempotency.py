"""Idempotency-Key for calls that create: `@idempotent` on the view's method switches it on and documents it.

The rules are ours, after the IETF draft (draft-ietf-httpapi-idempotency-key-header): the key is opaque, belongs to the
actor and the path, and is kept for 24 hours. A refusal is an answer and is repeated too; what is worth trying again
(429, 5xx, a crash) is not kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import structlog
from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError
from django.utils.datastructures import MultiValueDict
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from inspection_platform.api.base import Actor, FamilyView, RefusalResponse
from inspection_platform.api.incoming import IncomingPart
from inspection_platform.api.refusals import FIRST_SERVER_ERROR, refusal_of
from tenants.errors import Invalid
from tenants.services.idempotency import (
    Asked,
    Claim,
    StoredAnswer,
    idempotency_begin,
    idempotency_release,
    idempotency_store,
)

log = structlog.get_logger(__name__)

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
MAX_LENGTH: Final = 255
_PRINTABLE: Final = range(0x20, 0x7F)
_TOO_MANY: Final = 429
_FIRST_REFUSAL: Final = 400

PARAMETERS: Final = [
    OpenApiParameter(
        HEADER,
        str,
        OpenApiParameter.HEADER,
        description="*Ours.* Your name for this request, at most 255 printable ASCII characters. Sent again within 24 "
        "hours under the same key, the same request (fields and contents of files) is not carried out again: it gets "
        "the first answer, with `Idempotency-Replayed: true`. Another request under the key, or one that comes while "
        "the first is being worked on, is refused with 409. 429 and 5xx are not kept. Keys of different API keys or "
        "users, and of different paths, have nothing to do with each other.",
    ),
    OpenApiParameter(
        REPLAYED,
        str,
        OpenApiParameter.HEADER,
        response=True,
        enum=["true"],
        description="*Ours.* Present if this answer was given before.",
    ),
]

V = TypeVar("V", bound=FamilyView)
P = ParamSpec("P")
Handler = Callable[Concatenate[V, Request, P], Response]


def idempotent(handler: Handler[V, P]) -> Handler[V, P]:
    """Make a view's method heed Idempotency-Key; without the header nothing changes."""

    @wraps(handler)
    def wrapped(view: V, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return handler(view, request, *args, **kwargs)
        begun = idempotency_begin(asked=_asked(view.actor, request, _checked(key)))
        if isinstance(begun, StoredAnswer):
            return _replay(begun)
        return _carried_out(view, begun, lambda: handler(view, request, *args, **kwargs))

    documented: Handler[V, P] = extend_schema(parameters=PARAMETERS)(wrapped)
    return documented


def _checked(key: str) -> str:
    if not 1 <= len(key) <= MAX_LENGTH or any(ord(character) not in _PRINTABLE for character in key):
        reason = f"1 to {MAX_LENGTH} printable ASCII characters are needed."
        raise Invalid(f"{HEADER}: {reason}", {HEADER: [reason]})
    return key


def _asked(actor: Actor, request: Request, key: str) -> Asked:
    path = f"{request.method} {request.path_info.rstrip('/')}"
    return Asked(tenant=actor.tenant, actor=_who(actor), path=path, key=key, fingerprint=fingerprint(request))


def _who(actor: Actor) -> str:
    if actor.api_key:
        return f"key:{actor.api_key.pk}"
    if actor.capture_unit:
        return f"device:{actor.capture_unit.pk}"
    return f"user:{actor.user.pk if actor.user else ''}"


def _carried_out(view: FamilyView, claim: Claim, call: Callable[[], Response]) -> Response:
    """The answer to the first request: kept if its repetition is to get the same, else the claim is given back."""
    try:
        response = _answer(view, call)
    except BaseException:
        idempotency_release(claim=claim)
        raise
    if response.status_code >= FIRST_SERVER_ERROR or response.status_code == _TOO_MANY:
        idempotency_release(claim=claim)
    else:
        _keep(claim, response)
    return response


def _answer(view: FamilyView, call: Callable[[], Response]) -> Response:
    """What the view answers, refusals included; a crash travels on, whatever a view would make of it."""
    try:
        return call()
    except Exception as error:
        if refusal_of(error) is None:
            raise
        return view.handle_exception(error)


def _keep(claim: Claim, response: Response) -> None:
    """Store the answer. What was asked for is done, so a database that is away now must not turn it into an error."""
    headers = {name: value for name, value in response.headers.items() if name.lower() != "content-type"}
    content = json.dumps({"data": response.data, "headers": headers}, cls=JSONEncoder)
    try:
        idempotency_store(claim=claim, status=response.status_code, content=content)
    except DatabaseError:
        log.exception("idempotency.not_stored")


def _replay(stored: StoredAnswer) -> Response:
    content = json.loads(stored.content)
    # The middleware dresses refusals that no view made; this one wears its family's envelope already.
    kind = RefusalResponse if stored.status >= _FIRST_REFUSAL else Response
    return kind(content["data"], status=stored.status, headers={**content["headers"], REPLAYED: "true"})


def fingerprint(request: Request) -> str:
    """SHA-256 of what is asked: the query, and the fields of the body with the content of its files.

    The order of JSON keys and of a form's fields does not matter, that of a list's or a field's values does. Raises
    ParseError for a body that cannot be read.
    """
    data: object = request.data
    content = _form(data) if isinstance(data, MultiValueDict) else data
    try:
        text = json.dumps([request.META.get("QUERY_STRING", ""), content], sort_keys=True)
    except RecursionError as error:
        raise ParseError("The body is nested too deeply.") from error
    return hashlib.sha256(text.encode()).hexdigest()


def _form(data: MultiValueDict[str, Any]) -> dict[str, list[Any]]:
    return {name: [_plain(value) for value in data.getlist(name)] for name in data}


def _plain(value: Any) -> Any:
    """A form's value; a file is described by its name, its declared type, its size and its content."""
    if not isinstance(value, UploadedFile):
        return str(value)
    return {"name": value.name, "type": value.content_type, "size": value.size, "sha256": _sha256(value)}


def _sha256(file: UploadedFile[bytes]) -> str:
    """The hash of a file; a part that was too large has only its size left, and is refused whatever was in it."""
    if isinstance(file, IncomingPart):
        return file.sha256 if file.is_kept else ""
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
