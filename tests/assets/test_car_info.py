"""Who is asked about a car, in which order, and what happens when somebody does not answer."""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import Any

import pytest
from django.core.cache import cache
from django.core.checks import run_checks
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from structlog.testing import capture_logs

from assets.models import Car, PricePoint
from assets.plates import Plate
from assets.services import car_info_http
from assets.services.car_info import PRICED_BY, KnownCar, car_by_plate, car_by_vin, car_price, car_vin
from tenants.errors import NotFound, Unavailable
from tenants.scope import Reach
from tests import factories
from tests.car_register import SKODA, Connect, connect, holding
from tests.tenants.outbound.peers import Received, answer, redirect

__all__ = ["connect"]
pytestmark = pytest.mark.django_db
PLATE = Plate("NO", "AB12345")
VIN = SKODA["vin"]
UNKNOWN = answer(b'{"cars": []}')


def by_plate(house: factories.House, *wanted: str, plate: Plate = PLATE) -> KnownCar:
    return car_by_plate(plate=plate, reach=Reach.only(house.tenant.pk), wanted=wanted or PRICED_BY)


def by_vin(house: factories.House, vin: str = VIN) -> KnownCar:
    return car_by_vin(vin=vin, reach=Reach.only(house.tenant.pk))


# --- the register ----------------------------------------------------------------------------------------------------


def test_the_own_register_is_asked_first_and_alone_when_it_knows_everything(
    ours: factories.House, connect: Connect
) -> None:
    peer = connect(holding(SKODA))
    factories.car(ours.tenant, vin=VIN, make="VW", model="Golf", year=2020, displacement=1.598)
    known = by_plate(ours)
    assert (known.facts.make, known.facts.displacement, known.tenant_id) == ("VW", 1598, ours.tenant.pk)
    assert car_vin(car=by_plate(ours, "vin")) == VIN
    assert peer.connections == 0


def test_the_other_system_adds_what_the_register_does_not_hold(ours: factories.House, connect: Connect) -> None:
    peer = connect(holding(SKODA))
    factories.car(ours.tenant, make="My Skoda")
    facts = by_plate(ours).facts
    assert (facts.make, facts.model, facts.year, facts.vin) == ("My Skoda", "Octavia", 2012, VIN)
    assert [asked.target for asked in peer.received] == ["/cars/AB12345?country=NO"]
    assert peer.received[0].headers["authorization"] == "Apikey hidden"


def test_anothers_car_is_not_known(ours: factories.House, outsider: factories.House) -> None:
    factories.car(outsider.tenant, vin="ZZZZZZZZZZZ000001", make="Secret", model="Car", year=2020)
    with pytest.raises(NotFound, match="Vehicle not found"):
        by_plate(ours)
    with pytest.raises(NotFound, match="Vehicle not found"):
        by_vin(ours, "ZZZZZZZZZZZ000001")
    assert car_by_plate(plate=PLATE, reach=Reach.every(), wanted=PRICED_BY).tenant_id == outsider.tenant.pk


def test_a_car_that_was_released_is_not_in_the_register_any_more(ours: factories.House) -> None:
    factories.car(ours.tenant, vin=VIN, make="VW", released_at=timezone.now())
    with pytest.raises(NotFound):
        by_plate(ours)
    assert by_vin(ours).facts.make == "Skoda"


def test_plates_are_of_their_country(ours: factories.House) -> None:
    factories.car(ours.tenant, make="VW", country_code="SE")
    assert by_plate(ours, plate=Plate("SE", "AB12345")).name == "SE#AB12345"
    with pytest.raises(NotFound):
        by_plate(ours)


def test_of_several_cars_with_a_number_the_one_changed_last_counts(ours: factories.House) -> None:
    factories.car(ours.tenant, "AB10001", vin=VIN, make="Old")
    newest = factories.car(ours.tenant, "AB10002", vin=VIN, make="Older")
    newest.make = "New"
    newest.save()
    assert by_vin(ours).facts.make == "New"


