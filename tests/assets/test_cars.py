"""Whose car is whose: plates assigned to tenants, many at a time, and released again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from assets.models import CaptureSet, Car
from assets.plates import Plate, plate_parse
from assets.services.cars import NO_CAPTURE_SETS, Assignment, CarList, car_release, cars_assign
from assets.services.routing import waiting_route
from damages.models import Damage
from inspection_platform.workflow import route_waiting
from tenants.errors import Conflict, NotFound
from tenants.models import Tenant
from tests import factories

pytestmark = pytest.mark.django_db

ABC = Plate("NO", "ABC123")
XYZ = Plate("NO", "XYZ789")
SWEDISH = Plate("SE", "ABC123")


def listed(*texts: str, **details: str) -> CarList:
    made = CarList()
    for text in texts:
        made.add(text, details=details)
    return made


def assign(*tenants: Tenant, texts: tuple[str, ...] = (), replace: bool = False, **details: str) -> Assignment:
    """What came of it for the first tenant."""
    return cars_assign(tenants=tenants, listed=listed(*texts, **details), replace=replace)[tenants[0].pk]


def plates_of(tenant: Tenant) -> set[Plate]:
    rows = Car.objects.of(tenant.pk).assigned().values_list("country_code", "plate")
    return {Plate(*row) for row in rows}


@pytest.fixture
def rigged(ours: factories.House, outsider: factories.House) -> tuple[CaptureSet, CaptureSet]:
    """A rig in Norway for each house."""
    return factories.rig(ours.tenant), factories.rig(outsider.tenant)


@pytest.fixture
def mine(ours: factories.House, rigged: object) -> Tenant:
    return ours.tenant


@pytest.fixture
def theirs(outsider: factories.House, rigged: object) -> Tenant:
    return outsider.tenant


# --- assigning -------------------------------------------------------------------------------------------------------


def test_plates_are_assigned_in_one_spelling_and_once(ours: factories.House, mine: Tenant) -> None:
    made = CarList()
    for number, country in (("abc 123", None), ("ABC-123", "no"), ("se#ab c.123", "NO"), ("NO#ABC123", None)):
        made.add(number, country)
    assert cars_assign(tenants=[mine], listed=made, by=ours.tenant_admin) == {
        mine.pk: Assignment(assigned=[ABC, SWEDISH])
    }
    assert plates_of(mine) == {ABC, SWEDISH}
    cars = Car.objects.of(mine.pk)
    record = cars.get(country_code="NO").history.get()
    assert (record.history_type, record.history_user, record.history_change_reason) == (
        "+", ours.tenant_admin, "Assigned.",
    )  # fmt: skip


def test_a_plate_that_is_the_tenants_already_is_reported_and_left_as_it_is(mine: Tenant) -> None:
    car = factories.car(mine, "ABC123", make="Audi")
    assert assign(mine, texts=("ABC123",), make="Volvo") == Assignment(assigned=[ABC])
    car.refresh_from_db()
    assert (car.make, car.history.count()) == ("Audi", 1)


def test_a_plate_of_another_tenant_is_told_and_stays_there(mine: Tenant, theirs: Tenant) -> None:
    factories.car(theirs, "ABC123")
    for replace in (False, True):
        made = assign(mine, texts=("ABC123", "XYZ789"), replace=replace)
        assert made == Assignment(assigned=[XYZ], elsewhere=[ABC])
    assert plates_of(theirs) == {ABC}
    assert plates_of(mine) == {XYZ}


def test_what_can_be_no_plate_is_named_and_the_rest_assigned(mine: Tenant) -> None:
    made = assign(mine, texts=("A!B", "ABC123", "A!B", "TOOLONGFORAPLATE"))
    assert made.assigned == [ABC]
    assert made.errors == ["'A!B' is not a registration number.", "'TOOLONGFORAPLATE' is not a registration number."]


def test_what_is_said_of_a_new_car_is_kept(mine: Tenant, rigged: tuple[CaptureSet, CaptureSet]) -> None:
    assign(mine, texts=("ABC123",), make="Audi", model_code="8Y", vin="VIN45678912345678")
    car = Car.objects.of(mine.pk).get()
    assert (car.make, car.model_code, car.vin, car.capture_set) == ("Audi", "8Y", "VIN45678912345678", rigged[0])


def test_a_car_stands_at_the_oldest_regular_rig_of_its_country(mine: Tenant) -> None:
    factories.rig(mine, is_virtual=True, country_code="SE")
    swedish = factories.rig(mine, country_code="SE")
    assign(mine, texts=("SE#ABC123",))
    assert Car.objects.of(mine.pk).get().capture_set == swedish


@pytest.mark.parametrize("replace", [False, True])
def test_a_tenant_without_capture_sets_gets_nothing_and_keeps_what_it_has(ours: factories.House, replace: bool) -> None:
    factories.car(ours.tenant, "XYZ789")
    made = assign(ours.tenant, texts=("ABC123",), replace=replace)
    assert made == Assignment(errors=[NO_CAPTURE_SETS])
    assert plates_of(ours.tenant) == {XYZ}
    assert assign(ours.tenant, replace=True) == Assignment(), "to empty the list no rig is needed"
    assert plates_of(ours.tenant) == set()


def test_a_rig_that_records_for_the_tenant_counts_and_a_deleted_one_does_not(
    ours: factories.House, outsider: factories.House
) -> None:
    shared = factories.rig(outsider.tenant, open_to=[ours.tenant])
    assert assign(ours.tenant, texts=("ABC123",)).assigned == [ABC]
    assert Car.objects.of(ours.tenant.pk).get().capture_set is None, "the rig is not the tenant's own"
    CaptureSet.objects.of(outsider.tenant.pk).filter(pk=shared.pk).update(deleted_at=shared.created_at)
    assert assign(ours.tenant, texts=("XYZ789",)).errors == [NO_CAPTURE_SETS]


# --- replacing -------------------------------------------------------------------------------------------------------


def test_a_new_list_releases_what_is_not_on_it(ours: factories.House, mine: Tenant, theirs: Tenant) -> None:
    factories.car(theirs, "THEIRS1")
    gone, stays = factories.car(mine, "XYZ789"), factories.car(mine, "ABC123")
    made = cars_assign(tenants=[mine], listed=listed("abc123", "NEW1"), replace=True, by=ours.tenant_admin)
    assert made == {mine.pk: Assignment(assigned=[ABC, Plate("NO", "NEW1")])}
    assert plates_of(mine) == {ABC, Plate("NO", "NEW1")}
    assert plates_of(theirs) == {Plate("NO", "THEIRS1")}
    gone.refresh_from_db()
    stays.refresh_from_db()
    assert (gone.released_at is not None, stays.released_at, stays.history.count()) == (True, None, 1)
    record = gone.history.latest()
    assert (record.history_user, record.history_change_reason) == (ours.tenant_admin, "Released.")
    assert record.released_at == gone.released_at


def test_an_empty_list_releases_all_and_one_without_any_plate_nothing(mine: Tenant) -> None:
    factories.car(mine, "ABC123")
    assert assign(mine, texts=("A!B",), replace=True).errors == ["'A!B' is not a registration number."]
    assert plates_of(mine) == {ABC}
    assert assign(mine, replace=True) == Assignment()
    assert plates_of(mine) == set()


def test_a_new_list_describes_its_cars_anew(mine: Tenant) -> None:
    cars = [factories.car(mine, plate, make="Audi", fuel="PETROL") for plate in ("ABC123", "XYZ789")]
    made = listed("ABC123", make="Volvo")
    made.add("XYZ789", details={"make": "Audi"})
    cars_assign(tenants=[mine], listed=made, replace=True)
    for car in cars:
        car.refresh_from_db()
    assert [(car.make, car.fuel, car.history.count()) for car in cars] == [
        ("Volvo", "PETROL", 2),
        ("Audi", "PETROL", 1),
    ]


def test_a_released_plate_goes_to_another_tenant_and_the_past_stays(mine: Tenant, theirs: Tenant) -> None:
    car = factories.car(mine, "ABC123")
    image_set = factories.image_set(mine, photos=1, car=car)
    damage = factories.damage(image_set.images.get())
    assign(mine, replace=True)
    assert assign(theirs, texts=("ABC123",)) == Assignment(assigned=[ABC])
    image_set.refresh_from_db()
    damage.refresh_from_db()
    assert (image_set.car, image_set.tenant, damage.car) == (car, mine, car)
    assert Car.objects.of(theirs.pk).get().pk != car.pk
    assert not Damage.objects.of(theirs.pk).exists()
    assert assign(mine, texts=("ABC123",)).elsewhere == [ABC]


def test_a_tenant_gets_its_own_released_car_back(ours: factories.House, mine: Tenant, theirs: Tenant) -> None:
    car = factories.car(mine, "ABC123", make="Audi")
    car_release(car=car)
    assign(theirs, texts=("ABC123",))
    assign(theirs, replace=True)
    made = cars_assign(tenants=[mine], listed=listed("ABC123", fuel="DIESEL"), by=ours.tenant_admin)
    assert made[mine.pk].assigned == [ABC]
    again = Car.objects.of(mine.pk).get()
    assert (again.pk, again.released_at, again.make, again.fuel) == (car.pk, None, "Audi", "DIESEL")
    record = again.history.latest()
    assert (record.history_user, record.history_change_reason) == (ours.tenant_admin, "Assigned again.")


def test_one_car_is_released_once(ours: factories.House, mine: Tenant) -> None:
    car = factories.car(mine, "ABC123")
    car_release(car=car, by=ours.tenant_admin)
    assert plates_of(mine) == set()
    assert car.history.latest().history_user == ours.tenant_admin
    with pytest.raises(NotFound):
        car_release(car=car)
    assert car.history.count() == 2


def test_nothing_is_changed_if_somebody_registers_a_plate_by_other_means(
    mine: Tenant, theirs: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is read, then another door of the platform takes the plate."""
    factories.car(mine, "XYZ789")
    monkeypatch.setattr(
        "assets.services.cars._Claims._owners",
        lambda *_: factories.car(theirs, "ABC123") and {},
    )
    with pytest.raises(Conflict, match="just now"):
        assign(mine, texts=("ABC123",), replace=True)
    assert plates_of(mine) == {XYZ}


