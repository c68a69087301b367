"""What admins do with the fleet by clicking: enrol a device, take back a merge, register cars."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from assets.models import CaptureUnit, Car
from assets.services.device_keys import capture_unit_by_key
from damages.models import Damage, Source
from damages.services.merges import damages_merge
from tenants.scope import Reach
from tests import factories
from tests.browser.pages import log_in, looked_at

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def admin(context: BrowserContext, page: Page, house: factories.House) -> Page:
    """A page of our tenant's admin."""
    log_in(context, house.tenant_admin)
    return page


@pytest.fixture
def operator(context: BrowserContext, page: Page, house: factories.House) -> Page:
    """A page of a global admin: tenants' admins see units and do not change them."""
    log_in(context, house.global_admin)
    return page


def test_a_device_is_enrolled_and_its_key_shown_once(operator: Page, house: factories.House) -> None:
    page = operator
    unit = factories.rig(house.tenant, open_to=[house.tenant]).units.order_by("side")[0]
    address = f"/admin/assets/captureunit/{unit.pk}/change/"
    page.goto(address)
    looked_at(page, "unit")
    page.get_by_role("link", name="Enrol…").click()
    expect(page.get_by_text("A key that it has now is refused from then on.")).to_be_visible()
    looked_at(page, "unit-enrol")
    page.get_by_role("link", name="No, take me back").click()
    page.wait_for_url(f"**{address}")
    unit.refresh_from_db()
    assert unit.enrolled_at is None
    page.get_by_role("link", name="Enrol…").click()
    page.get_by_role("button", name="Yes, I’m sure").click()
    key = page.locator("code.admin-secret").inner_text()
    expect(page.get_by_text("it is shown here once and never again")).to_be_visible()
    looked_at(page, "unit-key")
    found = CaptureUnit.objects.of(house.tenant.pk).get(pk=unit.pk)
    assert found.device_key_digest, "the key works from now on"
    page.get_by_role("link", name="I have copied it").click()
    page.wait_for_url(f"**{address}")
    assert key not in page.content()
    page.goto("/admin/assets/captureunit/")
    expect(page.get_by_text("never seen")).to_be_visible()
    looked_at(page, "units")


def test_a_device_key_is_revoked(operator: Page, house: factories.House) -> None:
    page = operator
    unit = factories.rig(house.tenant, open_to=[house.tenant]).units.order_by("side")[0]
    page.goto(f"/admin/assets/captureunit/{unit.pk}/change/")
    page.get_by_role("link", name="Enrol…").click()
    page.get_by_role("button", name="Yes, I’m sure").click()
    key = page.locator("code.admin-secret").inner_text()
    page.goto(f"/admin/assets/captureunit/{unit.pk}/change/")
    page.get_by_role("link", name="Revoke device key").click()
    expect(page.get_by_text("The device is refused until it is enrolled.")).to_be_visible()
    looked_at(page, "unit-revoke")
    page.get_by_role("button", name="Yes, I’m sure").click()
    expect(page.get_by_text(re.compile("device key revoked"))).to_be_visible()
    assert capture_unit_by_key(key) is None


def test_a_merge_is_taken_back(admin: Page, house: factories.House) -> None:
    page = admin
    car = factories.car(house.tenant)
    early, late = (factories.damage(factories.image_set(house.tenant, car=car).images.get()) for _ in range(2))
    reach = Reach.only(house.tenant.pk)
    damages_merge(user=house.reviewer, ids=[early.pk, late.pk], reach=reach, step=Source.REVIEWER)
    page.goto(f"/admin/damages/damage/{late.pk}/change/")
    looked_at(page, "damage")
    page.get_by_role("link", name="Take back last merge").click()
    expect(page.get_by_text("Take back the last merge of this damage")).to_be_visible()
    looked_at(page, "damage-unmerge")
    page.get_by_role("button", name="Yes, I’m sure").click()
    expect(page.get_by_text("(proposed): merge taken back.")).to_be_visible()
    looked_at(page, "damage-unmerged")
    assert not Damage.objects.of(house.tenant.pk).filter(first_damage__isnull=False).exists()
    page.get_by_role("link", name="Take back last merge").click()
    page.get_by_role("button", name="Yes, I’m sure").click()
    expect(page.get_by_text("There is no merge to take back.")).to_be_visible()


def test_cars_are_registered_by_hand(admin: Page, house: factories.House, outsider: factories.House) -> None:
    page = admin
    factories.car(outsider.tenant, "TAKEN1")
    page.goto("/admin/assets/car/")
    looked_at(page, "cars-none")
    page.get_by_role("link", name=re.compile("Add car")).first.click()
    page.get_by_label("Plate").fill("taken 1")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".errorlist, .errornote, [role=alert]").first).to_be_visible()
    looked_at(page, "car-refused")
    page.get_by_label("Plate").fill("ab-12 345")
    looked_at(page, "car-new")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully").first).to_be_visible()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    looked_at(page, "cars")
    car = Car.objects.of(house.tenant.pk).get()
    assert (car.plate, car.country_code, car.tenant) == ("AB12345", "NO", house.tenant)
