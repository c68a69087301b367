"""Fixtures that every test may use: two tenants always, ours and the outsider."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.cache import cache

from tests import factories, queue
from tests.settings import SCRATCH


@pytest.fixture(scope="session", autouse=True)
def scratch() -> Iterator[Path]:
    """The directory of this run's files, removed at the end."""
    yield SCRATCH
    shutil.rmtree(SCRATCH, ignore_errors=True)


@pytest.fixture
def ours(db: None) -> factories.House:
    """Our tenant with a person of each role and a key of each family."""
    cache.clear()
    return factories.house("Our Rental")


@pytest.fixture
def outsider(db: None) -> factories.House:
    """The other tenant, whose people and keys must reach nothing of ours."""
    return factories.house("Other Rental")


@pytest.fixture
def drain() -> Callable[[], int]:
    """Run everything that is queued, in this process, until nothing is left; returns how many tasks ran."""
    return queue.drain