# --- tenants that act together ---------------------------------------------------------------------------------------


@pytest.fixture
def swedish(db: None) -> Tenant:
    """A tenant of the group with a rig in Sweden."""
    tenant = factories.house("Swedish Rental").tenant
    factories.rig(tenant, country_code="SE")
    return tenant


def outcome(*tenants: Tenant, texts: tuple[str, ...] = (), replace: bool = False) -> dict[UUID, Assignment]:
    return cars_assign(tenants=tenants, listed=listed(*texts), replace=replace)


def test_of_several_tenants_the_one_in_the_plates_country_gets_it(
    mine: Tenant, theirs: Tenant, swedish: Tenant
) -> None:
    bare = factories.house("Bare Rental").tenant
    factories.car(theirs, "SE#TAKEN1".partition("#")[2], country_code="SE")
    texts = ("NO#ABC123", "SE#ABC123", "SE#TAKEN1", "DK#ABC123")
    assert outcome(mine, swedish, bare, texts=texts) == {
        mine.pk: Assignment(assigned=[ABC], errors=["No capture sets in DK"]),
        swedish.pk: Assignment(assigned=[SWEDISH], elsewhere=[Plate("SE", "TAKEN1")]),
        bare.pk: Assignment(errors=[NO_CAPTURE_SETS]),
    }
    assert (plates_of(mine), plates_of(swedish), plates_of(bare)) == ({ABC}, {SWEDISH}, set())


