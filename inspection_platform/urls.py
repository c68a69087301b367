"""The URL table of the project."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from inspection_platform.api import docs, files, health, metrics, uploads
from inspection_platform.api.routing import route
from inspection_platform.portal import answers, passwords

urlpatterns = [
    path("core/v1/", include("inspection_platform.api.core.urls")),
    path("inspektlabs/", include("inspection_platform.api.inspektlabs.urls")),
    route("api/schema/", docs.schema, "api-schema"),
    route("api/docs/", docs.swagger, "api-docs"),
    route("files/<str:token>", files.serve, "file"),
    route("uploads/<str:token>", uploads.receive, "upload"),
    route("healthz", health.report, "healthz"),
    route("metrics", metrics.export, "metrics"),
    # The admin's log-in page links to the first by this name.
    path("admin/forgotten-password/", passwords.ask, name="admin_password_reset"),
    path("admin/forgotten-password/choose/", passwords.choose, name="admin_password_choose"),
    path("admin/invitation/<str:token>/", answers.link, name="invitation"),
    path("admin/", include("inspection_platform.portal.urls")),
    path("admin/", admin.site.urls),
]
