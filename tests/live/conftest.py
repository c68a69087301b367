"""One platform for all live tests of a session; whoever breaks it mends it. Under xdist one worker runs them all."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.live.stack import Client, Mailbox, Stack, folder_of_its_own, mailbox, own_database


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A running platform with short leases, so that what was lost is found again while a test waits."""
    with folder_of_its_own() as folder, own_database(folder, name=f"live_{os.getpid()}") as url:
        running = Stack(folder, url, {"JOB_LEASE_SECONDS": "5", "INSPEKTLABS_RETRY_SECONDS": "1"})
        try:
            running.start()
            yield running
        finally:
            if running.process is not None:
                running.stop()


@pytest.fixture(scope="session")
def client(stack: Stack) -> Client:
    """A client of the demo tenant."""
    return Client(stack, stack.demo()["tenants"]["demo"])


@pytest.fixture
def inbox(client: Client) -> Iterator[Mailbox]:
    """A receiver of the demo tenant's callbacks."""
    with mailbox(client.demo["webhook_secret"]) as box:
        yield box
