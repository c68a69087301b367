"""The weaker proposals of the model on the photo page: asked for, looked at, made damages by mouse and by keys."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from assets.models import ImageSet
from damages.models import Source
from tests import factories
from tests.browser.pages import annotate_next, damage_row, damages_of, log_in, opened, shot, states, waiting_set

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def with_weaker(house: factories.House, *scores: float) -> ImageSet:
    """A set that waits, with one proposal and these weaker ones on its first photo."""
    image_set = waiting_set(house, proposals=1)
    image = image_set.images.order_by("position")[0]
    run = image_set.runs.get()
    for ordinal, score in enumerate(scores, 2):
        factories.detection(image, run=run, ordinal=ordinal, score=score)
    return image_set


def test_show_more_and_make_a_damage_with_the_mouse(
    house: factories.House, context: BrowserContext, page: Page
) -> None:
    image_set = with_weaker(house, 0.42, 0.17)
    log_in(context, house.annotator)
    annotate_next(page)
    more = page.get_by_role("button", name="Show more")
    expect(more).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".ip-mark.ip-weaker")).to_have_count(0)

    more.click()
    expect(more).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#damages > li")).to_have_count(3)
    expect(page.locator(".ip-mark.ip-weaker")).to_have_count(2)
    expect(page.locator(".ip-number", has_text="42 %")).to_be_visible()
    expect(page.locator("#weaker-note")).to_contain_text("not sure enough")
    # They are no proposals: nothing waits for a decision because of them.
    expect(page.locator("#progress")).to_have_text("1 of 1 undecided in this set")
    shot(page, "weaker")

    damage_row(page, 2).get_by_role("button", name="Make it a damage").click()
    expect(page.locator('#damages > li[data-state="accepted"]')).to_contain_text("from a weaker proposal, by Anna")
    expect(page.locator(".ip-mark.ip-weaker")).to_have_count(1)
    assert states(image_set) == ["created", "accepted"]
    made = damages_of(image_set)[1]
    assert made.source == Source.ANNOTATOR
    assert made.detection is not None
    assert made.detection.score == pytest.approx(0.42)

    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".ip-mark.ip-weaker")).to_have_count(2)
    assert states(image_set) == ["created"]
    more.click()
    expect(page.locator("#damages > li")).to_have_count(1)
    expect(page.locator("#weaker-note")).to_be_hidden()


def test_by_keys_alone(house: factories.House, context: BrowserContext, page: Page) -> None:
    image_set = with_weaker(house, 0.3)
    log_in(context, house.annotator)
    annotate_next(page)
    page.keyboard.press("m")
    expect(page.locator("#damages > li")).to_have_count(2)
    page.keyboard.press("j")
    expect(page.locator("#announcer")).to_have_text(re.compile("Not a damage yet, .*30 %, weaker proposal"))
    page.keyboard.press("r")
    page.keyboard.press("a")
    expect(page.locator('#damages > li[data-state="accepted"]')).to_have_count(1)
    assert states(image_set) == ["created", "accepted"]
    page.keyboard.press("u")
    expect(page.locator('#damages > li[data-state="weaker"]')).to_have_count(1)


def test_a_photo_without_any_says_so(house: factories.House, context: BrowserContext, page: Page) -> None:
    with_weaker(house)
    log_in(context, house.annotator)
    annotate_next(page)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#weaker-note")).to_have_text("The model saw nothing else on this photo.")


def test_who_only_looks_sees_them_too_in_the_dark(house: factories.House, context: BrowserContext, page: Page) -> None:
    image_set = with_weaker(house, 0.42)
    log_in(context, house.staff)
    page.emulate_media(color_scheme="dark")
    page.goto(f"/admin/inspections/{image_set.pk}/")
    opened(page)
    page.keyboard.press("m")
    expect(page.locator(".ip-mark.ip-weaker")).to_have_count(1)
    expect(page.get_by_role("button", name="Make it a damage")).to_have_count(0)
    shot(page, "weaker-dark")


def test_a_server_that_does_not_answer_is_told(house: factories.House, context: BrowserContext, page: Page) -> None:
    with_weaker(house, 0.42)
    log_in(context, house.annotator)
    annotate_next(page)
    page.route("**/weaker/", lambda route: route.abort())
    more = page.get_by_role("button", name="Show more")
    more.click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    expect(more).to_have_attribute("aria-pressed", "false")
    page.unroute("**/weaker/")
    more.click()
    expect(page.locator(".ip-mark.ip-weaker")).to_have_count(1)
