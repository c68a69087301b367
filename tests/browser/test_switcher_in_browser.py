"""The tenant switcher in a real browser: choosing is enough, by mouse and by keyboard, on wide and narrow screens."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from assets.models import Car
from tests.browser.pages import log_in, shot
from tests.factories import House

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page_of_all(context: BrowserContext, page: Page, ours: House, outsider: House) -> Page:
    """A global admin on the list of cars; each tenant has one."""
    for house, plate in ((ours, "OURS1"), (outsider, "THEIRS1")):
        Car(tenant=house.tenant, plate=plate).save()
    log_in(context, ours.global_admin)
    page.goto("/admin/assets/car/")
    return page


def test_choosing_a_tenant_narrows_the_list(page_of_all: Page, ours: House, outsider: House) -> None:
    page = page_of_all
    rows = page.locator("#result_list tbody tr")
    expect(rows).to_have_count(2)
    page.get_by_label("Tenant", exact=True).select_option(label=outsider.tenant.name)
    expect(page.get_by_text(f"You see what belongs to {outsider.tenant.name}.")).to_be_visible()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("THEIRS1")
    shot(page, "switcher")
    page.goto("/admin/queue/")
    expect(page.get_by_label("Tenant", exact=True)).to_have_value(str(outsider.tenant.pk))
    page.get_by_label("Tenant", exact=True).select_option(label="All my tenants")
    expect(page.get_by_text("You see all your tenants.")).to_be_visible()
    page.goto("/admin/assets/car/")
    expect(rows).to_have_count(2)


def test_it_is_within_reach_on_a_narrow_screen(page_of_all: Page, ours: House) -> None:
    page = page_of_all
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/admin/acting/")
    page.get_by_role("searchbox").last.fill("our")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("button", name="Choose Other Rental")).to_have_count(0)
    shot(page, "switcher-narrow")
    page.get_by_role("button", name="Choose Our Rental").click()
    expect(page.get_by_text(f"You see what belongs to {ours.tenant.name}.")).to_be_visible()
