"""When several people, slow servers, phones or the night come in between: the staff pages in a browser."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django import Settings

from assets.models import ImageSetState
from damages.models import ManualProcessing, ResultCause, Step
from damages.services.manual import manual_job_lock
from damages.services.results import result_publish
from tenants.models import ANNOTATOR, Delivery, DeliveryAttempt, DeliveryState, Event
from tenants.services.deliveries import delivery_create
from tests import factories
from tests.browser.pages import (
    annotate_next,
    damage_row,
    fits,
    job_of,
    lightness,
    log_in,
    opened,
    shot,
    states,
    waiting_set,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_second_person_cannot_open_a_held_set(
    house: factories.House, page: Page, context: BrowserContext, browser: Browser, live_server: Any
) -> None:
    image_set = waiting_set(house)
    log_in(context, house.annotator)
    annotate_next(page)

    second = factories.user(house.tenant, group=ANNOTATOR, staff=True, first_name="Bert")
    other = browser.new_context(base_url=live_server.url)
    log_in(other, second)
    their_page = other.new_page()
    response = their_page.goto(f"/admin/queue/{image_set.pk}/")
    assert response
    assert response.status == 409
    expect(their_page.get_by_role("heading", name="Anna is working on this set")).to_be_visible()
    shot(their_page, "held")
    their_page.get_by_role("link", name="Look at it").click()
    opened(their_page)
    expect(their_page.get_by_role("button", name="Accept")).to_have_count(0)

    # Released, it is theirs to take.
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_text("waits in the queue again")).to_be_visible()
    their_page.reload()
    their_page.get_by_role("button", name="Annotate this set").click()
    expect(their_page).to_have_url(re.compile(f"/admin/queue/{image_set.pk}/$"))
    assert job_of(image_set).holder == second
    other.close()


def test_whose_lock_was_taken_is_told(house: factories.House, page: Page, context: BrowserContext) -> None:
    image_set = waiting_set(house)
    log_in(context, house.annotator)
    annotate_next(page)
    second = factories.user(house.tenant, group=ANNOTATOR)
    assert ManualProcessing.objects.of(house.tenant.pk).update(locked_until=timezone.now() - timedelta(seconds=1)) == 1
    manual_job_lock(user=second, image_set=image_set, step=Step.ANNOTATION)

    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="This set is no longer yours")).to_be_visible()
    shot(page, "lost")
    page.get_by_role("link", name="Back to the queue").click()
    expect(page).to_have_url(re.compile("/admin/queue/$"))
    assert states(image_set) == ["created"] * 3


def test_a_lock_that_ran_out_can_be_gone_on_with(
    house: factories.House, page: Page, context: BrowserContext, settings: Settings
) -> None:
    settings.MANUAL_LOCK_SECONDS = 4
    image_set = waiting_set(house)
    log_in(context, house.annotator)
    annotate_next(page)
    expect(page.get_by_role("alert")).to_contain_text("Your time with this set is over")
    shot(page, "over")
    settings.MANUAL_LOCK_SECONDS = 1800
    page.get_by_role("button", name="Go on with it").click()
    expect(page.locator("#lock")).to_have_text(re.compile(r"Yours for (29|30):\d\d"))
    expect(page.get_by_role("alert")).to_be_hidden()
    job = job_of(image_set)
    assert job.holder == house.annotator
    assert job.locked_until
    assert job.locked_until > timezone.now() + timedelta(minutes=20)


def test_when_the_server_is_away_nothing_is_lost_or_pretended(
    house: factories.House, page: Page, context: BrowserContext
) -> None:
    image_set = waiting_set(house)
    log_in(context, house.annotator)
    annotate_next(page)
    page.route("**/decide/", lambda route: route.abort())
    page.keyboard.press("a")
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached")
    expect(damage_row(page, 1)).to_have_attribute("data-state", "created")
    expect(damage_row(page, 1)).to_have_attribute("aria-current", "true")
    page.unroute("**/decide/")
    page.keyboard.press("a")
    expect(damage_row(page, 1)).to_have_attribute("data-state", "accepted")
    expect(page.get_by_role("alert")).to_be_hidden()

    # Logged out elsewhere: told so, not shown a login page as if it were an answer.
    context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.keyboard.press("r")
    expect(page.get_by_role("alert")).to_contain_text(re.compile("logged out|Reload the page"))
    log_in(context, house.annotator)
    page.keyboard.press("r")
    expect(damage_row(page, 2)).to_have_attribute("data-state", "rejected")
    assert states(image_set) == ["accepted", "rejected", "created"]


def test_a_photo_that_does_not_load_can_be_tried_again(
    house: factories.House, page: Page, context: BrowserContext
) -> None:
    waiting_set(house, photos=1)
    log_in(context, house.annotator)
    page.route("**/photos/*/", lambda route: route.abort())
    page.goto("/admin/queue/")
    page.get_by_role("button", name="Annotate next").click()
    expect(page.get_by_text("The photo could not be loaded.")).to_be_visible()
    shot(page, "photo-broken")
    page.unroute("**/photos/*/")
    page.get_by_role("button", name="Try again").click()
    opened(page)


def test_a_phone_shows_everything_without_scrolling_sideways(
    house: factories.House, browser: Browser, live_server: Any
) -> None:
    image_set = waiting_set(house)
    phone = browser.new_context(
        base_url=live_server.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    log_in(phone, house.annotator)
    page = phone.new_page()
    page.goto("/admin/queue/")
    shot(page, "phone-queue")
    fits(page)
    page.get_by_role("button", name="Annotate next").tap()
    opened(page)
    fits(page)
    shot(page, "phone-work")
    damage_row(page, 1).get_by_role("button", name="Accept").tap()
    expect(damage_row(page, 1)).to_have_attribute("data-state", "accepted")
    page.goto(f"/admin/inspections/{image_set.pk}/")
    opened(page)
    fits(page)
    shot(page, "phone-inspection")
    phone.close()


def test_dark_mode_is_dark(house: factories.House, browser: Browser, live_server: Any) -> None:
    image_set = waiting_set(house)
    night = browser.new_context(base_url=live_server.url, color_scheme="dark", viewport={"width": 1400, "height": 900})
    log_in(night, house.annotator)
    page = night.new_page()
    page.goto("/admin/queue/")
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    shot(page, "dark-queue")
    page.get_by_role("button", name="Annotate next").click()
    opened(page)
    for place in (".ip-damage", ".ip-button", "#main"):
        assert lightness(page.locator(place).first, "backgroundColor") < 0.3
    for place in (".ip-damage-number", ".ip-facts li", ".ip-list-title"):
        assert lightness(page.locator(place).first, "color") > 0.6
    shot(page, "dark-work")
    page.goto(f"/admin/inspections/{image_set.pk}/")
    opened(page)
    shot(page, "dark-inspection")
    night.close()


def test_staff_look_at_an_inspection_and_admins_act_on_it(
    house: factories.House, page: Page, context: BrowserContext
) -> None:
    image_set = waiting_set(house)
    result = result_publish(image_set=image_set, cause=ResultCause.MODELS, run=image_set.runs.get())
    event = Event.objects.of(house.tenant.pk).get(subject_id=result.pk)
    delivery = delivery_create(
        event=event, tenant_id=house.tenant.pk, family="inspektlabs", target="http://client.example/hook", body="{}",
        retry_delays=[],
    )  # fmt: skip
    Delivery.objects.of(house.tenant.pk).filter(pk=delivery.pk).update(state=DeliveryState.FAILED)
    DeliveryAttempt(delivery=delivery, number=1, status=500, error="HTTP 500", elapsed_ms=12).save()
    log_in(context, house.staff)
    page.goto(f"/admin/inspections/{image_set.pk}/")
    opened(page)
    expect(page.locator("#damages > li")).to_have_count(3)
    for words in ("Accept", "Run again", "Send again", "Annotate this set"):
        expect(page.get_by_role("button", name=words)).to_have_count(0)
    shot(page, "inspection-staff")

    context.clear_cookies()
    log_in(context, house.tenant_admin)
    page.reload()
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("It goes to http://client.example/hook again.")).to_be_visible()
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.WAITING
    page.locator("summary", has_text="Run again").click()
    shot(page, "inspection-admin")
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_text("The set is in the pipeline again.")).to_be_visible()
    image_set.refresh_from_db()
    assert image_set.state == ImageSetState.PROCESSING
    shot(page, "inspection-running")
