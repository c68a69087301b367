"""The public API reference: OpenAPI 3 of all families, and Swagger UI with local assets."""

from __future__ import annotations

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

schema = SpectacularAPIView.as_view()
swagger = SpectacularSwaggerView.as_view(url_name="api-schema")