def test_who_reaches_several_tenants_sees_the_cars_of_each(ours: factories.House, outsider: factories.House) -> None:
    factories.car(outsider.tenant, make="VW")
    reach = Reach.only(ours.tenant.pk, outsider.tenant.pk)
    assert car_by_plate(plate=PLATE, reach=reach, wanted=PRICED_BY).tenant_id == outsider.tenant.pk


# --- the other system ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unknown",
    [
        UNKNOWN,
        answer(b"[]"),
        answer(b"{}"),
        answer(b"null"),
        answer(status="204 No Content"),
        answer(status="404 Not Found"),
        answer(status="400 Bad Request"),
    ],
)
def test_a_car_that_the_other_system_does_not_know_is_not_found(
    ours: factories.House, connect: Connect, unknown: bytes
) -> None:
    peer = connect(unknown)
    for _ in range(2):
        with pytest.raises(NotFound, match="Vehicle not found"):
            by_plate(ours)
    assert peer.connections == 1


@pytest.mark.parametrize(
    "broken",
    [
        answer(status="401 No"),
        answer(status="403 No"),
        answer(status="429 Slow"),
        answer(status="500 Oops"),
        answer(status="503 Busy"),
        answer(b"<html>"),
        answer(b""),
        answer(b'"' + b"x" * (car_info_http.MAX_BYTES + 1) + b'"'),
        redirect("http://127.0.0.1:1/"),
        b"nonsense",
    ],
    ids=["401", "403", "429", "500", "503", "html", "empty", "huge", "redirect", "no http"],
)
def test_a_system_that_does_not_answer_is_unavailable_and_then_left_alone(
    ours: factories.House, connect: Connect, broken: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = connect(broken)
    for plate in (PLATE, PLATE, Plate("NO", "AB12346")):
        with pytest.raises(Unavailable, match="does not answer"):
            by_plate(ours, plate=plate)
    with pytest.raises(Unavailable):
        by_vin(ours)
    assert peer.connections == 1
    cache.clear()  # as the end of the rest does
    with pytest.raises(Unavailable):
        by_plate(ours)
    assert peer.connections == 2


def test_the_rest_ends(ours: factories.House, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = connect(answer(status="500 Oops"))
    monkeypatch.setattr(car_info_http, "REST_SECONDS", 0)
    for _ in range(2):
        with pytest.raises(Unavailable):
            by_plate(ours)
    assert peer.connections == 2


def test_a_slow_system_costs_its_time_and_no_more(ours: factories.House, connect: Connect) -> None:
    def drip(conn: socket.socket, _request: Received, stop: threading.Event) -> None:
        conn.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        while not stop.wait(0.05):
            conn.sendall(b" ")

    connect(drip, CAR_INFO_SECONDS=0.3)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        by_plate(ours)
    assert time.monotonic() - started < 5


def test_a_dead_system_is_unavailable(ours: factories.House, connect: Connect) -> None:
    connect(UNKNOWN).close()
    with pytest.raises(Unavailable):
        by_plate(ours)


def test_an_address_that_is_not_allowed_is_unavailable(
    ours: factories.House, connect: Connect, settings: Settings
) -> None:
    peer = connect(holding(SKODA))
    settings.OUTBOUND_ALLOW = []
    with pytest.raises(Unavailable):
        by_plate(ours)
    assert peer.connections == 0


def test_what_the_register_holds_is_told_though_the_other_system_is_dead(
    ours: factories.House, connect: Connect
) -> None:
    connect(answer(status="500 Oops"))
    factories.car(ours.tenant, vin=VIN, make="VW")
    assert car_vin(car=by_plate(ours, "vin")) == VIN
    assert by_vin(ours).facts.make == "VW"
    with pytest.raises(Unavailable):
        by_plate(ours, *PRICED_BY)


def test_answers_are_kept_for_all_and_the_registers_part_is_not(
    ours: factories.House, outsider: factories.House, connect: Connect
) -> None:
    peer = connect(holding(SKODA))
    factories.car(ours.tenant, make="Ours", color="pink")
    assert by_plate(ours).facts.make == "Ours"
    assert by_plate(outsider).facts.make == "Škoda"
    assert by_plate(outsider).facts.color == "Grå"
    assert peer.connections == 1


def test_answers_are_not_kept_when_the_settings_say_so(ours: factories.House, connect: Connect) -> None:
    peer = connect(holding(SKODA), CAR_INFO_CACHE_SECONDS=0)
    by_plate(ours)
    by_plate(ours)
    assert peer.connections == 2


def test_unknown_cars_are_kept_for_a_shorter_time(
    ours: factories.House, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Any] = []
    monkeypatch.setattr(cache, "set", lambda _key, value, timeout: kept.append((bool(value), timeout)))
    connect(UNKNOWN)
    with pytest.raises(NotFound):
        by_plate(ours)
    connect(holding(SKODA))
    by_plate(ours)
    assert kept == [(False, 3600), (True, 86_400)]


def test_a_number_is_asked_for_by_number_or_by_the_plate_of_the_register(
    ours: factories.House, connect: Connect
) -> None:
    peer = connect(holding(SKODA))
    assert by_vin(ours).facts.model == "Octavia"
    factories.car(ours.tenant, vin=VIN)
    peer = connect(holding(SKODA), CAR_INFO_VIN_URL="")
    assert by_vin(ours).facts.model == "Octavia"
    assert [asked.target for asked in peer.received] == ["/cars/AB12345?country=NO"]


def test_an_answer_about_another_car_is_not_taken(ours: factories.House, connect: Connect) -> None:
    connect(holding(SKODA))
    other = "WVWZZZAUZLW000001"
    assert (by_vin(ours, other).facts.make, by_vin(ours, other).facts.color) == ("Volkswagen", "")


def test_plates_of_other_countries_are_not_asked_for(ours: factories.House, connect: Connect) -> None:
    peer = connect(holding(SKODA))
    with pytest.raises(NotFound):
        by_plate(ours, plate=Plate("SE", "AB12345"))
    assert peer.connections == 0
    peer = connect(holding(SKODA), CAR_INFO_COUNTRIES=[])
    by_plate(ours, plate=Plate("SE", "ÅÄ12345"))
    assert peer.received[0].target == "/cars/%C3%85%C3%8412345?country=SE"


def test_neither_plate_nor_secret_reaches_the_log(
    ours: factories.House, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    connect(answer(b"hidden AB12345", status="500 Oops"))
    with capture_logs() as events, pytest.raises(Unavailable) as refused:
        by_plate(ours)
    written = caplog.text + str(events) + refused.value.message
    assert "car_info_failed" in written
    for secret in ("hidden", "AB12345"):
        assert secret not in written


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"CAR_INFO_URL": "https://example.com/cars"}, "where the plate belongs"),
        ({"CAR_INFO_VIN_URL": "https://example.com/{plate}"}, "where the vin belongs"),
        ({"CAR_INFO_URL": "ftp://example.com/{plate}"}, "only http and https"),
        ({"CAR_INFO_HEADERS": ["x"]}, "no JSON object of texts"),
        ({"CAR_INFO_HEADERS": {"X-Key": 5}}, "no JSON object of texts"),
        ({"CAR_INFO_HEADERS": {"Host": "hidden"}}, "Host cannot be set"),
        ({"CAR_INFO_FIELDS": {"colour": "a"}}, "'colour' is no fact"),
        ({"CAR_INFO_URL": "https://example.com/{plate}", "CAR_INFO_FIELDS": {}}, "nothing would be read"),
        ({"CAR_INFO_URL": "https://example.com/{plate}", "CAR_INFO_FIELDS": {"vin": "a"}}, ""),
    ],
)
def test_settings_that_cannot_work_are_told_at_the_start(
    settings: Settings, changes: dict[str, Any], fault: str
) -> None:
    for name, value in ({"CAR_INFO_FIELDS": {"vin": "a"}} | changes).items():
        setattr(settings, name, value)
    told = [message.msg for message in run_checks() if message.id == "platform.E020"]
    assert len(told) == bool(fault)
    assert all(fault in text and "hidden" not in text for text in told)


