"""Routes of the core family, by resource."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
