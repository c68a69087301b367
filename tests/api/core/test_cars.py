"""Cars of the core family: W44 (delete), W45 (list), W46 (assign), W47 (replace)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from assets.models import Car, ImageSet, Passage
from assets.plates import plate_parse
from assets.services.cars import car_release
from damages.models import DamageState
from inspection_platform.api.core.docs.cars import CAR, GIVEN, PLATES
from inspection_platform.api.core.serializers import cars as shapes
from tenants.models import Tenant, User
from tenants.services.tenant_groups import tenant_group_create
from tests import factories
from tests.api.core.conftest import CREATED, Scene, created_at, golden
from tests.api.core.rigs import Bearer, Sender

pytestmark = pytest.mark.django_db
CARS = "/core/v1/cars"
NOBODY = "594302d9-f090-4dce-b7ad-66043c9ae000"
Answer = dict[str, Any]


@pytest.fixture
def ask(client: Client, bearer: Bearer) -> Sender:
    """Sends a JSON request as a person."""
    return Sender(client, bearer)


@pytest.fixture
def rigged(ours: factories.House, outsider: factories.House) -> None:
    """A rig in Norway for each house, which records for both."""
    for house in (ours, outsider):
        factories.rig(house.tenant, open_to=[ours.tenant, outsider.tenant], default=house.tenant)


def numbers(*plates: str, country: str = "NO") -> dict[str, Any]:
    return {"registrationNumbersByCountryCode": {country: list(plates)}}


def listed(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [item["registrationNo"] for item in answer.json()["data"]["items"]]


def assigned(answer: Any, tenant: Tenant) -> dict[str, list[str]]:
    assert answer.status_code == 200, answer.content
    data: Answer = answer.json()["data"]
    assert data.keys() == {str(tenant.pk)}
    found: dict[str, list[str]] = data[str(tenant.pk)]
    return found


def plates_of(tenant: Tenant) -> set[str]:
    return {car.registration_no for car in Car.objects.of(tenant.pk).assigned()}


def for_tenant(name: str, tenant: Tenant) -> Any:
    """The golden JSON with the tenant's id in its places."""
    return json.loads(json.dumps(golden(name)).replace("TENANT", str(tenant.pk)))


# --- W45 -------------------------------------------------------------------------------------------------------------


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


# --- W46 and W47 -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("rigged")
@pytest.mark.parametrize("method", ["post", "put"])
def test_the_answer_is_the_golden_json(
    ask: Sender, ours: factories.House, outsider: factories.House, method: str
) -> None:
    factories.car(outsider.tenant, "CD1234", country_code="DE")
    factories.car(ours.tenant, "WX1234")
    body = json.loads(json.dumps(PLATES))
    body["registrationNumbersByCountryCode"]["NO"] += ["wx 12-34", "N/A"]
    assert ask(ours.tenant_admin, method, CARS, body).json() == for_tenant("cars_assigned", ours.tenant)
    assert plates_of(ours.tenant) == {"DE#AB1234", "NO#WX1234", "NO#YZ1234"}
    assert plates_of(outsider.tenant) == {"DE#CD1234"}


@pytest.mark.usefixtures("rigged")
def test_cars_are_taken_with_what_is_said_of_them(ask: Sender, ours: factories.House) -> None:
    answer = ask(ours.tenant_admin, "post", CARS, {**GIVEN, **PLATES})
    assert assigned(answer, ours.tenant)["assigned"] == ["DE#AB1234"], "the other list is ignored"
    car = Car.objects.of(ours.tenant.pk).get()
    said = (car.car_group, car.fuel, car.make, car.model, car.model_code, car.pictogram, car.vin)
    assert said == ("sedan", "PETROL", "Audi", "A3", "8Y", "car_front_180.png", "VIN45678912345678")
    assert car.history.get().history_user == ours.tenant_admin
    changed = {"cars": [{"licensePlate": "de#ab 1234", "make": "VW", "model": None}]}
    ask(ours.tenant_admin, "post", CARS, changed)
    car.refresh_from_db()
    assert car.make == "Audi", "a POST leaves cars alone that are assigned"
    ask(ours.tenant_admin, "put", CARS, changed)
    car.refresh_from_db()
    assert (car.make, car.model, car.history.count()) == ("VW", "A3", 2)


