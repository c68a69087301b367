"""The way of somebody who forgot their password, with scripts and without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from playwright.sync_api import Browser, expect

from tests import factories
from tests.outbox import Message

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FRESH = "Another-h0rse"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "none"])
def test_from_the_log_in_page_to_the_first_page(
    browser: Browser,
    live_server: Any,
    ours: factories.House,
    outbox: list[Message],
    drain: Callable[[], int],
    scripts: bool,
) -> None:
    cache.clear()
    context = browser.new_context(base_url=live_server.url, java_script_enabled=scripts)
    page = context.new_page()
    page.goto("/admin/login/")
    page.get_by_text("Forgotten your password").click()
    page.get_by_label("Phone number or e-mail").fill(ours.staff.phone)
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_label("Phone number or e-mail")).to_have_value(ours.staff.phone)
    drain()
    page.get_by_label("Code").fill(outbox[0].code.lower())
    page.locator("[name=password]").fill(FRESH)
    page.locator("[name=again]").fill(FRESH)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("Your new password is set.")).to_be_visible()
    page.locator("[name=username]").fill(ours.staff.phone)
    page.locator("[name=password]").fill(FRESH)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")
    context.close()
