"""What the view itself took, told in headers: it is measured without the web server and the client around it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponseBase

MILLISECONDS = "X-Bench-Milliseconds"
QUERIES = "X-Bench-Queries"


class Timing:
    """The innermost middleware: times authentication, view and rendering, and counts their queries."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, with how long it took and how many queries."""
        queries = 0

        def count(execute: Callable[..., Any], *args: Any) -> Any:
            nonlocal queries
            queries += 1
            return execute(*args)

        started = time.perf_counter()
        with connection.execute_wrapper(count):
            response = self.get_response(request)
        response.headers[MILLISECONDS] = f"{(time.perf_counter() - started) * 1000:.3f}"
        response.headers[QUERIES] = str(queries)
        return response
