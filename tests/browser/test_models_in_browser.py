"""Models in a real browser: a candidate is uploaded, looks in shadow, is compared, promoted and rolled back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PillowImage
from playwright.sync_api import BrowserContext, FilePayload, Page, expect

from assets.models import Image
from damages.models import DamageState, ManualProcessing, ManualStatus, Source
from damages.services.manual import manual_open
from imaging.ml import registry
from imaging.models import JobRun, ModelVersion, ShadowRun
from imaging.services.model_versions import load
from inspection_platform import sweep, workflow
from tests import candidates, factories
from tests.browser.pages import fits, lightness, log_in, shot
from tests.imaging.ml.test_registry import panel

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Drain = Callable[[], int]


@pytest.fixture
def admin_page(context: BrowserContext, page: Page, house: factories.House) -> Page:
    """A global admin's pages."""
    log_in(context, house.global_admin)
    return page


def files(**changes: Any) -> list[FilePayload]:
    """A candidate as the browser's file chooser gives it."""
    card = json.dumps(candidates.card(**changes)).encode()
    sent = {"card.json": card, **candidates.contents()}
    return [FilePayload(name=name, mimeType="application/octet-stream", buffer=data) for name, data in sent.items()]


def processed(house: factories.House, drain: Drain, *, photos: int = 1) -> Any:
    """A set whose photos show a scratch, through the pipeline with the real models."""
    image_set = factories.image_set(house.tenant, photos=photos, published=False, state="open")
    for number, image in enumerate(image_set.images.order_by("position")):
        file = BytesIO()
        PillowImage.fromarray(panel()[:, :: 1 if number % 2 else -1]).save(file, "JPEG", quality=95)
        Path(image.received.path).write_bytes(file.getvalue())
    workflow.start(image_set)
    drain()
    while sweep.shadows_sweep():
        drain()
    return image_set


def reasoned(page: Page, opens: str, button: str, why: str) -> None:
    """Open a confirmation, say why, and go on."""
    page.locator("summary", has_text=opens).click()
    box = page.locator("details[open]")
    box.get_by_label("Reason").fill(why)
    box.get_by_role("button", name=button, exact=True).click()


def test_a_candidate_s_whole_way(admin_page: Page, house: factories.House, drain: Drain) -> None:
    page, released = admin_page, registry.card(candidates.NAME).version
    page.goto("/admin/")
    page.get_by_role("link", name=re.compile("Models$")).first.click()
    expect(page.get_by_role("heading", name="damage_detector")).to_be_visible()
    shot(page, "models")

    uploaded(page)
    row = ModelVersion.objects.get(version="9.0.0")
    shadowed(page, house.tenant.name)
    image_set = processed(house, drain, photos=2)
    assert ShadowRun.objects.of(house.tenant.pk).filter(state="done").count() == 2
    page.reload()
    expect(page.get_by_text("Agreement on things")).to_be_visible()
    shot(page, "model-in-shadow")
    looked_through(page)

    # Promoted, it speaks from the next run on.
    reasoned(page, "Promote", "Promote", "Calls nobody in vain")
    expect(page.get_by_text("damage_detector 9.0.0 speaks from the next photo on.")).to_be_visible()
    run = workflow.run_again(image_set=image_set)
    drain()
    ran = JobRun.objects.of(house.tenant.pk).filter(name="damage_detection")
    assert ran.get(run=run).model_version == row
    page.goto("/admin/models/damage_detector/")
    expect(page.get_by_role("heading", name="Card of 9.0.0")).to_be_visible()
    expect(page.locator(".ip-change").first).to_contain_text("Calls nobody in vain")
    shot(page, "model-promoted")

    # Rolled back, the release speaks again, and what was said keeps its author.
    reasoned(page, f"Roll back to {released}", "Roll back", "Misses everything")
    expect(page.get_by_text(f"damage_detector {released} speaks from the next photo on.")).to_be_visible()
    page.goto("/admin/models/damage_detector/")
    expect(page.get_by_role("heading", name=f"Card of {released}")).to_be_visible()
    assert load(candidates.NAME, threads=1).version == released
    assert ran.get(run=run).model_version == row
    expect(page.locator(".ip-change").first).to_contain_text("Misses everything")
    shot(page, "model-rolled-back")


def uploaded(page: Page) -> None:
    """One that does not fit is refused and nothing typed is lost; a good one is tried and kept."""
    page.get_by_role("link", name="Upload a candidate").click()
    page.get_by_label("Files").set_input_files(files(labels=["unicorn"]))
    page.get_by_label("What is new about it").fill("More careful")
    page.get_by_role("button", name="Upload and try").click()
    expect(page.get_by_role("alert")).to_contain_text("understands the labels unicorn")
    expect(page.get_by_label("What is new about it")).to_have_value("More careful")
    shot(page, "model-upload-refused")
    # It is so careful that it says nothing at all: the current version sees the scratch alone.
    higher = {**candidates.card()["thresholds"], "score": 1.0}
    page.get_by_label("Files").set_input_files(files(thresholds=higher))
    page.get_by_role("button", name="Upload and try").click(timeout=150_000)
    expect(page.get_by_text("damage_detector 9.0.0 works, and is a candidate now.")).to_be_visible(timeout=150_000)
    shot(page, "model-candidate")


def shadowed(page: Page, tenant: str) -> None:
    """It looks at the photos of our tenant."""
    page.locator("summary", has_text="Put in shadow").click()
    page.get_by_label(tenant).check()
    shot(page, "model-shadow-asked")
    page.get_by_role("button", name="Put in shadow").click()
    expect(page.get_by_text("looks at the photos of the chosen tenants")).to_be_visible()
    expect(page.get_by_text("It has seen no photo yet.")).to_be_visible()


