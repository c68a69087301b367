"""Annotation and review as people do them: in a browser, with the mouse and with keys alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from damages.models import Damage, DamageDecision, ManualStatus, Source, Step
from damages.services.decisions import damage_decide
from damages.services.manual import manual_job_finish, manual_job_lock
from tests import factories
from tests.browser.pages import (
    annotate_next,
    damage_row,
    damages_of,
    job_of,
    log_in,
    opened,
    pressed_through,
    shot,
    states,
    waiting_set,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_annotate_with_the_mouse(house: factories.House, page: Page) -> None:
    image_set = waiting_set(house)
    # Through the login form, as a person does.
    page.goto("/admin/queue/")
    page.get_by_label("Phone").fill(house.annotator.phone)
    page.get_by_label("Password").fill(factories.PASSWORD)
    shot(page, "login")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Annotation")).to_be_visible()
    shot(page, "queue")

    page.get_by_role("button", name="Annotate next").click()
    expect(page).to_have_url(re.compile(f"/admin/queue/{image_set.pk}/$"))
    opened(page)
    expect(page.locator("#damages > li")).to_have_count(3)
    expect(page.locator("#lock")).to_have_text(re.compile(r"Yours for (29|30):\d\d"))
    shot(page, "work")

    damage_row(page, 1).get_by_role("button", name="Accept").click()
    expect(damage_row(page, 1)).to_have_attribute("data-state", "accepted")
    # The next undecided damage is chosen by itself.
    expect(damage_row(page, 2)).to_have_attribute("aria-current", "true")
    damage_row(page, 2).get_by_role("button", name="Reject").click()
    expect(damage_row(page, 2)).to_have_attribute("data-state", "rejected")
    damage_row(page, 3).get_by_label("Category").select_option("dents")
    expect(damage_row(page, 3).get_by_role("button", name="Undo")).to_be_visible()

    page.get_by_role("button", name="Draw").click()
    stage = page.locator("#photo").bounding_box()
    assert stage
    page.mouse.move(stage["x"] + stage["width"] * 0.45, stage["y"] + stage["height"] * 0.65)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.55, stage["y"] + stage["height"] * 0.8, steps=4)
    page.mouse.up()
    page.get_by_label("Category", exact=True).select_option("paintChips")
    shot(page, "drawing")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#damages > li")).to_have_count(4)
    expect(damage_row(page, 4)).to_contain_text("drawn by Anna")
    shot(page, "annotated")

    # One proposal is undecided: the page asks, the annotator may.
    page.get_by_role("button", name="Finish and next").click()
    expect(page.locator("#ask-dialog")).to_contain_text("One proposal is undecided")
    shot(page, "finish-asks")
    page.locator("#ask-dialog").get_by_role("button", name="Finish").click()
    expect(page).to_have_url(re.compile(r"/admin/queue/\?empty=ANNOTATION$"))
    expect(page.get_by_text("nothing else waits for annotation")).to_be_visible()
    shot(page, "queue-empty")

    assert states(image_set) == ["accepted", "rejected", "created", "accepted"]
    drawn = Damage.objects.of(house.tenant.pk).get(source="annotator")
    assert (drawn.category, drawn.created_by, drawn.confidence) == ("paintChips", house.annotator, None)
    assert job_of(image_set).status == ManualStatus.REVIEW_WAITING
    recorded = DamageDecision.objects.of(house.tenant.pk).order_by("created_at").values_list("action", "by", "step")
    assert list(recorded) == [
        (action, house.annotator.pk, "annotator") for action in ("accepted", "rejected", "category", "drawn")
    ]


def test_one_damage_on_many_photos_is_decided_at_once(
    house: factories.House, page: Page, context: BrowserContext
) -> None:
    image_set = waiting_set(house, photos=3, proposals=2)
    first, _ = damages_of(image_set)
    for image in image_set.images.order_by("position")[1:]:
        factories.damage(image, representative=first)
    log_in(context, house.annotator)
    annotate_next(page)
    expect(damage_row(page, 1)).to_contain_text("seen on 3 photos")
    shot(page, "family")
    damage_row(page, 1).get_by_role("button", name="Accept all 3").click()
    expect(page.locator("#progress")).to_have_text("1 of 4 undecided in this set")
    page.keyboard.press("u")
    expect(page.locator("#progress")).to_have_text("4 of 4 undecided in this set")
    page.keyboard.press("Shift+R")
    expect(page.locator("#progress")).to_have_text("1 of 4 undecided in this set")
    assert states(image_set) == ["rejected", "created", "rejected", "rejected"]


def test_review_with_the_mouse(house: factories.House, page: Page, context: BrowserContext) -> None:
    image_set = waiting_set(house)
    manual_job_lock(user=house.annotator, image_set=image_set, step=Step.ANNOTATION)
    first, second, _ = damages_of(image_set)
    damage_decide(user=house.annotator, damage=first, action="accept", step=Source.ANNOTATOR)
    damage_decide(user=house.annotator, damage=second, action="reject", step=Source.ANNOTATOR)
    manual_job_finish(user=house.annotator, image_set=image_set, step=Step.ANNOTATION)
    log_in(context, house.reviewer)
    page.goto("/admin/queue/")
    page.get_by_role("button", name="Review next").click()
    opened(page)
    page.get_by_role("button", name="Finish", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("1 proposal is not decided yet.")
    shot(page, "review-refused")
    damage_row(page, 3).get_by_role("button", name="Reject").click()
    expect(damage_row(page, 3)).to_have_attribute("data-state", "rejected")
    page.get_by_role("button", name="Finish", exact=True).click()
    expect(page).to_have_url(re.compile("/admin/queue/$"))
    assert job_of(image_set).status == ManualStatus.REVIEWED
    assert image_set.results.order_by("version").last() is not None


def test_annotate_with_keys_alone(house: factories.House, page: Page, context: BrowserContext) -> None:
    image_set = waiting_set(house)
    following = waiting_set(house, photos=1, proposals=0)
    log_in(context, house.annotator)
    page.goto("/admin/queue/")
    pressed_through(page, "Annotate next")
    page.keyboard.press("Enter")
    opened(page)
    keys = page.keyboard

    keys.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    shot(page, "help")
    keys.press("Escape")
    keys.press("a")
    expect(damage_row(page, 1)).to_have_attribute("data-state", "accepted")
    expect(damage_row(page, 2)).to_have_attribute("aria-current", "true")
    keys.press("r")
    expect(damage_row(page, 2)).to_have_attribute("data-state", "rejected")
    keys.press("u")
    expect(damage_row(page, 2)).to_have_attribute("data-state", "created")
    expect(damage_row(page, 2)).to_have_attribute("aria-current", "true")
    keys.press("a")
    expect(damage_row(page, 2)).to_have_attribute("data-state", "accepted")
    keys.press("k")
    expect(damage_row(page, 2)).to_have_attribute("aria-current", "true")
    keys.press("j")
    expect(damage_row(page, 3)).to_have_attribute("aria-current", "true")
    keys.press("c")
    expect(damage_row(page, 3).get_by_label("Category")).to_be_focused()
    keys.press("D")  # "Dent" is chosen by its first letter, "Scratches over an area" by another
    keys.press("Tab")
    expect(damage_row(page, 3).get_by_label("Category")).to_have_value("dents")
    keys.press("r")
    expect(damage_row(page, 3)).to_have_attribute("data-state", "rejected")

    keys.press("f")
    expect(page).to_have_url(re.compile(f"/admin/queue/{following.pk}/$"))
    assert states(image_set) == ["accepted", "accepted", "rejected"]
    assert job_of(image_set).status == ManualStatus.REVIEW_WAITING
    assert job_of(following).holder == house.annotator


def test_look_closer_and_draw_with_keys_alone(house: factories.House, page: Page, context: BrowserContext) -> None:
    image_set = waiting_set(house)
    log_in(context, house.annotator)
    annotate_next(page)
    keys = page.keyboard
    keys.press("z")
    zoomed = page.locator("#photo").get_attribute("viewBox")
    keys.press("0")
    assert page.locator("#photo").get_attribute("viewBox") == "0 0 640 480" != zoomed

    keys.press("n")
    expect(page.locator("#photo-name")).to_contain_text("2 of 2")
    opened(page)
    expect(page.locator("#no-damages")).to_be_visible()
    keys.press("d")
    box = page.locator("rect.ip-new")
    before = float(box.get_attribute("x") or "nan")
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowDown"):
        keys.press(key)
    assert float(box.get_attribute("x") or "nan") == pytest.approx(before + 2 * 6.4)
    shot(page, "drawing-by-keys")
    keys.press("Enter")
    expect(page.locator("#damages > li")).to_have_count(1)
    keys.press("x")
    expect(page.locator("#damages > li")).to_have_count(0)
    keys.press("u")
    expect(page.locator("#damages > li")).to_have_count(1)
    assert states(image_set) == ["created", "created", "created", "accepted"]