# --- the number itself -----------------------------------------------------------------------------------------------


def test_a_number_nobody_knows_tells_its_maker(ours: factories.House) -> None:
    facts = by_vin(ours).facts
    assert (facts.vin, facts.make, facts.year, facts.color) == (VIN, "Skoda", 2012, "")


def test_a_number_fills_what_the_register_leaves_open(ours: factories.House) -> None:
    factories.car(ours.tenant, vin=VIN, model="Octavia")
    facts = by_plate(ours).facts
    assert (facts.make, facts.model, facts.year) == ("Skoda", "Octavia", 2012)


# --- prices ----------------------------------------------------------------------------------------------------------


def point(house: factories.House, km: int, *prices: int, year: int = 2020, **extra: Any) -> PricePoint:
    low, medium, high = prices
    values = {"make": "Volkswagen", "model": "Golf", "year": year} | extra
    return PricePoint.objects.of(house.tenant.pk).create(
        tenant=house.tenant, km=km, price_low=low, price_medium=medium, price_high=high, **values
    )


@pytest.fixture
def golf(ours: factories.House) -> Car:
    point(ours, 0, 200, 220, 240)
    point(ours, 100_000, 100, 120, 140)
    return factories.car(ours.tenant, make="volks wagen", model="GOLF", year=2020)


