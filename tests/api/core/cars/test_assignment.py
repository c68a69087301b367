"""Cars of the core family: assigned (W46) and replaced (W47)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from assets.models import Car, ImageSet, Passage
from assets.plates import plate_parse
from assets.services.cars import car_release
from inspection_platform.api.core.docs.cars import GIVEN, PLATES
from inspection_platform.api.core.serializers import cars as shapes
from tests import factories
from tests.api.core.cars.plates import CARS, assigned, for_tenant, listed, numbers, plates_of
from tests.api.core.rigs import Sender

pytestmark = pytest.mark.django_db


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
