"""W28 to W30: a VIN by plate, a price by plate and mileage, a car by VIN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from assets.carinfo.facts import CarFacts
from assets.models import Car, PricePoint
from inspection_platform.api.core.docs.car_info import CAR, PRICE
from inspection_platform.api.core.presenters import car_info as present
from tenants.models import User
from tests import factories
from tests.api.conftest import Headers
from tests.api.core.conftest import golden
from tests.api.test_reference import reference, validator
from tests.car_register import SKODA, Connect, connect, holding
from tests.tenants.outbound.peers import answer

__all__ = ["connect"]
pytestmark = pytest.mark.django_db
Bearer = Callable[[User], Headers]
CAR_INFO = "/core/v1/carInfo"
VIN = SKODA["vin"]
AUTH_QUERIES = 1


@pytest.fixture
def octavia(ours: factories.House) -> Car:
    """The car of the vendor's samples, and prices such that at 60,000 km it costs what the sample says."""
    for km, low, medium, high in ((50_000, 94_988, 100_987, 106_986), (70_000, 92_988, 98_987, 104_986)):
        PricePoint.objects.of(ours.tenant.pk).create(
            tenant=ours.tenant, make="Skoda", model="Octavia", year=2012, km=km, price_low=low, price_medium=medium,
            price_high=high,
        )  # fmt: skip
    return factories.car(
        ours.tenant, vin=VIN, make="Škoda", model="Octavia", color="grey", fuel="DIESEL", gear="manual", year=2012,
        kilowatts=77, displacement=1.598,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("licensePlate/AB12345", "car_vin"),
        ("price/AB12345?km=60000", "car_price"),
        (f"vin/{VIN}", "car_data"),
    ],
)
def test_answers_are_the_golden_json(
    client: Client, ours: factories.House, octavia: Car, bearer: Bearer, path: str, name: str
) -> None:
    for headers in (bearer(ours.staff), bearer(ours.annotator), {"x-api-key": ours.keys["core"]}):
        response = client.get(f"{CAR_INFO}/{path}", headers=headers)
        assert (response.status_code, response.json()) == (200, golden(name))


def test_the_reference_shows_the_same_samples() -> None:
    assert golden("car_data")["data"] == CAR
    assert golden("car_price")["data"] == PRICE


@pytest.mark.parametrize(
    "plate", ["AB12345", "ab 12345", "ab-12%20345", "NO%23AB12345", "no%23ab12345", "AB12345?countryCode=no"]
)
def test_plates_are_taken_in_every_form(
    client: Client, ours: factories.House, octavia: Car, bearer: Bearer, plate: str
) -> None:
    response = client.get(f"{CAR_INFO}/licensePlate/{plate}", headers=bearer(ours.staff))
    assert response.json() == golden("car_vin")


def test_a_plate_is_of_its_country(client: Client, ours: factories.House, octavia: Car, bearer: Bearer) -> None:
    path = f"{CAR_INFO}/licensePlate/AB12345"
    assert client.get(path, {"countryCode": "SE"}, headers=bearer(ours.staff)).status_code == 404
    path = f"{CAR_INFO}/licensePlate/NO%23AB12345"
    assert client.get(path, {"countryCode": "SE"}, headers=bearer(ours.staff)).status_code == 200


def test_numbers_are_taken_in_every_case(client: Client, ours: factories.House, octavia: Car, bearer: Bearer) -> None:
    response = client.get(f"{CAR_INFO}/vin/%20{VIN.lower()}", headers=bearer(ours.staff))
    assert response.json() == golden("car_data")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("licensePlate/!!", "plate"),
        ("licensePlate/%23", "plate"),
        ("licensePlate/AAAAAAAAAAAAA", "plate"),
        ("licensePlate/NORW%23AB12345", "plate"),
        ("licensePlate/AB12345?countryCode=12", "countryCode"),
        ("licensePlate/AB12345?countryCode=NORW", "countryCode"),
        ("licensePlate/AB12345?km=5", "km"),
        ("price/!!?km=5", "plate"),
        ("price/AB12345", "km"),
        ("price/AB12345?km=", "km"),
        ("price/AB12345?km=-1", "km"),
        ("price/AB12345?km=1.5", "km"),
        ("price/AB12345?km=many", "km"),
        ("price/AB12345?km=2000001", "km"),
        ("price/AB12345?km=5&colour=red", "colour"),
        ("vin/ASDAWEQWEQWEASDASD", "vin"),
        ("vin/TMBJG7NE5C012345O", "vin"),
        ("vin/1HGCM82643A004352", "vin"),
    ],
)
def test_bad_values_are_named(
    client: Client, ours: factories.House, octavia: Car, bearer: Bearer, path: str, field: str
) -> None:
    response = client.get(f"{CAR_INFO}/{path}", headers=bearer(ours.staff))
    assert (response.status_code, list(response.json()["errors"])) == (400, [field])
    assert response.json()["success"] is False


