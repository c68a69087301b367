"""A real browser for the tests of pages. Without one they fail: a page that nobody opened is not tested."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests import factories

# Playwright's synchronous interface keeps an event loop in this thread, which Django takes for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, started once."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser, live_server: Any) -> Iterator[BrowserContext]:
    """A fresh profile at the live server. A script error or a request to elsewhere fails the test."""
    made = browser.new_context(base_url=live_server.url, viewport={"width": 1400, "height": 900})
    made.set_default_timeout(15_000)
    problems: list[str] = []
    made.on("weberror", lambda error: problems.append(f"script error: {error.error}"))
    made.on(
        "request",
        lambda request: (
            problems.append(f"outside: {request.url}")
            if not request.url.startswith((live_server.url, "data:", "blob:"))
            else None
        ),
    )
    yield made
    made.close()
    assert not problems


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty page of that profile."""
    return context.new_page()


@pytest.fixture
def house(live_server: Any, ours: factories.House) -> factories.House:
    """Our tenant, which wants annotation and review."""
    factories.settings(ours.tenant, manualAnnotationEnabled=True, manualReviewEnabled=True)
    return ours
