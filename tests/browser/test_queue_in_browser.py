"""Annotation and review as people do them: in a browser, with the mouse, with keys alone, on a phone, in the dark."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from pytest_django import Settings

from assets.models import ImageSet, ImageSetState
from damages.models import Damage, DamageDecision, ManualProcessing, ManualStatus, ResultCause, Step
from damages.services.manual import manual_job_lock, manual_open
from damages.services.results import result_publish
from tenants.models import ANNOTATOR, Delivery, DeliveryAttempt, DeliveryState, Event, User
from tenants.services.deliveries import delivery_create
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


def pressed_through(page: Page, words: str) -> None:
    """Press Tab until the control with these words has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if words in page.evaluate("document.activeElement.textContent"):
            return
    raise AssertionError(f"Tab never reaches {words!r}.")


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

    keys.press("f")
    expect(page).to_have_url(re.compile(f"/admin/queue/{following.pk}/$"))
    assert states(image_set) == ["accepted", "accepted", "rejected", "accepted"]
    assert job_of(image_set).status == ManualStatus.REVIEW_WAITING
    assert job_of(following).holder == house.annotator


def test_a_second_person_cannot_open_a_held_set(
    house: factories.House, page: Page, context: BrowserContext, browser: Browser, live_server: Any
) -> None:
    image_set = waiting_set(house)
    log_in(context, house.annotator)
    page.goto("/admin/queue/")
    page.get_by_role("button", name="Annotate next").click()
    opened(page)

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
    page.goto("/admin/queue/")
    page.get_by_role("button", name="Annotate next").click()
    opened(page)
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
    page.goto("/admin/queue/")
    page.get_by_role("button", name="Annotate next").click()
    opened(page)
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
    page.goto("/admin/queue/")
    page.get_by_role("button", name="Annotate next").click()
    opened(page)
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
    session = context.cookies()
    context.clear_cookies()
    page.keyboard.press("r")
    expect(page.get_by_role("alert")).to_contain_text(re.compile("logged out|Reload the page"))
    context.add_cookies(session)
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


def fits(page: Page) -> None:
    """Nothing is wider than the screen."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


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


def lightness(place: Locator, name: str) -> float:
    """How light (0..1) a computed colour is; a canvas reads whatever notation it has."""
    value: float = place.evaluate(
        """(node, name) => {
            const pen = document.createElement("canvas").getContext("2d");
            pen.fillStyle = getComputedStyle(node)[name];
            pen.fillRect(0, 0, 1, 1);
            const [r, g, b] = pen.getImageData(0, 0, 1, 1).data;
            return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
        }""",
        name,
    )
    return value


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
