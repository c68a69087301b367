"""Cars of the core family: the list, W45."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from assets.models import Passage
from assets.services.cars import car_release
from damages.models import DamageState
from inspection_platform.api.core.docs.cars import CAR
from inspection_platform.api.core.serializers import cars as shapes
from tenants.models import User
from tests import factories
from tests.api.core.cars.plates import CARS, for_tenant, listed
from tests.api.core.conftest import CREATED, Scene, created_at
from tests.api.core.rigs import Sender

pytestmark = pytest.mark.django_db
NOBODY = "594302d9-f090-4dce-b7ad-66043c9ae000"


def test_list_is_the_golden_json(ask: Sender, ours: factories.House, scene: Scene) -> None:
    created_at(scene.car, CREATED)
    body = ask(ours.staff, "get", CARS).json()
    assert body == for_tenant("cars", ours.tenant)
    assert body["data"]["items"][0].keys() == CAR.keys()


def test_pages_follow_country_and_plate(ask: Sender, ours: factories.House) -> None:
    for number, country in (("B2", "NO"), ("A1", "SE"), ("A1", "NO")):
        factories.car(ours.tenant, number, country_code=country)
    car_release(car=factories.car(ours.tenant, "GONE1"))
    assert listed(ask(ours.staff, "get", CARS)) == ["NO#A1", "NO#B2", "SE#A1"]
    assert listed(ask(ours.staff, "get", f"{CARS}?limit=2&page=2")) == ["SE#A1"]
    assert listed(ask(ours.staff, "get", f"{CARS}?limit=2&page=3")) == []
    assert ask(ours.staff, "get", f"{CARS}?limit=500").json()["meta"]["currentItemsPerPage"] == 100
    assert listed(ask(ours.staff, "get", f"{CARS}?registrationNo=a-1&countryCode=se")) == ["SE#A1"]
    assert listed(ask(ours.staff, "get", f"{CARS}?registrationNo=a-1")) == ["NO#A1"]


def test_each_sees_the_cars_of_the_tenant_worked_in(
    ask: Sender, ours: factories.House, outsider: factories.House
) -> None:
    factories.car(ours.tenant, "OURS1")
    factories.car(outsider.tenant, "THEIRS1")
    assert listed(ask(outsider.staff, "get", CARS)) == ["NO#THEIRS1"]
    assert listed(ask(ours.global_admin, "get", CARS)) == ["NO#OURS1"]
    assert listed(ask(ours.global_admin, "get", f"{CARS}?tenantId={outsider.tenant.pk}")) == ["NO#THEIRS1"]
    wanderer = User.objects.get(pk=ours.global_admin.pk)
    wanderer.current_tenant = None
    wanderer.save()
    assert listed(ask(wanderer, "get", CARS)) == ["NO#OURS1", "NO#THEIRS1"]


def test_cars_with_damages_are_those_on_which_one_stands(ask: Sender, ours: factories.House) -> None:
    extras: dict[str, dict[str, Any]] = {
        "PROPOSED": {}, "ACCEPTED": {"state": DamageState.ACCEPTED}, "REJECTED": {"state": DamageState.REJECTED},
        "POTENTIAL": {"is_potential": True}, "DELETED": {"deleted_at": timezone.now()},
    }  # fmt: skip
    cars = {name: factories.car(ours.tenant, name) for name in [*extras, "NONE"]}
    for name, extra in extras.items():
        image_set = factories.image_set(ours.tenant, photos=1, car=cars[name])
        factories.damage(image_set.images.get(), **extra)
    assert listed(ask(ours.staff, "get", f"{CARS}?hasDamages=true")) == ["NO#ACCEPTED", "NO#PROPOSED"]
    without = ["NO#DELETED", "NO#NONE", "NO#POTENTIAL", "NO#REJECTED"]
    assert listed(ask(ours.staff, "get", f"{CARS}?hasDamages=false")) == without
    ids = ",".join(str(cars[name].pk) for name in ("ACCEPTED", "NONE"))
    assert listed(ask(ours.staff, "get", f"{CARS}?hasDamages=true&carIds={ids}")) == ["NO#ACCEPTED"]
    assert listed(ask(ours.staff, "get", f"{CARS}?carIds={ids}")) == ["NO#ACCEPTED", "NO#NONE"]


@pytest.mark.usefixtures("rigged")
@pytest.mark.parametrize(
    ("values", "fits"),
    [
        ({}, True),
        ({"plate": "AB12345", "country_code": "NO"}, True),
        ({"plate": "OTHER1", "country_code": "NO", "plate_is_read": True}, True),
        ({"plate": "OTHER1", "country_code": "NO"}, False),
        ({"plate": "AB12345", "country_code": "SE"}, False),
        ({"car": "other"}, False),
        ({"car": "same"}, True),
    ],
)
def test_a_car_is_listed_if_it_may_be_assigned_to_the_passages(
    ask: Sender, ours: factories.House, values: dict[str, Any], fits: bool
) -> None:
    cars = {"same": factories.car(ours.tenant), "other": factories.car(ours.tenant, "XX1")}
    rig = ours.tenant.capture_sets.get()
    first, second = (str(factories.recording(rig).passage_id) for _ in range(2))
    changes = {name: cars.get(value, value) for name, value in values.items()}
    Passage.plain.filter(pk=second).update(**changes)
    answer = ask(ours.staff, "get", f"{CARS}?registrationNo=ab12345&passageIds={first},{second}")
    assert listed(answer) == (["NO#AB12345"] if fits else [])


def test_a_car_does_not_fit_what_a_unit_of_others_recorded(
    ask: Sender, ours: factories.House, outsider: factories.House
) -> None:
    factories.car(ours.tenant)
    rig = factories.rig(outsider.tenant, open_to=[outsider.tenant], default=ours.tenant)
    passage = factories.recording(rig).passage_id
    assert listed(ask(ours.staff, "get", f"{CARS}?registrationNo=AB12345&passageIds={passage}")) == []


@pytest.mark.parametrize("name", ["carIds", "passageIds"])
def test_what_the_query_names_must_be_seen(ask: Sender, ours: factories.House, name: str) -> None:
    car = factories.car(ours.tenant)
    assert ask(ours.staff, "get", f"{CARS}?registrationNo=A1&{name}={car.pk},{NOBODY}").status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=x", "limit"),
        ("hasDamages=perhaps", "hasDamages"),
        ("carIds=1", "carIds"),
        ("registrationNo=!!", "registrationNo"),
        ("registrationNo=A1&countryCode=1", "registrationNo"),
        ("countryCode=NO", "registrationNo"),
        ("masterTenantAction=true", "masterTenantAction"),
    ],
)
def test_a_query_that_is_wrong_is_refused_by_name(ask: Sender, ours: factories.House, query: str, field: str) -> None:
    answer = ask(ours.staff, "get", f"{CARS}?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {field}


def test_too_many_ids_are_refused(ask: Sender, ours: factories.House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MAX_IDS", 1)
    ids = [factories.car(ours.tenant, plate).pk for plate in ("A1", "B2")]
    assert ask(ours.staff, "get", f"{CARS}?carIds={ids[0]}").status_code == 200
    assert ask(ours.staff, "get", f"{CARS}?carIds={ids[0]},{ids[1]}").json()["errors"].keys() == {"carIds"}


def test_a_list_costs_as_many_queries_for_many_cars(ask: Sender, ours: factories.House) -> None:
    factories.car(ours.tenant, "A1")
    few = ask.queries(ours.staff, f"{CARS}?hasDamages=false")
    for number in range(40):
        factories.car(ours.tenant, f"B{number}")
    assert few == ask.queries(ours.staff, f"{CARS}?hasDamages=false") == 2
