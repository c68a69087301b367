"""Routes of the Inspektlabs-shaped family."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