def test_the_one_who_asks_comes_first_and_among_others_nobody_does(
    mine: Tenant, theirs: Tenant, swedish: Tenant
) -> None:
    assert outcome(mine, theirs, texts=("ABC123",))[mine.pk].assigned == [ABC]
    assert outcome(swedish, mine, theirs, texts=("XYZ789",)) == {
        swedish.pk: Assignment(errors=["More than one tenant has capture sets in NO"])
    }


def test_what_one_of_them_has_stays_there_and_is_released_with_the_rest(mine: Tenant, swedish: Tenant) -> None:
    factories.car(swedish, "ABC123")
    factories.car(swedish, "XYZ789")
    made = outcome(mine, swedish, texts=("ABC123",), replace=True)
    assert made == {mine.pk: Assignment(), swedish.pk: Assignment(assigned=[ABC])}
    assert plates_of(swedish) == {ABC}


# --- what waited -----------------------------------------------------------------------------------------------------


def test_a_recording_that_waited_follows_the_plate(ours: factories.House, outsider: factories.House) -> None:
    both = [ours.tenant, outsider.tenant]
    image_set = factories.recording(factories.rig(ours.tenant, open_to=both), plate="ABC123")
    assert image_set.passage is not None
    image_set.passage.plate, image_set.passage.country_code = ABC.number, ABC.country
    image_set.passage.save()
    car_release(car=factories.car(ours.tenant, "ABC123"))
    assert waiting_route(plates=[ABC]) == [], "a released car draws nothing"
    assign(outsider.tenant, texts=("ABC123",))
    assert route_waiting([ABC]) == [image_set]
    image_set.refresh_from_db()
    assert (image_set.tenant, image_set.car) == (outsider.tenant, Car.objects.of(outsider.tenant.pk).get())