@pytest.mark.usefixtures("rigged")
def test_put_replaces_and_an_empty_list_removes_all(ask: Sender, ours: factories.House) -> None:
    ask(ours.tenant_admin, "post", CARS, numbers("A1", "B2"))
    ask(ours.tenant_admin, "put", CARS, numbers("B2", "C3"))
    assert listed(ask(ours.staff, "get", CARS)) == ["NO#B2", "NO#C3"]
    empty: dict[str, list[str]] = {"assigned": [], "belongsElsewhere": [], "errors": []}
    assert assigned(ask(ours.tenant_admin, "put", CARS, {"cars": [], **numbers("C3")}), ours.tenant)["assigned"]
    assert plates_of(ours.tenant) == {"NO#C3"}, "cars that hold nothing do not hide the other list"
    assert assigned(ask(ours.tenant_admin, "put", CARS, numbers()), ours.tenant) == empty
    assert listed(ask(ours.staff, "get", CARS)) == []
    ask(ours.tenant_admin, "post", CARS, numbers("A1"))
    assert assigned(ask(ours.tenant_admin, "put", CARS, {"cars": []}), ours.tenant) == empty
    assert plates_of(ours.tenant) == set()


def test_a_tenant_without_capture_sets_is_told(ask: Sender, ours: factories.House) -> None:
    for method in ("post", "put"):
        answer = ask(ours.tenant_admin, method, CARS, numbers("A1"))
        assert assigned(answer, ours.tenant) == {"assigned": [], "belongsElsewhere": [], "errors": ["No capture sets"]}


_TOO_LONG = "A" * 31


@pytest.mark.usefixtures("rigged")
@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("post", {}),
        ("put", {}),
        ("post", {"cars": [], "registrationNumbersByCountryCode": {}}),
        ("post", numbers()),
        ("put", {"registrationNumbersByCountryCode": None}),
        ("put", {"registrationNumbersByCountryCode": ["A1"]}),
        ("put", {"registrationNumbersByCountryCode": {"NO": "A1"}}),
        ("put", {"registrationNumbersByCountryCode": {"NO": [["A1"]]}}),
        ("put", numbers(_TOO_LONG)),
        ("put", numbers("A\0B")),
        ("put", {"cars": [{"make": "Audi"}]}),
        ("put", {"cars": [{"licensePlate": "A1", "vin": "V" * 18}]}),
        ("put", {"cars": [{"licensePlate": "A1", "make": "\0"}]}),
        ("put", {"cars": "A1"}),
        ("put", ["A1"]),
    ],
)
def test_a_body_that_is_wrong_changes_nothing(
    ask: Sender, ours: factories.House, method: str, body: dict[str, Any]
) -> None:
    factories.car(ours.tenant, "KEPT1")
    answer = ask(ours.tenant_admin, method, CARS, body)
    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert plates_of(ours.tenant) == {"NO#KEPT1"}


@pytest.mark.usefixtures("rigged")
def test_so_many_plates_are_taken_and_no_more(
    ask: Sender, ours: factories.House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "MAX_PLATES", 3)
    assert ask(ours.tenant_admin, "put", CARS, numbers("A1", "B2", "C3")).status_code == 200
    for body in (numbers("A1", "B2", "C3", "D4"), {"cars": [{"licensePlate": f"A{n}"} for n in range(4)]}):
        answer = ask(ours.tenant_admin, "put", CARS, body)
        assert answer.status_code == 400
        assert "At most 3 plates" in answer.json()["message"]


@pytest.mark.usefixtures("rigged")
def test_fifty_thousand_plates_fit_a_request(ask: Sender, ours: factories.House) -> None:
    body = numbers(*(f"AB {number % 7:05d}" for number in range(50_000)))
    assert len(assigned(ask(ours.tenant_admin, "put", CARS, body), ours.tenant)["assigned"]) == 7


