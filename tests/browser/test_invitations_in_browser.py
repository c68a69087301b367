"""Invitations in a real browser: asked for with the keyboard, accepted by a newcomer, declined by somebody known."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django import Settings

from tenants.models import Membership, User
from tests import factories
from tests.browser.pages import log_in, looked_at, pressed_through, shot
from tests.portal.inviting import PHONE, invitation_to, link_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def admin_page(context: BrowserContext, page: Page, house: factories.House, settings: Settings) -> Page:
    """Our tenant's admin, on an installation that sends e-mails."""
    settings.CODE_BACKEND = "email"
    log_in(context, house.tenant_admin)
    return page


def invite(page: Page, phone: str) -> None:
    """Fill in the form with the keyboard alone."""
    page.goto("/admin/tenants/user/")
    page.get_by_role("link", name="Invite a colleague").click()
    page.get_by_label("Phone").focus()
    for words in (phone, "Nora", "Ny", "nora@example.com"):
        page.keyboard.type(words)
        page.keyboard.press("Tab")
    pressed_through(page, "Invite")
    page.keyboard.press("Enter")


def is_member(house: factories.House, phone: str) -> bool:
    return Membership.objects.of(house.tenant.pk).filter(user__phone=phone).exists()


def test_a_newcomer_is_invited_and_accepts(
    admin_page: Page, house: factories.House, drain: Callable[[], int], browser: Browser, live_server: Any
) -> None:
    page = admin_page
    invite(page, "12")
    expect(page.get_by_text("Please correct the error below.")).to_be_visible()
    looked_at(page, "invite-refused")
    page.get_by_label("Phone").fill("+47 900 00 001")
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_text("is on its way; they belong to Our Rental once they accept")).to_be_visible()
    row = page.get_by_role("row", name=re.compile(re.escape(PHONE)))
    expect(row).to_contain_text("Nora Ny")
    expect(row).to_contain_text("waits for an answer")
    looked_at(page, "invitations")
    drain()
    page.goto(f"/admin/tenants/invitation/{invitation_to(house).pk}/change/")
    expect(page.get_by_text("Sent by e-mail")).to_be_visible()
    looked_at(page, "invitation-page")
    page.get_by_role("link", name="Send again").click()
    expect(page.get_by_text("Send this invitation again?")).to_be_visible()
    page.get_by_role("button", name="Yes, I’m sure").click()
    expect(page.get_by_text("They were invited less than a minute ago.")).to_be_visible()
    newcomer = browser.new_context(base_url=live_server.url).new_page()
    newcomer.goto(link_in(mail.outbox[0]))
    expect(newcomer.get_by_text("invites you to Our Rental")).to_be_visible()
    looked_at(newcomer, "invited")
    newcomer.get_by_role("button", name="Accept").press("Enter")
    expect(newcomer.get_by_role("status")).to_contain_text("you belong to Our Rental")
    looked_at(newcomer, "invited-accepted")
    assert is_member(house, PHONE)
    newcomer.get_by_role("link", name="Choose a password").click()
    expect(newcomer.get_by_label("Phone number or e-mail")).to_be_visible()
    newcomer.context.close()
    page.goto("/admin/tenants/invitation/")
    expect(page.get_by_role("row", name=re.compile(re.escape(PHONE)))).to_contain_text("accepted")


def test_somebody_known_declines_by_the_link(
    admin_page: Page, house: factories.House, outsider: factories.House, drain: Callable[[], int]
) -> None:
    page, now = admin_page, timezone.now()
    person = factories.user(outsider.tenant, first_name="Olga", email="olga@example.com", email_verified_at=now)
    invite(page, person.phone)
    expect(page.get_by_role("row", name=re.compile(re.escape(person.phone)))).to_contain_text("Nora Ny")
    expect(page.get_by_text("Olga")).to_have_count(0)
    drain()
    page.context.clear_cookies()
    link = link_in(mail.outbox[0])
    page.goto(link)
    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_role("status")).to_contain_text("is declined")
    looked_at(page, "invited-declined")
    assert not is_member(house, person.phone)
    invitation_to(house, person.phone).delete()
    page.goto(link)
    expect(page.get_by_role("alert")).to_have_text("This invitation is gone. Ask for a new one.")
    looked_at(page, "invited-gone")


def test_the_logged_in_answer_from_their_list(
    admin_page: Page, house: factories.House, outsider: factories.House, drain: Callable[[], int]
) -> None:
    page = admin_page
    invite(page, outsider.staff.phone)
    expect(page.get_by_text("is on its way")).to_be_visible()
    drain()
    page.context.clear_cookies()
    log_in(page.context, outsider.staff)
    page.goto("/admin/")
    page.get_by_role("link", name="Invitations to you").click()
    expect(page.get_by_role("heading", name="Our Rental")).to_be_visible()
    looked_at(page, "invitations-to-you")
    page.get_by_role("button", name="Accept the invitation to Our Rental").click()
    expect(page.get_by_text("You belong to Our Rental now.")).to_be_visible()
    expect(page.get_by_text("No invitation waits for your answer.")).to_be_visible()
    shot(page, "invitations-none")
    assert is_member(house, User.objects.get(pk=outsider.staff.pk).phone)
