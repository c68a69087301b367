"""Annotation and review as people do them: in a browser, with the mouse, with keys alone, on a phone, in the dark."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import BrowserContext, Locator, Page, expect

from assets.models import ImageSet
from damages.models import Damage, DamageDecision, ManualProcessing, ManualStatus
from damages.services.manual import manual_open
from tenants.models import ANNOTATOR, User
from tests import factories
from tests.browser.conftest import shot

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def house(live_server: Any, ours: factories.House) -> factories.House:
    factories.settings(ours.tenant, manualAnnotationEnabled=True, manualReviewEnabled=True)
    return ours


def waiting_set(house: factories.House, *, photos: int = 2, proposals: int = 3) -> ImageSet:
    """A set of drawn photos with proposals on the first one, opened for people as the pipeline does it."""
    image_set = factories.image_set(house.tenant, photos=photos)
    image = image_set.images.order_by("position")[0]
    for number in range(proposals):
        left = 0.1 + 0.25 * number
        polygon = [[left, 0.4], [left + 0.12, 0.38], [left + 0.14, 0.5], [left, 0.52]]
        factories.damage(image, polygon=polygon, confidence=0.9 - 0.2 * number)
    factories.run(image_set)
    manual_open(image_set=image_set)
    return image_set


def log_in(context: BrowserContext, person: User) -> None:
    """Give the browser a session of the person."""
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "domain": "localhost", "path": "/"}])


def opened(page: Page) -> None:
    """Wait until the photo view has started and its photo is there."""
    expect(page.locator("#viewer[data-ready]")).to_be_attached()
    expect(page.locator("#stage-note")).to_be_empty()


def damage_row(page: Page, number: int) -> Locator:
    return page.locator("#damages > li").nth(number - 1)


def states(image_set: ImageSet) -> list[str]:
    rows = Damage.objects.of(image_set.tenant_id or image_set.pk).visible().filter(image_set=image_set)
    return list(rows.order_by("created_at").values_list("state", flat=True))


def job_of(image_set: ImageSet) -> ManualProcessing:
    return ManualProcessing.objects.of(image_set.tenant_id or image_set.pk).get(image_set=image_set)


def test_annotate_and_review_with_the_mouse(
    house: factories.House, page: Page, context: BrowserContext, live_server: Any
) -> None:
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

    context.clear_cookies()
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
