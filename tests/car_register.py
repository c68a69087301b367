"""Another system that knows cars, on loopback, for tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from pytest_django import Settings

from tests.tenants.outbound.peers import Peer, Talk, answer

FIELDS = {
    "vin": "cars.0.vin",
    "make": "cars.0.make",
    "model": "cars.0.model",
    "year": "cars.0.first",
    "color": "cars.0.color",
    "fuel": "cars.0.fuel",
    "gear": "cars.0.gear",
    "kilowatts": "cars.0.kw",
    "displacement": "cars.0.cm3",
}
SKODA: dict[str, Any] = {
    "vin": "TMBJG7NE5C0123456",
    "make": "Škoda",
    "model": "Octavia",
    "first": "2012-06-01",
    "color": "Grå",
    "fuel": "Diesel",
    "gear": "Manuell",
    "kw": 77.0,
    "cm3": 1598,
}
Connect = Callable[..., Peer]


def holding(*cars: dict[str, Any]) -> bytes:
    """The system's answer with these cars."""
    return answer(json.dumps({"cars": cars}).encode())


@pytest.fixture
def connect(settings: Settings) -> Iterator[Connect]:
    """Start the system with a way to talk and connect the platform to it."""
    peers: list[Peer] = []

    def make(talk: bytes | dict[str, bytes] | Talk, **changes: Any) -> Peer:
        cache.clear()
        peer = Peer(talk)
        peer.start()
        peers.append(peer)
        settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]
        settings.CAR_INFO_URL = peer.url("/cars/{plate}?country={country}")
        settings.CAR_INFO_VIN_URL = peer.url("/vins/{vin}")
        settings.CAR_INFO_HEADERS = {"Authorization": "Apikey hidden"}
        settings.CAR_INFO_FIELDS = FIELDS
        settings.CAR_INFO_SECONDS = 5.0
        for name, value in changes.items():
            setattr(settings, name, value)
        return peer

    yield make
    for peer in peers:
        peer.close()
