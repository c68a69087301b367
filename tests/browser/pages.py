"""What the browser tests share: sets that wait, sessions, and finding one's way on the pages."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, Locator, Page, expect

from assets.models import ImageSet
from damages.models import Damage, ManualProcessing
from damages.services.manual import manual_open
from tenants.models import User
from tests import factories

SHOTS = os.environ.get("BROWSER_SHOTS", "")


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


def damages_of(image_set: ImageSet) -> list[Damage]:
    """The set's damages, oldest first."""
    rows = Damage.objects.of(image_set.tenant_id or image_set.pk).visible().filter(image_set=image_set)
    return list(rows.order_by("created_at"))


def states(image_set: ImageSet) -> list[str]:
    """Their states."""
    return [damage.state for damage in damages_of(image_set)]


def job_of(image_set: ImageSet) -> ManualProcessing:
    return ManualProcessing.objects.of(image_set.tenant_id or image_set.pk).get(image_set=image_set)


def annotate_next(page: Page) -> None:
    """Take the next set from the queue's page."""
    page.goto("/admin/queue/")
    page.get_by_role("button", name="Annotate next").click()
    opened(page)


def pressed_through(page: Page, words: str) -> None:
    """Press Tab until the control with these words has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if words in page.evaluate("document.activeElement.textContent"):
            return
    raise AssertionError(f"Tab never reaches {words!r}.")


def fits(page: Page) -> None:
    """Nothing is wider than the screen."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


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


def shot(page: Page, name: str) -> None:
    """Keep a picture of the page for people to look at, if BROWSER_SHOTS names a directory."""
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


#: Screens on which a page is looked at.
_SCREENS = {"wide": {"width": 1400, "height": 900}, "narrow": {"width": 390, "height": 844}}
_FAINT = (Path(__file__).parent / "faint.js").read_text(encoding="utf-8")


def looked_at(page: Page, name: str) -> None:
    """Light and dark, wide and narrow: nothing is wider than the screen, no text hard to tell from its ground."""
    before = page.viewport_size
    for scheme in ("light", "dark"):
        # What the admin's script does while a page loads; loading it again would close what is open on it.
        # Without motion: a ground that is still changing its colour would be judged.
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        page.evaluate("(dark) => document.documentElement.classList.toggle('dark', dark)", scheme == "dark")
        assert (lightness(page.locator("body"), "backgroundColor") < 0.3) == (scheme == "dark")
        for screen, size in _SCREENS.items():
            page.set_viewport_size({"width": size["width"], "height": size["height"]})
            shot(page, f"{name}-{scheme}-{screen}")
            fits(page)
            faint = page.evaluate(_FAINT)
            assert not faint, f"{name}, {scheme}, {screen}: {faint}"
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    page.evaluate("document.documentElement.classList.remove('dark')")
    if before:
        page.set_viewport_size(before)
