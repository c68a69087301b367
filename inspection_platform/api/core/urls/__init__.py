"""Routes of the core family, by resource."""

from __future__ import annotations

from inspection_platform.api.core.urls import auth, damages, image_sets

urlpatterns = [*auth.urlpatterns, *image_sets.urlpatterns, *damages.urlpatterns]