@pytest.mark.parametrize("path", ["licensePlate/XX99999", "price/XX99999?km=-1", "vin/ZZZZZZZZZZZ000001"])
def test_an_unknown_car_is_not_found_whatever_else_is_wrong(
    client: Client, ours: factories.House, octavia: Car, bearer: Bearer, path: str
) -> None:
    response = client.get(f"{CAR_INFO}/{path}", headers=bearer(ours.staff))
    assert (response.status_code, response.json()) == (404, {"success": False, "message": "Vehicle not found"})
    assert client.get(f"{CAR_INFO}/{path}").status_code == 401


def test_no_price_is_not_found_and_says_why(
    client: Client, ours: factories.House, octavia: Car, bearer: Bearer
) -> None:
    response = client.get(f"{CAR_INFO}/price/AB12345", {"km": "250000"}, headers=bearer(ours.staff))
    assert response.status_code == 404
    assert response.json()["message"] == (
        "There is no price for a Škoda Octavia of 2012 at 250000 km: prices are known from 50000 to 70000 km."
    )


def test_a_car_without_a_number_is_not_found(client: Client, ours: factories.House, bearer: Bearer) -> None:
    factories.car(ours.tenant, make="VW")
    response = client.get(f"{CAR_INFO}/licensePlate/AB12345", headers=bearer(ours.staff))
    assert response.status_code == 404
    assert response.json()["message"] == "The vehicle identification number of NO#AB12345 is not known."


def test_anothers_car_looks_like_none(
    client: Client, ours: factories.House, outsider: factories.House, bearer: Bearer
) -> None:
    factories.car(ours.tenant, vin="ZZZZZZZZZZZ000001", make="Secret", model="One", year=2020)
    for path in ("licensePlate/AB12345", "price/AB12345?km=0", "vin/ZZZZZZZZZZZ000001"):
        anothers = client.get(f"{CAR_INFO}/{path}", headers=bearer(outsider.tenant_admin))
        nobodys = client.get(f"{CAR_INFO}/{path.replace('1', '9')}", headers=bearer(outsider.tenant_admin))
        assert (anothers.status_code, anothers.json()) == (nobodys.status_code, nobodys.json())
        assert anothers.status_code == 404


def test_anothers_car_tells_only_what_its_number_tells(
    client: Client, ours: factories.House, outsider: factories.House, octavia: Car, bearer: Bearer
) -> None:
    data = client.get(f"{CAR_INFO}/vin/{VIN}", headers=bearer(outsider.staff)).json()["data"]
    assert data == dict.fromkeys(CAR, "") | {"VIN": VIN, "make": "SKODA", "year": "2012"}


def test_the_tenant_worked_in_counts(
    client: Client, ours: factories.House, outsider: factories.House, octavia: Car, bearer: Bearer
) -> None:
    ours.staff.memberships.create(tenant=outsider.tenant, role="USER")
    assert client.get(f"{CAR_INFO}/licensePlate/AB12345", headers=bearer(ours.staff)).status_code == 200
    ours.staff.current_tenant = outsider.tenant
    ours.staff.save()
    assert client.get(f"{CAR_INFO}/licensePlate/AB12345", headers=bearer(ours.staff)).status_code == 404


def test_a_dead_system_is_503_for_what_only_it_could_know(
    client: Client, ours: factories.House, octavia: Car, bearer: Bearer, connect: Connect
) -> None:
    connect(answer(status="500 Oops"))
    headers = bearer(ours.staff)
    for path in ("licensePlate/XX99999", "price/XX99999?km=0", "vin/WVWZZZAUZLW000001"):
        response = client.get(f"{CAR_INFO}/{path}", headers=headers)
        assert response.status_code == 503
        assert response.json()["message"] == "The vehicle register does not answer. Try again later."
    for path in ("licensePlate/AB12345", "price/AB12345?km=60000", f"vin/{VIN}"):
        assert client.get(f"{CAR_INFO}/{path}", headers=headers).status_code == 200


