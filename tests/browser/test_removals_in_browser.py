"""Inspections and photos removed, restored and disputed by clicking, as admins do it on their pages."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from assets.models import ImageSet
from damages.models import Damage
from tests import factories
from tests.browser.pages import damages_of, log_in, looked_at, opened, waiting_set

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def image_set(house: factories.House) -> ImageSet:
    """An inspection of two photos, three proposals on the first."""
    return waiting_set(house)


@pytest.fixture
def inspection(context: BrowserContext, page: Page, house: factories.House, image_set: ImageSet) -> Page:
    """Its page, as the tenant's admin sees it."""
    log_in(context, house.tenant_admin)
    page.goto(f"/admin/inspections/{image_set.pk}/")
    opened(page)
    return page


def asks(page: Page, words: str) -> Locator:
    """Open what asks back before something is done."""
    page.locator("summary", has_text=words).click()
    return page.locator("details[open] .ip-popover")


def told(page: Page, words: str | re.Pattern[str]) -> None:
    """What the page says after something was done."""
    expect(page.get_by_text(words).first).to_be_visible()


def test_an_inspection_is_removed_and_restored(inspection: Page, image_set: ImageSet) -> None:
    page = inspection
    question = asks(page, "Remove…")
    expect(question.get_by_text("This inspection and its damages are removed.")).to_be_visible()
    looked_at(page, "inspection-remove")
    question.get_by_role("button", name="Remove").click()
    told(page, "The inspection is removed; an admin can restore it here.")
    told(page, re.compile("Removed by Tom"))
    assert damages_of(image_set) == []
    looked_at(page, "inspection-removed")
    page.get_by_role("button", name="Restore").click()
    told(page, "The inspection is back, with its damages.")
    opened(page)
    assert len(damages_of(image_set)) == 3
    looked_at(page, "inspection-restored")


def test_a_question_is_left_by_the_keyboard(inspection: Page, image_set: ImageSet) -> None:
    page = inspection
    question = asks(page, "Remove…")
    page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(page.locator("summary", has_text="Remove…")).to_be_focused()
    asks(page, "Dispute…")
    asks(page, "Remove…")
    expect(page.locator("details[open]")).to_have_count(1)
    page.locator("h1, .ip-facts").first.click()
    expect(page.locator("details[open]")).to_have_count(0)
    assert ImageSet.objects.of(image_set.tenant_id or image_set.pk).visible().exists()


def test_a_dispute_keeps_an_inspection(inspection: Page, image_set: ImageSet) -> None:
    page = inspection
    question = asks(page, "Dispute…")
    question.get_by_role("button", name="Put it under dispute").click()
    assert page.evaluate("document.activeElement.name") == "reason", "a reason is needed"
    question.get_by_label("Reason").fill("The customer denies it.")
    looked_at(page, "inspection-dispute")
    question.get_by_role("button", name="Put it under dispute").click()
    told(page, "The inspection is under dispute: nobody can remove it, and no retention ends.")
    told(page, "Under dispute: The customer denies it.")
    expect(page.locator("summary", has_text="Remove…")).to_have_count(0)
    looked_at(page, "inspection-disputed")
    question = asks(page, "End the dispute…")
    question.get_by_label("Reason").fill("Paid.")
    question.get_by_role("button", name="End the dispute").click()
    told(page, "The dispute is over.")
    image_set.refresh_from_db()
    assert not image_set.under_dispute


def test_a_photo_is_removed_and_restored(inspection: Page, image_set: ImageSet) -> None:
    page = inspection
    question = asks(page, "Remove a photo…")
    expect(question.get_by_text("A photo is removed with the damages on it.")).to_be_visible()
    looked_at(page, "photo-remove")
    question.get_by_role("button", name="Remove").first.click()
    told(page, re.compile("is removed; an admin can restore it below."))
    assert damages_of(image_set) == []
    opened(page)
    looked_at(page, "photo-removed")
    page.get_by_role("button", name="Restore").click()
    told(page, re.compile("is back, with its damages."))
    assert len(damages_of(image_set)) == 3


def test_an_inspection_may_lose_all_its_photos(inspection: Page, image_set: ImageSet) -> None:
    page = inspection
    for _ in range(2):
        asks(page, "Remove a photo…").get_by_role("button", name="Remove").first.click()
        told(page, re.compile("is removed; an admin can restore it below."))
    expect(page.locator("summary", has_text="Remove a photo…")).to_have_count(0)
    expect(page.get_by_role("button", name="Restore")).to_have_count(2)
    looked_at(page, "photos-all-removed")
    assert not Damage.objects.of(image_set.tenant_id or image_set.pk).visible().exists()


def test_who_is_no_admin_finds_no_such_buttons(
    context: BrowserContext, page: Page, house: factories.House, image_set: ImageSet
) -> None:
    log_in(context, house.annotator)
    page.goto(f"/admin/inspections/{image_set.pk}/")
    opened(page)
    for words in ("Remove…", "Dispute…", "Remove a photo…"):
        expect(page.locator("summary", has_text=words)).to_have_count(0)
