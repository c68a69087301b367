"""Accounts in a real browser: rotate a key, change settings, and read it all in the audit."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django import Settings

from tenants.models import ApiKey, Family
from tenants.services.keys import api_key_find, api_key_issue
from tests import factories
from tests.browser.pages import fits, lightness, log_in, shot

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def admin_page(context: BrowserContext, page: Page, house: factories.House, settings: Settings) -> Page:
    """Our tenant's admin, on an installation that sends e-mails."""
    settings.CODE_BACKEND = "email"
    log_in(context, house.tenant_admin)
    return page


def test_a_rotated_key_is_shown_once_and_the_old_one_is_refused(admin_page: Page, house: factories.House) -> None:
    page = admin_page
    issued = api_key_issue(tenant=house.tenant, family=Family.PAVE, name="gate", with_secret=True)
    page.goto(f"/admin/tenants/apikey/{issued.key.pk}/change/")
    shot(page, "key")
    page.get_by_role("link", name="Rotate").click()
    expect(page.get_by_text("Replace this key by a new one?")).to_be_visible()
    page.get_by_role("link", name="No, take me back").click()
    page.get_by_role("link", name="Rotate").click()
    page.get_by_role("button", name="Yes, I’m sure").click()
    expect(page.get_by_text("Copy this now")).to_be_visible()
    shot(page, "key-rotated")
    value, secret = page.locator("code.admin-secret").all_inner_texts()
    assert api_key_find(family=Family.PAVE, value=issued.value) is None
    found = api_key_find(family=Family.PAVE, value=value)
    assert found is not None
    assert found.name == "gate"
    assert secret != issued.secret
    page.get_by_role("link", name="I have copied it").click()
    expect(page).to_have_url(re.compile(str(found.pk)))
    assert value not in page.content()
    page.goto(f"/admin/tenants/apikey/{issued.key.pk}/change/")
    expect(page.get_by_role("link", name="Rotate")).to_have_count(0)
    assert ApiKey.objects.of(house.tenant.pk).filter(name="gate").count() == 2


def test_a_changed_setting_is_in_its_history_and_in_the_audit(admin_page: Page, house: factories.House) -> None:
    page = admin_page
    address = f"/admin/tenants/tenantsettings/{house.tenant.settings.pk}/"
    page.goto(address + "change/")
    page.locator("#id_expiryAfter").fill("-1")
    page.get_by_role("button", name="Save", exact=True).click()
    # The browser itself refuses it, or the page does at the field; either way nothing is stored.
    page.goto(address + "change/")
    expect(page.locator("#id_expiryAfter")).to_have_value("0")
    page.locator("#id_expiryAfter").fill("30")
    shot(page, "settings")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    page.goto(address + "history/")
    expect(page.get_by_role("row", name=re.compile("30")).first).to_contain_text("Tom")
    shot(page, "settings-history")
    page.get_by_role("link", name="Audit").click()
    line = page.locator(".ip-change").first
    expect(line).to_contain_text("Settings")
    expect(line).to_contain_text("Tom")
    expect(line.locator("dd")).to_have_text(re.compile(r"0\s*→\s*30"))
    shot(page, "audit")
    page.get_by_label("Kind").select_option(label="Quota")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No change fits this filter.")).to_be_visible()
    shot(page, "audit-empty")
    page.get_by_role("link", name="Show all").click()
    line.get_by_role("link", name=house.tenant.name).click()
    expect(page).to_have_url(re.compile("tenantsettings"))


@pytest.mark.parametrize("address", ["/admin/audit/", "/admin/people/invite/"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_new_pages_fit_a_phone_and_follow_the_theme(admin_page: Page, address: str, dark: bool) -> None:
    page = admin_page
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address)
    expect(page.get_by_role("button", name=re.compile("^(Filter|Invite)$"))).to_be_visible()
    fits(page)
    field = page.get_by_label("Phone" if "invite" in address else "Changed by")
    assert (lightness(field, "color") > 0.5) == dark
    shot(page, f"{address.strip('/').replace('/', '-')}-{'dark' if dark else 'light'}")