def test_the_other_system_answers_in_the_same_form(
    client: Client, ours: factories.House, bearer: Bearer, connect: Connect
) -> None:
    connect(holding(SKODA))
    headers = bearer(ours.staff)
    assert client.get(f"{CAR_INFO}/licensePlate/EK39085", headers=headers).json() == golden("car_vin")
    assert client.get(f"{CAR_INFO}/vin/{VIN}", headers=headers).json() == golden("car_data")


@pytest.mark.parametrize(
    ("path", "queries"), [("licensePlate/AB12345", 1), ("price/AB12345?km=60000", 2), (f"vin/{VIN}", 1)]
)
def test_number_of_queries(
    client: Client,
    ours: factories.House,
    octavia: Car,
    bearer: Bearer,
    django_assert_num_queries: DjangoAssertNumQueries,
    path: str,
    queries: int,
) -> None:
    headers = bearer(ours.staff)
    with django_assert_num_queries(AUTH_QUERIES + queries):
        client.get(f"{CAR_INFO}/{path}", headers=headers)


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("licensePlate/{plate}", "licensePlate/AB12345"),
        ("licensePlate/{plate}", "licensePlate/!!"),
        ("price/{plate}", "price/AB12345?km=60000"),
        ("price/{plate}", "price/AB12345?km=x"),
        ("vin/{vin}", f"vin/{VIN}"),
        ("vin/{vin}", "vin/ZZZZZZZZZZZ000001"),
    ],
)
def test_answers_fit_the_reference(
    client: Client, ours: factories.House, octavia: Car, bearer: Bearer, template: str, path: str
) -> None:
    response = client.get(f"{CAR_INFO}/{path}", headers=bearer(ours.staff))
    described = reference()["paths"][f"{CAR_INFO}/{template}"]["get"]["responses"][str(response.status_code)]
    schema = described["content"]["application/json"]["schema"]
    assert [error.message for error in validator(schema).iter_errors(response.json())] == []


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["licensePlate", "price", "vin"]),
    text=st.text(min_size=1, max_size=20),
    km=st.text(max_size=9),
)
def test_no_question_is_a_crash(client: Client, ours: factories.House, kind: str, text: str, km: str) -> None:
    path = f"{CAR_INFO}/{kind}/{quote(text, safe='')}"
    response = client.get(path, {"km": km}, headers={"x-api-key": ours.keys["core"]})
    assert response.status_code in {400, 404}
    assert response.json()["success"] is False


# --- words -----------------------------------------------------------------------------------------------------------


def shown(**facts: Any) -> dict[str, str]:
    data: dict[str, str] = present.car(CarFacts(**facts))["data"]
    return data


@pytest.mark.parametrize(
    ("facts", "name", "word"),
    [
        ({"fuel": "PETROL"}, "fuel", "Bensin"),
        ({"fuel": "diesel"}, "fuel", "Diesel"),
        ({"fuel": "Electric"}, "fuel", "Elektrisk"),
        ({"fuel": "plug-in  hybrid"}, "fuel", "Ladbar hybrid"),
        ({"fuel": "Elektrisk"}, "fuel", "Elektrisk"),
        ({"fuel": "Steam"}, "fuel", "Steam"),
        ({"gear": "AUTOMATIC"}, "gear", "Automat"),
        ({"gear": "manual"}, "gear", "Manuell"),
        ({"color": "gray"}, "color", "Grå"),
        ({"color": "White"}, "color", "Hvit"),
        ({"color": "Racing green"}, "color", "Racing green"),
        ({"make": "Citroën"}, "make", "CITROEN"),
        ({"make": "Tromsø"}, "make", "TROMSØ"),
        ({"kilowatts": 110.5}, "kw", "110.5"),
        ({"kilowatts": 77.0}, "kw", "77"),
        ({"kilowatts": 0.0}, "kw", "0"),
        ({"displacement": 1598}, "displacement", "1598"),
        ({"year": 2012}, "year", "2012"),
    ],
)
def test_words_and_numbers_are_norwegian_texts(facts: dict[str, Any], name: str, word: str) -> None:
    assert shown(**facts)[name] == word


def test_what_is_not_known_is_an_empty_text() -> None:
    assert shown(vin=VIN) == dict.fromkeys(CAR, "") | {"VIN": VIN}
