"""The public API reference: OpenAPI 3 of all families, and Swagger UI with local assets."""

from __future__ import annotations

from functools import lru_cache
from io import StringIO
from typing import Any, Final

from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.views import SpectacularSwaggerView

swagger = SpectacularSwaggerView.as_view(url_name="api-schema")

_YAML: Final = "application/vnd.oai.openapi"
_JSON: Final = "application/json"


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """OpenAPI as YAML, or as JSON for whoever accepts that or adds `?format=json`."""
    as_json = "json" in request.headers.get("Accept", "") or request.GET.get("format") == "json"
    content_type = _JSON if as_json else _YAML
    headers = {"Cache-Control": "public, max-age=300", "Vary": "Accept"}
    return HttpResponse(document(as_json=as_json), content_type=content_type, headers=headers)


@lru_cache(maxsize=2)
def document(*, as_json: bool) -> str:
    """The reference as text. Made once per process: a third of a second is too much to give anybody who asks."""
    text = StringIO()
    call_command("spectacular", "--format", "openapi-json" if as_json else "openapi", stdout=text)
    return text.getvalue()


class IdTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # has no types
    """How the reference calls the core family's idToken."""

    target_class = "inspection_platform.api.core.authentication.IdTokenAuthentication"
    name = "idToken"

    def get_security_definition(self, _auto_schema: AutoSchema) -> dict[str, Any]:
        """A JWT as bearer token."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `idToken` of a login, valid for an hour.",
        }


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # has no types
    """How the reference calls the core family's API key."""

    target_class = "inspection_platform.api.core.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, _auto_schema: AutoSchema) -> dict[str, Any]:
        """A key in a header."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "x-api-key",
            "description": "In place of a token: acts as the key's user, until it is revoked.",
        }


class DeviceKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # has no types
    """How the reference calls the key of a capture unit's device."""

    target_class = "inspection_platform.api.core.authentication.DeviceKeyAuthentication"
    name = "deviceKey"

    def get_security_definition(self, _auto_schema: AutoSchema) -> dict[str, Any]:
        """A key in a header."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "x-device-key",
            "description": "*Ours.* The key of one capture unit, shown once in the admin: for its recordings alone.",
        }
