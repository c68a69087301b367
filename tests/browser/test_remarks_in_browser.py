"""What is wrong with a photo stands above it, on photos that have something wrong, and only there."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from imaging.gate import REASONS
from tests import factories
from tests.browser.pages import annotate_next, fits, log_in, opened, shot, waiting_set

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_reasons_stand_above_the_photo(house: factories.House, context: BrowserContext, scheme: str) -> None:
    image_set = waiting_set(house)
    first = image_set.images.order_by("position")[0]
    first.flags = ["too_dark", "car_cut"]
    first.save()
    log_in(context, house.annotator)
    page: Page = context.new_page()
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    annotate_next(page)
    remarks = page.locator("#photo-remarks")
    expect(remarks).to_have_text(f"{REASONS['too_dark']} {REASONS['car_cut']}")
    fits(page)
    shot(page, f"remarks-{scheme}")
    page.keyboard.press("n")
    opened(page)
    expect(remarks).to_be_hidden()
