"""The operations of this family: parse, call, present."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast

import structlog
from django.core.exceptions import SuspiciousOperation
from rest_framework.exceptions import ParseError, UnsupportedMediaType, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from assets.services.submissions import submission_issue
from inspection_platform import workflow
from inspection_platform.api.base import FamilyView, RefusalResponse
from inspection_platform.api.idempotency import idempotent
from inspection_platform.api.incoming import IncomingMultiPartParser, IncomingPart
from inspection_platform.api.inspektlabs import docs, errors
from inspection_platform.api.inspektlabs.authentication import TokenAuthentication, token_grant, tokens_mint
from inspection_platform.api.inspektlabs.errors import Answer, Refused, invalid_data
from inspection_platform.api.inspektlabs.rules import PART_LIMITS, Upload, files_judged, upload_check, window_check
from inspection_platform.api.inspektlabs.serializers import (
    FilesSerializer,
    KeySerializer,
    RefreshSerializer,
    UploadSerializer,
    UrlsSerializer,
)
from inspection_platform.api.parsers import StrictJSONParser
from inspection_platform.api.refusals import FamilyEnvelope, refusal_of
from tenants.models import ApiKey, Family, Service, Tenant
from tenants.services.keys import api_key_find, api_key_is_known
from tenants.services.quotas import usage_return, usage_take

log = structlog.get_logger(__name__)
MAX_ECHO: Final = 200
_BODY_ERRORS: Final = (ParseError, UnsupportedMediaType, SuspiciousOperation)


class InspektlabsView(FamilyView):
    """Base of the family's views."""

    envelope = cast("FamilyEnvelope", errors)
    authentication_classes = [TokenAuthentication]


class KeyView(InspektlabsView):
    """Base of the calls that exchange an API key for tokens: each says no in words of its own."""

    authentication_classes = []
    permission_classes = []
    missing: ClassVar[Answer]
    malformed: ClassVar[Answer | None] = None
    refused: ClassVar[Answer]
    blocked: ClassVar[Answer | None] = None

    def key_of(self, request: Request) -> ApiKey:
        """The key that the body shows; Refused if it is absent, malformed, unknown or closed."""
        value = self._value(request)
        key = api_key_find(family=Family.INSPEKTLABS, value=value)
        if key is None and self.blocked and api_key_is_known(family=Family.INSPEKTLABS, value=value):
            raise Refused(self.blocked)
        if key is None:
            raise Refused(self.refused)
        return key

    def _value(self, request: Request) -> str:
        try:
            serializer = KeySerializer(data=request.data)
            serializer.is_valid(raise_exception=True)
        except (*_BODY_ERRORS, ValidationError) as error:
            raise self._malformed(error) from error
        return str(serializer.validated_data["key"])

    def _malformed(self, error: Exception) -> Refused:
        if "key" in errors.missing_fields(error):
            return Refused(self.missing)
        refusal = refusal_of(error)
        return Refused(self.malformed) if self.malformed else invalid_data(refusal.message if refusal else "")


class AuthenticateView(KeyView):
    """POST /api/authenticate (IX1): a session and both tokens for an API key."""

    missing = malformed = errors.KEY_MALFORMED
    refused = errors.KEY_REFUSED

    @docs.authenticate
    def post(self, request: Request) -> Response:
        """Open a session."""
        key = self.key_of(request)
        submission = submission_issue(tenant=key.tenant, family=Family.INSPEKTLABS)
        tokens = tokens_mint(key)
        return Response(
            {
                "session": submission.external_key,
                "access_token": tokens.access,
                "refresh_token": tokens.refresh,
            }
        )


class GetTokenView(KeyView):
    """POST /auth/get_token/ (IX3): an access token for an API key; the client names its sessions itself."""

    missing = errors.TOKEN_KEY_MISSING
    refused = errors.TOKEN_KEY_REFUSED
    blocked = errors.TOKEN_KEY_BLOCKED

    @docs.get_token
    def post(self, request: Request) -> Response:
        """Get a token."""
        return Response({"access_token": tokens_mint(self.key_of(request)).access})

    def handle_exception(self, exc: Exception) -> Response:
        """This call has a text of its own for what nobody foresaw."""
        try:
            return super().handle_exception(exc)
        except Exception:
            log.exception("inspektlabs.get_token_failed")
            status, message = errors.TOKEN_UNEXPECTED.status, errors.TOKEN_UNEXPECTED.message
            return RefusalResponse({"status": "error", "message": message}, status=status)


class RefreshView(InspektlabsView):
    """POST /api/token/refresh (ours): new tokens for a token of either kind, within a day of authentication."""

    authentication_classes = []
    permission_classes = []

    @docs.refresh
    def post(self, request: Request) -> Response:
        """Renew the tokens."""
        serializer = RefreshSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        grant = token_grant(serializer.validated_data["token"])
        tokens = tokens_mint(grant.key, until=grant.until)
        return Response({"access_token": tokens.access, "refresh_token": tokens.refresh})


class UploadView(InspektlabsView):
    """POST /api/upload (I1, I2): take an inspection by files or by addresses."""

    parser_classes = [StrictJSONParser, IncomingMultiPartParser]
    part_limits = PART_LIMITS
    #: What the answer repeats of the request, as far as it was understood.
    echo: Mapping[str, str] = {}

    @docs.upload
    @idempotent
    def post(self, request: Request) -> Response:
        """Upload an inspection."""
        tenant = _tenant(self)
        window_check(tenant)
        upload = self._upload(request, tenant)
        upload_check(upload)
        submit(upload)
        return Response({"status": "success", "id": upload.session, "message": "", "case_id": upload.details.case_id})

    def handle_exception(self, exc: Exception) -> Response:
        """The refusal, with the session and the case it is about."""
        response = super().handle_exception(exc)
        if isinstance(response.data, dict):
            response.data |= self.echo
        return response

    def _upload(self, request: Request, tenant: Tenant) -> Upload:
        """The request, well-formed; DRF reads the body here and not before."""
        data = request.data
        if not isinstance(data, dict):
            raise invalid_data("the body must be an object")
        self.echo = _echo(data)
        by_files = "multipart" in (request.content_type or "")
        serializer: UploadSerializer = FilesSerializer(data=data) if by_files else UrlsSerializer(data=data)
        serializer.is_valid(raise_exception=True)
        parts: list[IncomingPart] = serializer.validated_data.get("files") or []
        urls = serializer.addresses() if isinstance(serializer, UrlsSerializer) else []
        return Upload(tenant, serializer.validated_data["session"], serializer.details(), parts, urls)


def submit(upload: Upload) -> None:
    """Judge the files, count the call and start the work; a call that fails after all is not counted."""
    files = files_judged(upload.parts)
    month = usage_take(tenant=upload.tenant, service=Service.INSPEKTLABS)
    try:
        workflow.submit(
            tenant=upload.tenant,
            family=Family.INSPEKTLABS,
            external_key=upload.session,
            details=upload.details,
            files=files,
            urls=upload.urls,
        )
    except BaseException:
        usage_return(tenant=upload.tenant, service=Service.INSPEKTLABS, month=month)
        raise


def _echo(data: Mapping[str, Any]) -> dict[str, str]:
    """Session and case as they were sent, if they could be such."""
    given = {"id": data.get("session"), "case_id": data.get("case_id")}
    return {
        name: value
        for name, value in given.items()
        if isinstance(value, str) and value.isprintable() and len(value) <= MAX_ECHO
    }


def _tenant(view: InspektlabsView) -> Tenant:
    tenant = view.actor.tenant
    if tenant is None:
        raise TypeError("A token of this family always belongs to a tenant.")
    return tenant
