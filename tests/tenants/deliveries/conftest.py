"""Receivers on loopback, and a tenant that sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from tenants.models import Tenant
from tenants.services.settings import tenant_create
from tests.tenants.deliveries.messages import OK
from tests.tenants.outbound.peers import Peer


@pytest.fixture(autouse=True)
def loopback_allowed(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1/32"]


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    """Start receivers that end with the test."""
    peers: list[Peer] = []

    def make(talk: Any = OK) -> Peer:
        peers.append(Peer(talk))
        peers[-1].start()
        return peers[-1]

    yield make
    for one in peers:
        one.close()


@pytest.fixture
def tenant(db: None) -> Tenant:
    return tenant_create(name="Sender")
