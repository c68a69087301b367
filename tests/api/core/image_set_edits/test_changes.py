"""What is said of an image set: W61."""

from __future__ import annotations

from typing import Any

import pytest

from tests import factories
from tests.api.core.conftest import Scene, golden
from tests.api.core.image_set_edits.answers import LIST, refused
from tests.api.core.rigs import Sender

pytestmark = pytest.mark.django_db
#: The vendor's sample but for the plate, which says whose car it is.
SAID = {
    "color": "blue", "displacement": 827.755772596854, "fuel": "diesel", "gear": "manual", "kW": 351,
    "mileage": 93502697.9995856, "model": "Subaru Outback", "vin": "6EXVZHHV7LN1UEH3Z", "year": 2018,
}  # fmt: skip


def test_what_is_said_of_a_set_shows_before_what_the_register_knows(
    ask: Sender, ours: factories.House, scene: Scene
) -> None:
    path = f"{LIST}/{scene.image_set.pk}"
    known = ask(ours.staff, "get", path).json()["data"]["carInfo"]
    answer = ask(ours.staff, "patch", path, {"carInfo": SAID, "partnerState": "reviewed"})
    assert (answer.status_code, answer.json()) == (200, golden("image_set_changed"))
    assert ask(ours.staff, "get", path).json()["data"]["carInfo"] == {**SAID, "registrationNo": "NO#AB12345"}
    scene.image_set.refresh_from_db()
    assert scene.image_set.partner_state == "reviewed"
    ask(ours.staff, "patch", path, {"carInfo": {"color": "red"}})
    assert ask(ours.staff, "get", path).json()["data"]["carInfo"]["color"] == "red"
    assert ask(ours.staff, "get", path).json()["data"]["carInfo"]["kW"] == 351
    ask(ours.staff, "patch", path, {"carInfo": dict.fromkeys(SAID)})
    assert ask(ours.staff, "get", path).json()["data"]["carInfo"] == known
    scene.image_set.refresh_from_db()
    assert scene.image_set.partner_state == "reviewed"


def test_a_plate_links_the_tenants_car_and_the_damages_follow(ask: Sender, ours: factories.House) -> None:
    row = factories.image_set(ours.tenant)
    damage = factories.damage(row.images.get())
    car = factories.car(ours.tenant)
    plate = {"carInfo": {"registrationNo": "no#ab-12345"}}
    for _ in range(2):
        assert ask(ours.staff, "patch", f"{LIST}/{row.pk}", plate).status_code == 200
    row.refresh_from_db()
    damage.refresh_from_db()
    assert (row.car, damage.car, row.plate) == (car, car, "AB12345")
    answer = ask(ours.staff, "patch", f"{LIST}/{row.pk}", {"carInfo": {"registrationNo": "NO#CC33333"}})
    assert refused(answer, 409) == "The set is of the car NO#AB12345 already."


def test_a_plate_of_another_tenant_is_refused_and_an_unknown_one_noted(
    ask: Sender, ours: factories.House, outsider: factories.House
) -> None:
    row = factories.image_set(ours.tenant, photos=0, plate="OLD1", plate_is_read=True)
    factories.car(outsider.tenant, "ZZ98020")
    answer = ask(ours.staff, "patch", f"{LIST}/{row.pk}", {"carInfo": {"registrationNo": "ZZ98020", "color": "red"}})
    assert refused(answer, 409) == "The plate NO#ZZ98020 belongs to another tenant."
    row.refresh_from_db()
    assert (row.plate, row.car_info) == ("OLD1", {})
    assert ask(ours.staff, "patch", f"{LIST}/{row.pk}", {"carInfo": {"registrationNo": "QQ1"}}).status_code == 200
    row.refresh_from_db()
    assert (row.plate, row.plate_is_read, row.car) == ("QQ1", False, None)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"carInfo": {"kw": 3}}, {"color": "red"}, {"carInfo": {"kW": "351"}}, {"carInfo": {"kW": True}},
        {"carInfo": {"kW": -1}}, {"carInfo": {"mileage": 1e300}}, {"carInfo": {"year": 20180}}, {"carInfo": []},
        {"carInfo": {"vin": "x"}}, {"carInfo": {"registrationNo": "?"}}, {"carInfo": {"color": "x" * 51}},
        {"carInfo": {"color": "\x00"}}, {"carInfo": {"registrationNo": None}}, {"partnerState": "x" * 51},
    ],
)  # fmt: skip
def test_a_wrong_change_is_refused(ask: Sender, ours: factories.House, scene: Scene, body: dict[str, Any]) -> None:
    assert ask(ours.staff, "patch", f"{LIST}/{scene.image_set.pk}", body).status_code == 400
    scene.image_set.refresh_from_db()
    assert (scene.image_set.car_info, scene.image_set.partner_state) == ({}, "")
