"""Four clients that ask one web server as fast as it answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlsplit

CLIENTS = 4


@dataclass(frozen=True, slots=True)
class Question:
    """A request to be sent again and again to the server at `url`."""

    url: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: bytes | None = None


@dataclass(slots=True)
class Answers:
    """How long each answer took, in seconds, and how long all of it took."""

    times: list[float]
    elapsed: float

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.times) / self.elapsed


def ask(question: Question, *, duration_s: float) -> Answers:
    """Let the clients ask for so long, each over one connection that it keeps."""
    times: list[list[float]] = [[] for _ in range(CLIENTS)]
    failures: list[BaseException] = []
    until = time.perf_counter() + duration_s
    clients = [threading.Thread(target=_client, args=(question, until, mine, failures)) for mine in times]
    started = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    if failures:
        raise failures[0]
    return Answers([taken for mine in times for taken in mine], time.perf_counter() - started)


def answer(question: Question) -> bytes:
    """The body of one answer; RuntimeError if it is a refusal."""
    connection = _connection(question)
    try:
        return _asked(connection, question)
    finally:
        connection.close()


def _client(question: Question, until: float, times: list[float], failures: list[BaseException]) -> None:
    connection = _connection(question)
    try:
        while time.perf_counter() < until:
            started = time.perf_counter()
            _asked(connection, question)
            times.append(time.perf_counter() - started)
    except Exception as error:  # noqa: BLE001 - told by the thread that waits for this one
        failures.append(error)
    finally:
        connection.close()


def _connection(question: Question) -> HTTPConnection:
    address = urlsplit(question.url)
    return HTTPConnection(address.hostname or "", address.port, timeout=60)


def _asked(connection: HTTPConnection, question: Question) -> bytes:
    connection.request(question.method, question.path, body=question.body, headers=dict(question.headers))
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{question.method} {question.path}: {response.status} {body[:200]!r}")
    return body
