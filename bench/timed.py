"""Requests one after the other, with what the server said of each (`bench.timing`)."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlsplit

from bench.clients import Question
from bench.timing import MILLISECONDS, QUERIES


@dataclass(frozen=True, slots=True)
class Timed:
    """One answer: how long the view took in milliseconds, how many queries it made, and the body."""

    milliseconds: float
    queries: int
    body: bytes


def timed(questions: Iterable[Question]) -> list[Timed]:
    """Ask the questions, all of one server, over one connection; RuntimeError for a refusal."""
    found: list[Timed] = []
    connection: HTTPConnection | None = None
    for question in questions:
        if connection is None:
            address = urlsplit(question.url)
            connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
        connection.request(question.method, question.path, body=question.body, headers=dict(question.headers))
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{question.method} {question.path}: {response.status} {body[:200]!r}")
        found.append(Timed(float(response.headers[MILLISECONDS]), int(response.headers[QUERIES]), body))
    if connection is not None:
        connection.close()
    return found


def p50(answers: Iterable[Timed]) -> float:
    """The median of the milliseconds."""
    return statistics.median(answer.milliseconds for answer in answers)


def p95(answers: Iterable[Timed]) -> float:
    """The milliseconds that nineteen of twenty took at most."""
    return statistics.quantiles((answer.milliseconds for answer in answers), n=20)[-1]