# --- many, and at once -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("replace", [False, True])
def test_the_number_of_queries_grows_with_batches_only(
    mine: Tenant, django_assert_max_num_queries: Callable[..., object], replace: bool
) -> None:
    def many(letter: str) -> CarList:
        return listed(*(f"{letter}{number}" for number in range(1000)))

    with django_assert_max_num_queries(140):  # type: ignore[attr-defined]  # SQLite takes about 40 rows at a time
        cars_assign(tenants=[mine], listed=many("A"), replace=replace)
    with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
        cars_assign(tenants=[mine], listed=many("A"), replace=replace)
    with django_assert_max_num_queries(80):  # type: ignore[attr-defined]
        cars_assign(tenants=[mine], listed=CarList(), replace=True)
    assert plates_of(mine) == set()


letters = st.text(st.sampled_from("abcXYZ019 -.#æØ_!"), min_size=1, max_size=14)


@given(text=letters, country=st.sampled_from([None, "no", " SE", "D"]))
def test_a_plate_that_was_read_reads_as_itself(text: str, country: str | None) -> None:
    try:
        plate = plate_parse(text, country)
    except ValueError:
        return
    assert plate_parse(str(plate)) == plate_parse(plate.number, plate.country) == plate
    assert plate_parse(f" {str(plate).lower()} ") == plate


@hypothesis_settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(st.lists(letters, max_size=6), min_size=1, max_size=3))
def test_after_a_new_list_the_tenant_has_exactly_its_plates(mine: Tenant, rounds: list[list[str]]) -> None:
    for texts in rounds:
        made = listed(*texts)
        before = plates_of(mine)
        assert set(cars_assign(tenants=[mine], listed=made, replace=True)[mine.pk].assigned) == set(made.cars)
        assert plates_of(mine) == (set(made.cars) if made.cars or not made.malformed else before)
    rows = Car.objects.of(mine.pk).values_list("country_code", "plate")
    assert len(set(rows)) == len(rows), "a plate that comes again is the same car"


def at_once(*calls: Callable[[], object]) -> None:
    """Make the calls in threads with connections of their own, all starting together."""
    start = Barrier(len(calls))

    def one(call: Callable[[], object]) -> object:
        try:
            start.wait(timeout=30)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        for result in [threads.submit(one, call) for call in calls]:
            result.result()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(3))
def test_of_two_tenants_at_once_one_gets_a_plate(mine: Tenant, theirs: Tenant, attempt: int) -> None:
    car_release(car=factories.car(mine, "P1"))
    answers: dict[UUID, Assignment] = {}
    texts = tuple(f"P{number}" for number in range(30))

    def claim(tenant: Tenant, order: tuple[str, ...]) -> Callable[[], object]:
        return lambda: answers.update(cars_assign(tenants=[tenant], listed=listed(*order)))

    at_once(claim(mine, texts), claim(theirs, texts[::-1]))
    won, lost = answers[mine.pk], answers[theirs.pk]
    assert (won.assigned, won.elsewhere) == (lost.elsewhere, lost.assigned)
    assert {len(won.assigned), len(lost.assigned)} == {0, 30}
    assert len(plates_of(mine)) + len(plates_of(theirs)) == 30


@pytest.mark.django_db(transaction=True)
def test_of_two_lists_of_a_tenant_at_once_one_stands(mine: Tenant) -> None:
    lists = [tuple(f"{letter}{number}" for number in range(20)) for letter in "AB"]
    at_once(*[lambda texts=texts: assign(mine, texts=texts, replace=True) for texts in lists])
    assert plates_of(mine) in [{plate_parse(text) for text in texts} for texts in lists]


@pytest.mark.django_db(transaction=True)
def test_two_tenants_that_swap_plates_at_once_do_not_block_each_other(mine: Tenant, theirs: Tenant) -> None:
    for tenant, letter in ((mine, "A"), (theirs, "B")):
        assign(tenant, texts=tuple(f"{letter}{number}" for number in range(20)))
    swapped = {mine: "B", theirs: "A"}
    at_once(*[
        lambda tenant=tenant, letter=letter: assign(
            tenant, texts=tuple(f"{letter}{number}" for number in range(20)), replace=True
        )
        for tenant, letter in swapped.items()
    ])  # fmt: skip
    # Whoever came second found the first one's plates free; nobody has both halves, no plate is there twice.
    assert plates_of(mine).isdisjoint(plates_of(theirs))
    assert len(plates_of(mine)) + len(plates_of(theirs)) == 20