@pytest.mark.usefixtures("rigged")
def test_many_plates_cost_few_queries(ask: Sender, ours: factories.House) -> None:
    counts = []
    for size in (10, 400):
        ask(ours.tenant_admin, "put", CARS, numbers(*(f"A{number}" for number in range(size))))
        with CaptureQueriesContext(connection) as queries:
            ask(ours.tenant_admin, "post", CARS, numbers(*(f"A{number}" for number in range(size))))
        counts.append(len(queries))
    assert counts[0] == counts[1] < 20


@pytest.mark.usefixtures("rigged")
def test_a_repeated_request_is_answered_as_before(ask: Sender, ours: factories.House) -> None:
    def post() -> Any:
        return ask(ours.tenant_admin, "post", CARS, numbers("A1"), **{"idempotency-key": "one"})

    first = post()
    car_release(car=Car.objects.of(ours.tenant.pk).get())
    again = post()
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")
    assert plates_of(ours.tenant) == set()


@pytest.mark.usefixtures("rigged")
@pytest.mark.parametrize("method", ["post", "put"])
def test_recordings_that_waited_are_routed_in_the_same_stroke(
    ask: Sender, ours: factories.House, outsider: factories.House, method: str
) -> None:
    image_set = factories.recording(outsider.tenant.capture_sets.get(), plate="AB12345")
    assert image_set.passage_id is not None
    Passage.plain.filter(pk=image_set.passage_id).update(plate="AB12345", country_code="NO")
    ask(ours.tenant_admin, method, CARS, numbers("ab 12345"))
    found = ImageSet.objects.of(ours.tenant.pk).get()
    assert found.pk == image_set.pk
    assert found.car is not None
    assert found.passage is not None
    assert found.passage.tenant == ours.tenant


def test_a_global_admin_chooses_a_tenant_first(ask: Sender, ours: factories.House) -> None:
    ours.global_admin.current_tenant = None
    ours.global_admin.save()
    assert ask(ours.global_admin, "post", CARS, numbers("A1")).status_code == 409


number_texts = st.from_regex(r"[A-Za-z]{2}[ -]?[0-9]{1,5}", fullmatch=True)
lists = st.dictionaries(st.sampled_from(["NO", "no", "SE", "D"]), st.lists(number_texts, max_size=4))


@pytest.mark.usefixtures("rigged")
@hypothesis_settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_lists=lists)
def test_what_is_put_is_what_is_listed(ask: Sender, ours: factories.House, given_lists: dict[str, list[str]]) -> None:
    answer = ask(ours.tenant_admin, "put", CARS, {"registrationNumbersByCountryCode": given_lists})
    wanted = sorted({str(plate_parse(text, country)) for country, texts in given_lists.items() for text in texts})
    assert sorted(assigned(answer, ours.tenant)["assigned"]) == wanted
    assert sorted(listed(ask(ours.staff, "get", CARS))) == wanted


# --- W44 -------------------------------------------------------------------------------------------------------------


def test_a_car_is_deleted_and_its_past_stays(ask: Sender, ours: factories.House, scene: Scene) -> None:
    answer = ask(ours.tenant_admin, "delete", f"{CARS}?registrationNo=ab-12345&countryCode=no")
    assert answer.json() == {"data": "AB12345", "message": "Car successfully deleted", "success": True}
    assert listed(ask(ours.staff, "get", CARS)) == []
    shown = ask(ours.staff, "get", f"/core/v1/damages?tenantId={ours.tenant.pk}&registrationNo=AB12345")
    assert len(shown.json()["data"]["items"]) == 2
    record = scene.car.history.latest()
    assert (record.history_user, record.history_change_reason) == (ours.tenant_admin, "Released.")
    assert ask(ours.tenant_admin, "delete", f"{CARS}?registrationNo=AB12345").status_code == 404


