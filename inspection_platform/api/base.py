"""What the HTTP families share: who asks, and a view that answers every refusal in its family's envelope."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from rest_framework.metadata import BaseMetadata
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assets.models import CaptureUnit
from inspection_platform.api.parsers import StrictJSONParser
from inspection_platform.api.refusals import FamilyEnvelope, Refusal, refusal_of
from tenants.errors import NotFound
from tenants.models import ANNOTATOR, GLOBAL_ADMIN, REVIEWER, ApiKey, Role, Tenant, User
from tenants.scope import Reach


class ActorKind(StrEnum):
    """What the asker showed."""

    BEARER = "bearer"
    KEY = "key"
    DEVICE = "device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks: found by an authentication class, `request.auth` of the request.

    `tenant` is the tenant the actor works in (None: a global admin without one), `reach` the tenants whose rows may be
    touched. `groups` and `role` are the user's groups and role in `tenant`, read once with the credentials. A device
    has no user: it is a capture unit, works in the tenant of its rig, and reaches nothing but its own recordings.
    """

    kind: ActorKind
    reach: Reach
    tenant: Tenant | None = None
    user: User | None = None
    api_key: ApiKey | None = None
    capture_unit: CaptureUnit | None = None
    groups: frozenset[str] = frozenset()
    role: str = ""

    @property
    def is_global_admin(self) -> bool:
        """Whether the actor reaches every tenant."""
        return GLOBAL_ADMIN in self.groups

    @property
    def is_tenant_admin(self) -> bool:
        """Whether the actor administers the tenant worked in; global admins do so everywhere."""
        return self.is_global_admin or self.role == Role.ADMIN_TENANT

    @property
    def may_curate(self) -> bool:
        """Whether the actor sees what clients do not: other states, deleted and potential damages."""
        return self.is_tenant_admin or not self.groups.isdisjoint({ANNOTATOR, REVIEWER})


class HasActor(BasePermission):
    """Somebody known is asking."""

    def has_permission(self, request: Request, _view: APIView) -> bool:
        """Whether an authentication class found an actor."""
        return isinstance(request.auth, Actor)


class AlwaysJson(BaseContentNegotiation):
    """Answers with the first renderer whatever the client says it accepts: the vendors' APIs do not negotiate."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """The parser of the body's content type; a body without one is left to the first parser."""
        wanted = (request.content_type or "").split(";")[0].strip().lower()
        return next((parser for parser in parsers if wanted in {"", parser.media_type}), None)

    def select_renderer(
        self, _request: Request, renderers: Iterable[BaseRenderer], _format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Always the first one."""
        first = next(iter(renderers))
        return first, first.media_type or "application/json"


class Methods(BaseMetadata):
    """What OPTIONS tells: the methods of the route, as in `Allow`."""

    def determine_metadata(self, _request: Request, view: APIView) -> dict[str, list[str]]:
        """The methods by name."""
        return {"methods": view.allowed_methods}


class RefusalResponse(Response):
    """A refusal that already wears its family's envelope; the middleware leaves it alone."""


def respond_refusal(envelope: FamilyEnvelope, refusal: Refusal) -> RefusalResponse:
    """The HTTP answer to a refusal (not rendered yet)."""
    status, body = envelope.render(refusal)
    return RefusalResponse(body, status=status, headers=dict(refusal.headers))


class FamilyView(APIView):
    """Base of every API view. A family's own base sets `envelope` and `authentication_classes`.

    Refusals are raised, never returned: domain errors, DRF's exceptions and Http404 become the family's envelope.
    Anything else is a crash: it travels on, so that it is logged, and the middleware dresses what Django made of it.
    """

    envelope: ClassVar[FamilyEnvelope]
    permission_classes = [HasActor]
    parser_classes = [StrictJSONParser]
    content_negotiation_class = AlwaysJson
    metadata_class = Methods

    @property
    def actor(self) -> Actor:
        """Who asks. Only for views that need an actor (HasActor): others have none."""
        actor = self.request.auth
        if not isinstance(actor, Actor):
            raise TypeError(f"{type(self).__name__} has no actor: it lets everybody in.")
        return actor

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, permit, throttle; what a route offers (OPTIONS) is no secret."""
        if request.method != "OPTIONS":
            super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        """The family's answer to a refusal; a crash is raised again."""
        refusal = refusal_of(exc, headers=self._refusal_headers(exc))
        if refusal is None:
            raise exc
        response = respond_refusal(self.envelope, refusal)
        response.exception = True
        return response

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """DRF's, with `Cache-Control: no-store` unless a view said otherwise."""
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers.setdefault("Cache-Control", "no-store")
        return final

    def _refusal_headers(self, error: Exception) -> dict[str, str]:
        refusal = refusal_of(error)
        headers: dict[str, str] = {}
        if refusal and refusal.kind == "not_authenticated":
            headers["WWW-Authenticate"] = self.get_authenticate_header(self.request) or "Bearer"
        wait = getattr(error, "wait", None)
        if isinstance(wait, int | float):
            headers["Retry-After"] = str(max(1, round(wait)))
        return headers


def as_uuid(text: str, what: str) -> UUID:
    """The id in a path; NotFound for one that cannot exist (asked after authentication: 401 comes before 404)."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(f"{what} not found.") from error
