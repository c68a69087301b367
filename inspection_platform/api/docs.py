"""The public API reference: OpenAPI 3 of all families, and Swagger UI with local assets."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

schema = SpectacularAPIView.as_view()
swagger = SpectacularSwaggerView.as_view(url_name="api-schema")


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