def test_the_car_of_another_tenant_is_not_there(ask: Sender, ours: factories.House, outsider: factories.House) -> None:
    factories.car(ours.tenant)
    for query in ("registrationNo=AB12345", "registrationNo=AB12345&masterTenantAction=true", "registrationNo=NONE1"):
        answer = ask(outsider.tenant_admin, "delete", f"{CARS}?{query}")
        assert (answer.status_code, answer.json()["message"]) == (404, "Car not found.")
    assert plates_of(ours.tenant) == {"NO#AB12345"}
    assert ask(outsider.global_admin, "delete", f"{CARS}?registrationNo=AB12345").status_code == 200


@pytest.mark.parametrize("query", ["", "registrationNo=", "registrationNo=!!", "registrationNo=A1&countryCode=12"])
def test_a_deletion_needs_a_plate(ask: Sender, ours: factories.House, query: str) -> None:
    answer = ask(ours.tenant_admin, "delete", f"{CARS}?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {"registrationNo"}


# --- power tenants ---------------------------------------------------------------------------------------------------


@pytest.fixture
def member(ours: factories.House, rigged: None) -> factories.House:
    """A Swedish member of the group whose power tenant is ours."""
    house = factories.house("Swedish Rental")
    factories.rig(house.tenant, country_code="SE")
    tenant_group_create(name="Group", members=[house.tenant], power_tenant=ours.tenant)
    return house


def test_a_power_tenant_acts_for_members_if_it_says_so(
    ask: Sender, ours: factories.House, outsider: factories.House, member: factories.House
) -> None:
    factories.car(outsider.tenant, "TAKEN1", country_code="SE")
    body = {"registrationNumbersByCountryCode": {"SE": ["ABC123", "TAKEN1"], "NO": ["AB12345"], "DK": ["X1"]}}
    data = ask(ours.tenant_admin, "post", f"{CARS}?masterTenantAction=true", body).json()["data"]
    assert data == {
        str(ours.tenant.pk): {
            "assigned": ["NO#AB12345"], "belongsElsewhere": [], "errors": ["No capture sets in DK"],
        },
        str(member.tenant.pk): {"assigned": ["SE#ABC123"], "belongsElsewhere": ["SE#TAKEN1"], "errors": []},
    }  # fmt: skip
    alone = assigned(ask(ours.tenant_admin, "post", CARS, numbers("ABC123", country="SE")), ours.tenant)
    assert alone["belongsElsewhere"] == ["SE#ABC123"]
    ask(ours.tenant_admin, "put", CARS, numbers())
    assert plates_of(member.tenant) == {"SE#ABC123"}, "without the flag only its own list is replaced"
    ask(ours.tenant_admin, "put", f"{CARS}?masterTenantAction=true", numbers())
    assert plates_of(member.tenant) == set()
    assert plates_of(outsider.tenant) == {"SE#TAKEN1"}


def test_a_global_admin_acts_for_the_group_and_not_for_everybody(
    ask: Sender, ours: factories.House, outsider: factories.House, member: factories.House
) -> None:
    factories.car(outsider.tenant, "THEIRS1")
    factories.car(member.tenant, "MEMBER1")
    ask(ours.global_admin, "put", f"{CARS}?masterTenantAction=true", numbers())
    assert plates_of(member.tenant) == set()
    assert plates_of(outsider.tenant) == {"NO#THEIRS1"}


def test_a_member_has_no_power(ask: Sender, ours: factories.House, member: factories.House) -> None:
    factories.car(ours.tenant)
    ask(member.tenant_admin, "put", f"{CARS}?masterTenantAction=true", numbers())
    assert plates_of(ours.tenant) == {"NO#AB12345"}


def test_a_power_tenant_deletes_the_car_of_a_member(
    ask: Sender, ours: factories.House, member: factories.House
) -> None:
    factories.car(member.tenant)
    assert ask(ours.tenant_admin, "delete", f"{CARS}?registrationNo=AB12345").status_code == 404
    path = f"{CARS}?registrationNo=AB12345&masterTenantAction=true"
    assert ask(ours.staff, "delete", path).status_code == 403
    assert ask(ours.tenant_admin, "delete", path).status_code == 200
    assert plates_of(member.tenant) == set()
