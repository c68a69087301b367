"""Routes of registration and password reset."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
