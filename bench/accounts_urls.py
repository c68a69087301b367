"""The platform's routes and a bare Django view that answers with bytes it was given beforehand."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from inspection_platform.urls import urlpatterns as platform


@csrf_exempt
def bare(_request: HttpRequest, name: str) -> HttpResponse:
    """The bytes of that name, as JSON."""
    return HttpResponse(_body(name), content_type="application/json")


@cache
def _body(name: str) -> bytes:
    return (Path(os.environ["BENCH_SCRATCH"]) / f"{name}.json").read_bytes()


urlpatterns = [path("bare/<slug:name>", bare), *platform]
