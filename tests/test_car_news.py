"""Cars that are registered in the admin: the recordings that waited for their plates are handed over."""

from __future__ import annotations

import pytest
from django.urls import reverse

from assets.models import Car, ImageSet, Passage
from assets.services.car_news import CARS_EVENT
from assets.services.cars import car_release
from inspection_platform import tasks
from tenants.models import Event
from tests import factories
from tests.admin_pages import errors_of, inputs, login, page
from tests.assets.importing import confirm, upload

pytestmark = pytest.mark.django_db


def waiting(house: factories.House, plate: str) -> ImageSet:
    """A finished recording of the house's rig, whose plate nobody has registered yet."""
    made = factories.recording(factories.rig(house.tenant, open_to=[house.tenant]), plate=plate, plate_is_read=True)
    Passage.objects.all_tenants("a test writes the plate that was read").filter(image_sets=made).update(
        plate=plate, country_code=made.country_code, plate_is_read=True
    )
    return made


def hear() -> int:
    """Do what the worker does with the news of cars; how many there were."""
    news = Event.objects.all_tenants("a test looks for news").filter(kind=CARS_EVENT, handled_at=None)
    ids = [str(key) for key in news.values_list("pk", flat=True)]
    for event_id in ids:
        tasks.handle_event(event_id)
    assert not news.exists()
    return len(ids)


def test_a_car_added_by_hand_gets_its_recording(ours: factories.House) -> None:
    image_set = waiting(ours, "AB12345")
    client = login(ours.tenant_admin)
    form = inputs(client.get(page(Car, "add"))) | {"tenant": str(ours.tenant.pk), "plate": "ab 12345"}
    answer = client.post(page(Car, "add"), form)
    assert answer.status_code == 302, errors_of(answer)
    assert hear() == 1
    image_set.refresh_from_db()
    assert image_set.tenant == ours.tenant


def test_a_change_of_something_else_is_no_news(ours: factories.House) -> None:
    car = factories.car(ours.tenant)
    client = login(ours.tenant_admin)
    address = page(Car, "change", car.pk)
    answer = client.post(address, inputs(client.get(address)) | {"make": "Volvo"})
    assert answer.status_code == 302, errors_of(answer)
    assert hear() == 0


def test_imported_cars_get_their_recordings(ours: factories.House) -> None:
    first, second = waiting(ours, "AB12345"), waiting(ours, "CD67890")
    client = login(ours.tenant_admin)
    confirm(client, upload(client, "plate\nAB12345\nCD67890\n"))
    assert hear() == 1
    for image_set in (first, second):
        image_set.refresh_from_db()
        assert image_set.tenant == ours.tenant


def test_a_preview_is_no_news(ours: factories.House) -> None:
    upload(login(ours.tenant_admin), "plate\nAB12345\n")
    assert hear() == 0


def test_cars_are_released_here_and_never_deleted(ours: factories.House) -> None:
    car = factories.car(ours.tenant)
    client = login(ours.tenant_admin)
    chosen = {"action": "release", "_selected_action": [str(car.pk)], "confirmed": "yes"}
    assert client.post(page(Car, "changelist"), chosen).status_code == 302
    car.refresh_from_db()
    assert car.released_at is not None
    assert car.history.latest().history_user == ours.tenant_admin
    assert client.get(reverse("admin:assets_car_delete", args=[car.pk])).status_code == 403


def test_a_released_car_is_no_news(ours: factories.House) -> None:
    car = factories.car(ours.tenant)
    car_release(car=car)
    client = login(ours.tenant_admin)
    address = page(Car, "change", car.pk)
    answer = client.post(address, inputs(client.get(address)) | {"plate": "XY99999"})
    assert answer.status_code == 302, errors_of(answer)
    assert hear() == 0
