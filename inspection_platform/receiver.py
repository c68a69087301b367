"""A receiver of callbacks for development: verifies the signature, hands on the message."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final, cast

from tenants.outbound import SignatureError, verify

#: Larger messages are none of ours.
MAX_BYTES: Final = 20_000_000


class Receiver(HTTPServer):
    """A server on the loopback that passes each correctly signed JSON message to `hear` and answers 204.

    A wrong signature is answered with 401, anything else that is no message of ours with 400. `secrets` is asked for
    each message, so a rotation is noticed. Port 0 takes a free one (`server_port` tells which).
    """

    def __init__(
        self, *, port: int, secrets: Callable[[], Sequence[str]], hear: Callable[[dict[str, Any]], None]
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self._secrets = secrets
        self._hear = hear

    def take(self, headers: dict[str, str], body: bytes) -> HTTPStatus:
        """What to answer to a message; `hear` gets it if it is signed."""
        try:
            verify(self._secrets(), headers=headers, body=body)
            self._hear(json.loads(body))
        except SignatureError:
            return HTTPStatus.UNAUTHORIZED
        except ValueError:
            return HTTPStatus.BAD_REQUEST
        return HTTPStatus.NO_CONTENT


class _Handler(BaseHTTPRequestHandler):
    """Reads a POST's body and answers what the server makes of it."""

    def do_POST(self) -> None:
        """Take one message."""
        length = self.headers.get("Content-Length", "")
        if length.isdigit() and 0 < int(length) <= MAX_BYTES:
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = cast("Receiver", self.server).take(headers, self.rfile.read(int(length)))
        else:
            status = HTTPStatus.BAD_REQUEST
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the standard library
        """Say nothing: what counts is said by `hear`."""
