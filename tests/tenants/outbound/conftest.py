"""Fixtures of the outbound tests; the servers and the resolver themselves are in peers.py."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from tests.tenants.outbound.peers import Names, Peer, Talk


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    """Start servers that end with the test."""
    peers: list[Peer] = []

    def make(talk: bytes | dict[str, bytes] | Talk, **options: Any) -> Peer:
        peers.append(Peer(talk, **options))
        peers[-1].start()
        return peers[-1]

    yield make
    for one in peers:
        one.close()


@pytest.fixture(autouse=True)
def nothing_allowed(settings: Settings) -> None:
    """The shipped default, whatever this machine's environment says."""
    settings.OUTBOUND_ALLOW = []


@pytest.fixture
def loopback_allowed(nothing_allowed: None, settings: Settings) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Replace the system's look-up, which every way of connecting in this process goes through."""
    made = Names()
    monkeypatch.setattr(socket, "getaddrinfo", made.look_up)
    return made
