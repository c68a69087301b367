"""Routes that are printed as the vendor prints them and answer with and without the trailing slash."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponseBase
from django.urls import URLPattern
from django.urls.resolvers import RoutePattern


class EitherSlash(RoutePattern):
    """A route's end that accepts exactly one trailing slash more, or less, than it is written with."""

    def match(self, path: str) -> tuple[str, tuple[Any, ...], dict[str, Any]] | None:
        """Django's match, then the other form."""
        other = path[:-1] if path.endswith("/") else f"{path}/"
        return super().match(path) or super().match(other)


def route(pattern: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
    """Like `django.urls.path`, for an endpoint with an optional trailing slash."""
    return URLPattern(EitherSlash(pattern, name=name, is_endpoint=True), view, {}, name)
