"""Fixtures that every test may use: two tenants always, ours and the outsider."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from pytest_django import Settings
from xdist.scheduler import LoadScopeScheduling

from tests import factories, queue
from tests.outbox import Message, Outbox
from tests.settings import SCRATCH


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Deal out the tests under `-n` one by one, but the live ones together: they share a running platform."""
    scheduler: Any = LoadScopeScheduling(config, log)
    scheduler._split_scope = lambda nodeid: "live" if nodeid.startswith("tests/live/") else nodeid
    return scheduler


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
def own_storage(settings: Settings, tmp_path: Path) -> Path:
    """A storage of this test's own, for tests that look at all of it; other tests leave files in the common one."""
    root = tmp_path / "media"
    incoming = root / ".incoming"
    incoming.mkdir(parents=True)
    options = settings.STORAGES["default"]["OPTIONS"] | {"location": str(root)}
    settings.STORAGES = settings.STORAGES | {"default": settings.STORAGES["default"] | {"OPTIONS": options}}
    settings.FILE_UPLOAD_TEMP_DIR = str(incoming)
    return root


@pytest.fixture
def outbox(settings: Settings) -> list[Message]:
    """The messages to phones, from now on, of an installation that reaches phones; e-mails go to Django's outbox."""
    Outbox.messages.clear()
    Outbox.errors.clear()
    settings.CODE_BACKEND = "tests.outbox.Outbox"
    return Outbox.messages


@pytest.fixture
def drain() -> Callable[[], int]:
    """Run everything that is queued, in this process, until nothing is left; returns how many tasks ran."""
    return queue.drain