def test_a_price_is_that_of_the_cars_own_tenant(ours: factories.House, outsider: factories.House, golf: Car) -> None:
    point(outsider, 0, 1, 2, 3)
    point(outsider, 100_000, 1, 2, 3)
    car = car_by_plate(plate=PLATE, reach=Reach.every(), wanted=PRICED_BY)
    assert car_price(car=car, km=50_000, tenant_id=outsider.tenant.pk) == (150, 170, 190)


def test_a_car_of_no_register_is_priced_by_the_tenant_that_asks(
    ours: factories.House, outsider: factories.House, connect: Connect
) -> None:
    connect(holding(SKODA))
    point(ours, 0, 1, 2, 3, make="Skoda", model="octavia", year=2012)
    assert car_price(car=by_plate(ours), km=0, tenant_id=ours.tenant.pk) == (1, 2, 3)
    for tenant_id in (outsider.tenant.pk, None):
        with pytest.raises(NotFound, match="There is no price for a Škoda Octavia of 2012: no price"):
            car_price(car=by_plate(ours), km=0, tenant_id=tenant_id)


@pytest.mark.parametrize(
    ("km", "changes", "words"),
    [
        (100_001, {}, "a volks wagen GOLF of 2020 at 100001 km: prices are known from 0 to 100000 km."),
        (0, {"year": 2021}, "a volks wagen GOLF of 2021: prices are known for 2020 only."),
        (0, {"model": "Polo"}, "a volks wagen Polo of 2020: no price of this make and model is known."),
        (0, {"year": None}, "NO#AB12345: its year is not known."),
        (0, {"make": "", "year": None}, "NO#AB12345: its make and year are not known."),
        (
            0,
            {"make": "", "model": "", "year": None, "color": "x"},
            "NO#AB12345: its make, model and year are not known.",
        ),
    ],
)
def test_no_price_says_why(ours: factories.House, golf: Car, km: int, changes: dict[str, Any], words: str) -> None:
    Car.objects.of(ours.tenant.pk).update(**changes)
    with pytest.raises(NotFound) as refused:
        car_price(car=by_plate(ours), km=km, tenant_id=ours.tenant.pk)
    assert refused.value.message == f"There is no price for {words}"


def test_a_price_costs_two_queries_however_many_are_known(
    ours: factories.House, golf: Car, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for km in range(1, 40):
        point(ours, km * 1000, 100, 120, 140)
    with django_assert_num_queries(2):
        car_price(car=by_plate(ours), km=50_000, tenant_id=ours.tenant.pk)


def test_the_number_of_a_known_car_may_be_unknown(ours: factories.House, golf: Car) -> None:
    with pytest.raises(NotFound, match="number of NO#AB12345 is not known"):
        car_vin(car=by_plate(ours, "vin"))