def looked_through(page: Page) -> None:
    """Its disagreements with the current version, with the keyboard."""
    page.get_by_role("link", name="Look at the disagreements").click()
    expect(page.locator(".ip-overlay[data-photo=here]").first).to_be_visible()
    shot(page, "disagreements")
    page.get_by_label("Difference").select_option(label="All photos, also those without a difference")
    page.get_by_role("button", name="Filter").click()
    pairs = page.locator(".ip-pair")
    expect(pairs).to_have_count(2)
    for pressed, place in (("n", 0), ("n", 1), ("p", 0)):
        page.keyboard.press(pressed)
        expect(pairs.nth(place)).to_be_focused()
    page.get_by_role("link", name="damage_detector 9.0.0", exact=True).click()


def compared(house: factories.House, *, photos: int) -> ModelVersion:
    """A candidate that saw photos in shadow, with one pair of each kind on each."""
    against = factories.model_version()
    row = ModelVersion.objects.create(
        name=candidates.NAME, version="9.0.0", sha256="9" * 64, state="shadow", shadow_for_all=True,
        card=candidates.card(),
    )  # fmt: skip
    image_set = factories.image_set(house.tenant, photos=photos)
    run = factories.run(image_set)

    def seen(label: str, left: float, top: float) -> dict[str, Any]:
        corners = [[left, top], [left + 0.12, top], [left + 0.14, top + 0.12], [left, top + 0.1]]
        return {"label": label, "score": 0.9, "polygon": corners}

    for image in image_set.images.all():
        ShadowRun(
            run=run, image=image, candidate=row, against=against, state="done", finished_at=image.created_at,
            seconds=0.4, agreed=1, kind_differs=1, only_current=1, only_candidate=1,
            current_findings=[seen("scratch", 0.1, 0.2), seen("dent", 0.4, 0.5), seen("scratch", 0.7, 0.2)],
            findings=[seen("scratch", 0.11, 0.2), seen("broken", 0.4, 0.52), seen("dent", 0.7, 0.7)],
            pairs=[["agreed", 0, 0], ["kind_differs", 1, 1], ["only_current", 2, None], ["only_candidate", None, 2]],
        ).save()  # fmt: skip
    return row


def test_disagreements_are_paged_and_keys_turn_the_pages(admin_page: Page, house: factories.House) -> None:
    page, row = admin_page, compared(house, photos=14)
    page.goto(f"/admin/models/damage_detector/{row.pk}/disagreements/")
    pairs = page.locator(".ip-pair")
    expect(pairs).to_have_count(12)
    expect(pairs.first.locator(".ip-side").first.locator("polygon.ip-mark")).to_have_count(3)
    page.get_by_role("link", name="Earlier photos").click()
    expect(pairs).to_have_count(2)
    page.keyboard.press("n")
    page.keyboard.press("p")
    expect(page).to_have_url(re.compile("page=1#last"))
    expect(pairs.last).to_be_focused()
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile("page=2#first"))
    expect(pairs.first).to_be_focused()


def test_a_picture_that_is_gone_is_said_to_be(admin_page: Page, house: factories.House) -> None:
    page, row = admin_page, compared(house, photos=1)
    image = Image.objects.of(house.tenant.pk).get()
    Path(image.published.path).unlink()
    page.goto(f"/admin/models/damage_detector/{row.pk}/disagreements/")
    expect(page.locator(".ip-overlay-note").first).to_have_text("The picture cannot be shown.")


def decided(house: factories.House) -> None:
    """A reviewed set in which some proposals were right, some wrong, and some damages missed."""
    image_set = factories.image_set(house.tenant, photos=3)
    run = factories.run(image_set)
    version = factories.model_version()
    run.jobs.create(
        name="damage_detection", cluster="ml", order=1, state="done", finished_at=run.created_at, model_version=version
    )
    for number, image in enumerate(image_set.images.all()):
        for place in range(12):
            state = DamageState.ACCEPTED if (place + number) % 3 else DamageState.REJECTED
            factories.damage(image, state=state, category="dents" if place % 4 else "lineScratches")
        drawn = {"source": Source.REVIEWER, "model_version": None, "confidence": None, "state": DamageState.ACCEPTED}
        factories.damage(image, polygon=[[0.7, 0.7], [0.8, 0.7], [0.8, 0.8]], **drawn)
    manual_open(image_set=image_set)
    ManualProcessing.objects.of(house.tenant.pk).update(status=ManualStatus.REVIEWED)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_fit_and_follow_the_theme(admin_page: Page, house: factories.House, dark: bool) -> None:
    page, row = admin_page, compared(house, photos=2)
    decided(house)
    addresses = {
        "models": "/admin/models/", "model": "/admin/models/damage_detector/",
        "version": f"/admin/models/damage_detector/{row.pk}/", "upload": "/admin/models/upload/",
        "disagreements": f"/admin/models/damage_detector/{row.pk}/disagreements/", "accuracy": "/admin/accuracy/",
    }  # fmt: skip
    page.emulate_media(color_scheme="dark" if dark else "light")
    for place, address in addresses.items():
        page.set_viewport_size({"width": 1400, "height": 900})
        page.goto(address)
        card = page.locator(".ip-card").first
        expect(card).to_be_visible()
        assert (lightness(card, "backgroundColor") < 0.5) == dark
        if place == "disagreements":
            expect(page.locator(".ip-overlay[data-photo=here]").first).to_be_visible()
        shot(page, f"{place}-wide-{'dark' if dark else 'light'}")
        page.set_viewport_size({"width": 390, "height": 844})
        fits(page)
        shot(page, f"{place}-narrow-{'dark' if dark else 'light'}")
